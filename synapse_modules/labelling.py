"""Gives a content event its one label and draws its badge (rules L1 to L3).

Reading and drawing are plain functions over JSON; only `claims_of` asks Synapse, for what the event answers or edits.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, NamedTuple

from synapse.events import EventBase

from belisha.events import (
    FILE_MESSAGES,
    LABEL_KEY,
    Relation,
    check_message,
    explicit_label,
    poll_start_of,
    texts_of,
    written_label,
)
from belisha.html import clean, visible_text
from belisha.markers import MarkerReader
from belisha.policy.decide import Claims
from belisha.policy.decision import By
from belisha.policy.rooms import Kind, Room
from belisha.tlp import Label, badge, html_badge, without_badge

Json = dict[str, Any]

_MESSAGE: Final = "m.room.message"
_TEXT_MESSAGES: Final = frozenset({"m.text", "m.notice", "m.emote"})
_EXTENSIBLE_TEXT: Final = ("org.matrix.msc1767.text", "m.text", "body")
_EDIT_PREFIX: Final = "* "
_REPLY_FALLBACK: Final = re.compile(r"\A> <[^\n]*\n(?:>[^\n]*\n)*\n?")
_OPENING_TAGS: Final = r"((?:<(?:p|span|strong|em|b|i|font|div|code)\b[^>]*>)*)"
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
        if isinstance(part.get("formatted_body"), str):
            part["formatted_body"] = clean(part["formatted_body"])


async def claims_of(
    content: Json,
    relation: Relation,
    room_id: str,
    unreadable: Label,
    markers: MarkerReader,
    get_event: Callable[[str], Awaitable[EventBase | None]],
    get_edit: Callable[[str], Awaitable[EventBase | None]],
) -> Reading:
    """Every label that a tidied content claims.

    A parent that is unknown, redacted, in another room or without a label counts as `unreadable`, the room's ceiling.
    A parent that its source has raised by an edit (`get_edit` gives the newest) counts with the edit's label.
    The badge that an edit brings back from its original is taken out first: the server wrote it, not the member.
    """
    parent: Label | None = None
    for event_id in relation.all:
        event = await get_event(event_id)
        same_room = event is not None and event.room_id == room_id
        found = written_label(event.content) if event is not None and same_room else None
        if found is not None and (newest := await get_edit(event_id)) is not None:
            found = max(found, written_label(newest.content) or found)
        label = unreadable if found is None else found
        parent = label if parent is None else max(parent, label)
        if event_id == relation.replaces and found is not None:
            for part in parts_of(content):
                _take_out_badge(part, found)
    explicit = [label for label in map(explicit_label, parts_of(content)) if label is not None]
    text = markers.read_all(_readable(content, is_reply=bool(relation.parents)))
    claims = Claims(
        explicit=max(explicit) if explicit else None,
        text=text.label,
        parent=parent,
        is_edit=relation.replaces is not None,
    )
    return Reading(claims, text.problem)


def _readable(content: Json, *, is_reply: bool) -> Iterator[str]:
    for text in texts_of(content):
        if text.is_html:
            yield visible_text(clean(text.value))
        else:
            yield _REPLY_FALLBACK.sub("", text.value) if is_reply else text.value


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
    for part in parts_of(content):
        msgtype = part.get("msgtype")
        if msgtype in FILE_MESSAGES and "filename" not in part:
            part["filename"] = part["body"]
        if isinstance(part.get("formatted_body"), str):
            _draw_html(part, label, in_colour=in_colour)
        elif in_colour and msgtype in _TEXT_MESSAGES and isinstance(part.get("body"), str):
            plain = html.escape(_without_any_badge(part["body"]), quote=False).replace("\n", "<br>")
            part["format"] = "org.matrix.custom.html"
            part["formatted_body"] = html_badge(label) + plain
        for owner in (part, _question_of(part)):
            _draw_text(owner, label)


def strip_badges(content: Json) -> None:
    """Takes badges out that a client imitated, where none is to be drawn."""
    for part in parts_of(content):
        for owner in (part, _question_of(part)):
            for key in _EXTENSIBLE_TEXT:
                if isinstance(owner.get(key), str):
                    owner[key] = _without_any_badge(owner[key])


def _question_of(part: Json) -> Json:
    start = poll_start_of(part)
    question = start.get("question") if start is not None else None
    return question if isinstance(question, dict) else {}


def _draw_text(owner: Json, label: Label) -> None:
    for key in _EXTENSIBLE_TEXT:
        value = owner.get(key)
        if isinstance(value, str):
            owner[key] = badge(label) + _without_any_badge(value)
        elif isinstance(value, list):
            for entry in value:
                if isinstance(entry, dict) and isinstance(entry.get("body"), str):
                    entry["body"] = badge(label) + _without_any_badge(entry["body"])


def _draw_html(part: Json, label: Label, *, in_colour: bool) -> None:
    drawn = html_badge(label) if in_colour else badge(label)
    body = _without_html_badge(part["formatted_body"], None)
    part["formatted_body"] = f"<p>{drawn}{body[3:]}" if body.startswith("<p>") else drawn + body


def _without_any_badge(body: str) -> str:
    """`body` without the badges in front, however many: the server draws the one."""
    while (shorter := without_badge(body)) != body:
        body = shorter
    return body


def _without_html_badge(body: str, label: Label | None) -> str:
    names = re.escape(str(label)) if label is not None else "|".join(re.escape(str(each)) for each in Label)
    pattern = rf"\A((?:\* )?){_OPENING_TAGS}\[(?:{names})\]{_CLOSING_TAGS}[ \u00a0]?"
    shorter = re.sub(pattern, _what_stood_around, body)
    return body if shorter == body else (shorter if label is not None else _without_html_badge(shorter, None))


def _what_stood_around(found: re.Match[str]) -> str:
    """The tags around a badge that is taken out, without those that stood around nothing else."""
    opening, closing = re.findall("<[^>]*>", found[2]), re.findall("<[^>]*>", found[3])
    while opening and closing and re.match(r"</?(\w+)", opening[-1])[1] == closing[0][2:-1]:  # type: ignore[index]
        opening.pop()
        closing.pop(0)
    return "".join((found[1], *opening, *closing))


def _take_out_badge(part: Json, label: Label) -> None:
    for owner in (part, _question_of(part)):
        for key in _EXTENSIBLE_TEXT:
            value = owner.get(key)
            if isinstance(value, str):
                prefix = _EDIT_PREFIX if value.startswith(_EDIT_PREFIX) else ""
                owner[key] = prefix + without_badge(value[len(prefix) :], label)
    if isinstance(part.get("formatted_body"), str):
        part["formatted_body"] = _without_html_badge(part["formatted_body"], label)
