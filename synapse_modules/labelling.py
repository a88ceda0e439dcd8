"""Gives a content event its one label and draws its badge (rules L1 to L3).

Reading and drawing are plain functions over JSON; only `claims_of` asks Synapse, for what the event answers or edits.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final, NamedTuple

from belisha.events import (
    FILE_MESSAGES,
    LABEL_KEY,
    Relation,
    check_message,
    clean_html,
    explicit_label,
    poll_start_of,
    texts_of,
)
from belisha.html import clean, texts_in
from belisha.inside import SENTENCES, Reason
from belisha.markers import MarkerReader
from belisha.policy.decide import Claims
from belisha.policy.decision import By
from belisha.policy.rooms import Kind, Room
from belisha.tlp import Label, html_badge, without_badge
from belisha.tlp import badge as plain_badge
from synapse_modules.sizes import json_bytes

Json = dict[str, Any]

_MESSAGE: Final = "m.room.message"
_TEXT_MESSAGES: Final = frozenset({"m.text", "m.notice", "m.emote"})
#: What a client shows first of a part or of a poll's question (MSC1767 in all its forms).
_SHOWN_TEXT: Final = ("body", "org.matrix.msc1767.text", "m.text", "org.matrix.msc1767.message", "m.message")
_SHOWN_HTML: Final = ("formatted_body", "org.matrix.msc1767.html", "m.html")
_HTML_TYPE: Final = "text/html"
_EDIT_PREFIX: Final = "* "
_REPLY_FALLBACK: Final = re.compile(r"\A> <[^\n]*\n(?:>[^\n]*\n)*\n?")
_OPENING_TAGS: Final = r"((?:<(?:p|span|strong|em|b|i|font|div|code)\b[^>]*>)*)"
#: What the server writes behind the caption of a file that could not be read.
_NOTE: Final = "(This file was not checked: {}.)"
_NOTES: Final = tuple(_NOTE.format(sentence) for sentence in SENTENCES.values())
_LAST_TAG: Final = re.compile(r"</\w{1,20}>\Z")
_CLOSING_TAGS: Final = r"((?:</(?:p|span|strong|em|b|i|font|div|code)>)*)"


class Reading(NamedTuple):
    """What an event says of its label: its claims, or a problem (a sentence for its sender)."""

    claims: Claims
    problem: str | None = None


def parts_of(content: Json) -> Iterator[Json]:
    """The content itself and, of an edit, its new content."""
    yield content
    new_content = content.get("m.new_content")
    if isinstance(new_content, dict):
        yield new_content


def tidy(event_type: str, content: Json) -> None:
    """Checks the parts that are read here, and cleans HTML in place.

    Raises:
        MalformedEvent: where a part has the wrong type.
    """
    for part in parts_of(content):
        if event_type == _MESSAGE:
            check_message(part)
    clean_html(content)


async def claims_of(
    content: Json,
    relation: Relation,
    unreadable: Label,
    markers: MarkerReader,
    get_label: Callable[[str], Awaitable[Label | None]],
    decided: Json | None = None,
) -> Reading:
    """Every label that a tidied content claims.

    A parent whose label cannot be read (`get_label` gives None: unknown, in another room) counts as `unreadable`, the
    room's ceiling. The badge that an edit brings back from its original is taken out first: the server wrote it, not
    the member. `decided` is what a relabelled item shows before this edit: a marker that stays as it was there has been
    decided about since, so it claims nothing anew (rule L4).
    """
    parent: Label | None = None
    for event_id in relation.all:
        found = await get_label(event_id)
        label = unreadable if found is None else found
        parent = label if parent is None else max(parent, label)
        if event_id == relation.replaces and found is not None:
            for part in parts_of(content):
                _take_out_badge(part, found)
    explicit = [label for label in map(explicit_label, parts_of(content)) if label is not None]
    text = markers.read_all(_readable(content, is_reply=bool(relation.parents)))
    claims = Claims(
        explicit=max(explicit) if explicit else None,
        text=None if decided is not None and text.label == _marker_in(decided, markers) else text.label,
        parent=parent,
        is_edit=relation.replaces is not None,
    )
    return Reading(claims, text.problem)


def _marker_in(content: Json, markers: MarkerReader) -> Label | None:
    """The label that the text of a stored content states, its badge aside."""
    shown = deepcopy(content)
    strip_badges(shown)
    strip_notes(shown)
    return markers.read_all(_readable(shown, is_reply=False)).label


def _readable(content: Json, *, is_reply: bool) -> Iterator[str]:
    for text in texts_of(content):
        if text.is_html:
            yield from texts_in(clean(text.value))
        else:
            yield text.value
            # Some clients show the fallback and some do not: a marker may stand before it and behind it.
            if is_reply and (answer := _REPLY_FALLBACK.sub("", text.value)) != text.value:
                yield answer


# --- Drawing ------------------------------------------------------------------------------------------------


def wants_badge(mode: str, room: Room, event_type: str, content: Json, label: Label) -> bool:
    """Whether the community's setting (`always`, `above_default`, `never`) asks for a badge on this event."""
    if mode == "never" or event_type == "m.room.encrypted" or (mode == "above_default" and label <= room.default):
        return False
    body = content.get("body")
    return not (room.kind is Kind.SERVICE and isinstance(body, str) and body.lstrip().startswith("!"))


def write_label(content: Json, label: Label, by: By) -> None:
    """Writes the label key, whatever the client sent, into the content and its new content."""
    for part in parts_of(content):
        part[LABEL_KEY] = {"label": str(label), "by": by.value}


def draw_badge(content: Json, label: Label, *, in_colour: bool) -> None:
    """Draws exactly one badge where clients show the content; plain text everywhere where not `in_colour`."""
    drawn = html_badge(label) if in_colour else plain_badge(label)

    def in_text(text: str) -> str:
        return plain_badge(label) + _without_any_badge(text)

    def in_html(text: str) -> str:
        rest = _without_html_badges(text)
        return f"<p>{drawn}{rest[3:]}" if rest.startswith("<p>") else drawn + rest

    for part in parts_of(content):
        msgtype = part.get("msgtype")
        body = part.get("body")
        _keep_filename(part)
        if in_colour and msgtype in _TEXT_MESSAGES and "formatted_body" not in part and isinstance(body, str):
            plain = html.escape(_without_any_badge(body), quote=False).replace("\n", "<br>")
            part["format"] = "org.matrix.custom.html"
            part["formatted_body"] = plain
        _rewrite(part, in_text, in_html)


def draw_note(content: Json, reason: Reason) -> None:
    """Says behind the caption that a file was not checked, and why: every client shows captions."""
    note = _NOTE.format(SENTENCES[reason])
    for part in parts_of(content):
        _keep_filename(part)
        _rewrite(part, lambda text: f"{text}\n{note}", lambda text: f"{text}<br>{note}")


def strip_notes(content: Json) -> None:
    """Takes notes out that a client imitated or brings back, so that they hide no marker: the server draws the one."""
    for part in parts_of(content):
        _rewrite(part, _without_notes, _without_html_notes)


def _without_notes(text: str) -> str:
    while text.endswith(_NOTES) and "\n" in text:
        before, _, note = text.rpartition("\n")
        if note not in _NOTES:
            break
        text = before
    return text


def _without_html_notes(text: str) -> str:
    end = len(text)
    while found := _LAST_TAG.search(text, max(0, end - 24), end):
        end = found.start()
    rest, closing = text[:end], text[end:]
    if not rest.endswith(_NOTES):
        return text
    while rest.endswith(_NOTES):
        rest = rest[: rest.rindex("(")].removesuffix("<br>")
    return rest + closing


def _keep_filename(part: Json) -> None:
    """A file whose name stood in the body keeps it when the body becomes its caption (Matrix 1.16, "m.file")."""
    if part.get("msgtype") in FILE_MESSAGES and "filename" not in part and isinstance(part.get("body"), str):
        part["filename"] = part["body"]


def is_editable(event_type: str, content: Mapping[str, Any]) -> bool:
    """Whether clients show an edit of such an item, so that its badge can be drawn anew."""
    return event_type == _MESSAGE and content.get("msgtype") != "m.location" and isinstance(content.get("body"), str)


def relabelled(item: str, shown: Json, label: Label, *, badge: bool, largest: int) -> Json | None:
    """The edit that shows an item with its new label: the same content with one badge; None where it is too large.

    `shown` is what clients show now; `largest` is the most that the edit may measure, in bytes of JSON.
    """
    new = {key: value for key, value in deepcopy(shown).items() if key not in ("m.relates_to", "m.new_content")}
    strip_badges(new)
    fallback = {**deepcopy(new), "m.mentions": {}, "body": f"{_EDIT_PREFIX}{new['body']}"}
    if isinstance(new.get("formatted_body"), str):
        fallback["formatted_body"] = f"{_EDIT_PREFIX}{new['formatted_body']}"
    # What old clients show comes last: a long text may be told to them in short.
    short = {"msgtype": "m.text", "m.mentions": {}, "body": f"{_EDIT_PREFIX}…"}
    for outer, in_colour in ((fallback, True), (fallback, False), (short, True), (short, False)):
        relates = {"rel_type": "m.replace", "event_id": item}
        edit = {**deepcopy(outer), "m.new_content": deepcopy(new), "m.relates_to": relates}
        write_label(edit, label, By.RELABEL)
        if badge:
            draw_badge(edit, label, in_colour=in_colour)
        if json_bytes(edit) <= largest:
            return edit
    return None


def relabel_notice(item: str, label: Label) -> Json:
    """The answer that says an item's new label, where the item itself cannot be edited."""
    notice: Json = {
        "msgtype": "m.notice",
        "body": "The label of this was changed.",
        "m.mentions": {},
        "m.relates_to": {"rel_type": "m.reference", "event_id": item, "m.in_reply_to": {"event_id": item}},
    }
    write_label(notice, label, By.RELABEL)
    draw_badge(notice, label, in_colour=True)
    return notice


def strip_badges(content: Json) -> None:
    """Takes badges out that a client imitated: the server draws the one there is."""
    for part in parts_of(content):
        _rewrite(part, _without_any_badge, _without_html_badges)


def _take_out_badge(part: Json, label: Label) -> None:
    """Takes the badge of `label` out, which an edit brings back behind the asterisk of its fallback."""

    def from_text(text: str) -> str:
        prefix = _EDIT_PREFIX if text.startswith(_EDIT_PREFIX) else ""
        return prefix + without_badge(text[len(prefix) :], label)

    _rewrite(part, from_text, lambda text: _without_html_badge(text, (label,)))


def _rewrite(part: Json, in_text: Callable[[str], str], in_html: Callable[[str], str]) -> None:
    """Rewrites in place what a client shows of one part: plain and formatted text, extensible text, poll question."""
    for owner in (part, _question_of(part)):
        for key in _SHOWN_HTML:
            if isinstance(owner.get(key), str):
                owner[key] = in_html(owner[key])
        for key in _SHOWN_TEXT:
            value = owner.get(key)
            if isinstance(value, str):
                owner[key] = in_text(value)
            for entry in value if isinstance(value, list) else ():
                if isinstance(entry, dict) and isinstance(entry.get("body"), str):
                    is_html = entry.get("mimetype") == _HTML_TYPE
                    entry["body"] = in_html(entry["body"]) if is_html else in_text(entry["body"])


def _question_of(part: Json) -> Json:
    start = poll_start_of(part)
    question = start.get("question") if start is not None else None
    return question if isinstance(question, dict) else {}


def _without_any_badge(body: str) -> str:
    """`body` without the badges in front, however many: the server draws the one."""
    while (shorter := without_badge(body)) != body:
        body = shorter
    return body


def _without_html_badges(body: str) -> str:
    """The same of HTML."""
    while (shorter := _without_html_badge(body, tuple(Label))) != body:
        body = shorter
    return body


def _without_html_badge(body: str, labels: tuple[Label, ...]) -> str:
    names = "|".join(re.escape(str(label)) for label in labels)
    return re.sub(rf"\A((?:\* )?){_OPENING_TAGS}\[(?:{names})\]{_CLOSING_TAGS}[ \u00a0]?", _what_stood_around, body)


def _what_stood_around(found: re.Match[str]) -> str:
    """The tags around a badge that is taken out, without those that stood around nothing else."""
    opening, closing = re.findall("<[^>]*>", found[2]), re.findall("<[^>]*>", found[3])
    while opening and closing and re.split(r"\W+", opening[-1])[1] == closing[0][2:-1]:
        opening.pop()
        closing.pop(0)
    return "".join((found[1], *opening, *closing))
