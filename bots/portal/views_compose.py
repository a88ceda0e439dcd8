"""Writing into a group with a label that one picks: whom it would reach, how it will look, what the server would say.

As with posts (`views_write`) the portal sends nothing and keeps nothing: inside Element the member's own client sends
the message (MSC2762), and the server decides as about any other.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web
from markupsafe import Markup

from belisha.blog.article import shown, to_send
from belisha.tlp import Label
from belisha.translation import _, many
from bots.portal.composing import Composer, Readers
from bots.portal.guard import Refused
from bots.portal.pad_source import named_pad
from bots.portal.pages import strictest
from bots.portal.visit import Visit
from bots.steward.words import MEANING

#: So many characters fit into a message, as text and as HTML beside it; an event has at most 65,536 bytes.
LONGEST: Final = 20_000
_LONGEST_EVENT: Final = 60_000
_LONGEST_LINK: Final = 1000
_FIELDS: Final = ("room", "text", "label", "answers", "thread", "pad")
#: In whatever link to a message a client makes; of room version 11, which all rooms here have.
_EVENT: Final = re.compile(r"\$[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")


class _NotYet(ValueError):
    """Nothing can be sent of what was written; `str()` is a sentence for who wrote it."""


async def form(visit: Visit) -> web.Response:
    """The empty page, for the group that is named."""
    room_id = visit.request.query.get("room", "")
    return _form(visit, await _group(visit, room_id), {**dict.fromkeys(_FIELDS, ""), "room": room_id})


async def audience(visit: Visit) -> web.Response:
    """Who reads the group at this moment; asked again by the page whenever a label is picked."""
    group = await _group(visit, visit.request.query.get("room", ""))
    return web.json_response({"said": readers_told(group.readers), "organisations": counted(group.readers)})


async def step(visit: Visit) -> web.Response:
    """Shows the message as it will be, goes back to writing, or hands the page's script what Element is to send."""
    given = {name: visit.form.get(name, "").replace("\r\n", "\n") for name in _FIELDS}
    wanted = visit.form.get("step")
    try:
        link = _event_in(given["answers"])
        group = await _group(visit, given["room"], link)
        if wanted == "change":
            return _form(visit, group, given)
        label = _label(group, given)
        if given["pad"]:
            await _check_pad(visit, given["pad"], group, label)
        content = await asyncio.to_thread(_content, given, group, label, may_be_empty=wanted == "send-file")
    except _NotYet as problem:
        if wanted in ("send", "send-file"):
            return web.json_response({"problem": str(problem)})
        return _form(visit, await _group(visit, given["room"]), given, str(problem))
    if wanted in ("send", "send-file"):
        return web.json_response({"room": group.room_id, "content": content})
    return await _preview(visit, group, given, label, content)


async def _check_pad(visit: Visit, named: str, group: Composer, label: Label) -> None:
    """Looks whether a file of a pad may go there under that label (rules L2 and L5)."""
    pad = await named_pad(visit, named)
    if pad is None:
        return
    if problem := pad.problem(group.room_id, group.ceiling):
        raise _NotYet(problem)
    if label < pad.label:
        sentence = _("The pad is {label}, and so is what is made of it, or stricter. Please choose another label.")
        raise _NotYet(sentence.format(label=pad.label))


async def _preview(
    visit: Visit, group: Composer, given: Mapping[str, str], label: Label, content: dict[str, Any]
) -> web.Response:
    user_id = visit.known.member.user_id
    asked = await visit.parts.homeserver.blog.composer(user_id, group.room_id, content=content)
    if asked is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    if asked.draft is not None and asked.draft.problem is not None:
        return _form(visit, group, given, asked.draft.problem)
    would_get = asked.draft.label if asked.draft is not None and asked.draft.label is not None else label
    body = (await asyncio.to_thread(shown, content)).html
    return visit.page(
        "compose_preview",
        strictest([Label.GREEN, would_get]),
        group=asked,
        given=given,
        would_get=would_get,
        is_stricter=would_get > label,
        is_told=asked.draft is not None,
        readers=readers_told(asked.readers),
        organisations=counted(asked.readers),
        body=Markup(body),  # noqa: S704 - `shown` has cleaned it
        content=json.dumps(content),
        to_copy=f"{label}\n\n{given['text'].strip()}",
        is_answer=bool(given["answers"]),
        in_element=visit.known.session.widget,
        element=visit.parts.place.in_element("room", group.room_id),
    )


async def _group(visit: Visit, room_id: str, answers: str | None = None) -> Composer:
    """The group as its member writes into it now; of all other rooms there is no page (rules P1 and P2)."""
    found = None
    if room_id.startswith("!") and len(room_id) <= 255:
        found = await visit.parts.homeserver.blog.composer(visit.known.member.user_id, room_id, answers)
    if found is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    return found


def _form(visit: Visit, group: Composer, given: Mapping[str, str], problem: str = "") -> web.Response:
    # What somebody has written goes back to them alone, under the strictest label that it may get.
    is_sent = visit.request.query.get("sent") == "1"
    return visit.page(
        "compose",
        strictest([Label.GREEN, *([group.ceiling] if given["text"] else [])]),
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        group=group,
        picked=given["label"] or str(group.default),
        choices=[(one, _(MEANING[one])) for one in group.labels],
        readers=readers_told(group.readers),
        organisations=counted(group.readers),
        given=given,
        problem=problem,
        is_sent=is_sent,
        longest=LONGEST,
        in_element=visit.known.session.widget,
        member=visit.known.member.user_id,
    )


def _event_in(link: str) -> str | None:
    """The message that a link leads to; None where nothing is answered."""
    if not link.strip():
        return None
    found = _EVENT.search(unquote(link)) if len(link) <= _LONGEST_LINK else None
    if found is None:
        raise _NotYet(_("That is no link to a message. In Element it is under “Share” beside a message."))
    return found[0]


def _label(group: Composer, given: Mapping[str, str]) -> Label:
    label = Label.parse(given["label"])
    if label is None:
        raise _NotYet(_("Please choose one of the labels."))
    if label not in group.labels:
        sentence = _("That label is stricter than this group can carry ({ceiling}). Please choose another.")
        raise _NotYet(sentence.format(ceiling=group.ceiling))
    return label


def _content(given: Mapping[str, str], group: Composer, label: Label, *, may_be_empty: bool) -> dict[str, Any]:
    """The message that is to be sent; of a file, what is said with it."""
    text = given["text"].strip("\n")
    if not text.strip() and not may_be_empty:
        raise _NotYet(_("Please write something first."))
    content = to_send(text) if text.strip() else {"msgtype": "m.text", "body": "", "m.mentions": {}}
    content["org.belisha.tlp"] = {"label": str(label)}
    if given["answers"].strip():
        if group.answered is None:
            raise _NotYet(_("There is no such message in this group that you can read, or it was taken back."))
        answers = {"m.in_reply_to": {"event_id": group.answered.event_id}}
        in_thread = {"rel_type": "m.thread", "event_id": group.answered.thread, "is_falling_back": False}
        content["m.relates_to"] = answers | (in_thread if given["thread"] else {})
    if len(text) > LONGEST or len(json.dumps(content, ensure_ascii=False).encode()) > _LONGEST_EVENT:
        raise _NotYet(_("That is longer than a message can be. Please shorten it, or make two of it."))
    return content


def readers_told(readers: Readers) -> str:
    """Who reads it, in a sentence."""
    if not readers.people:
        return _("Nobody can read it just now.")
    people = many("{count} person", "{count} people", readers.people)
    of = many("{count} organisation", "{count} organisations", len(readers.organisations))
    bots = many(" and {count} bot", " and {count} bots", readers.bots) if readers.bots else ""
    if readers.could_join:
        return _("{people} of {organisations}{bots}: every member may join this group and read it.").format(
            people=people, organisations=of, bots=bots
        )
    return _("{people} of {organisations}{bots}.").format(people=people, organisations=of, bots=bots)


def counted(readers: Readers) -> list[str]:
    """Each organisation, with how many of its people."""
    return [f"{name}: {many('{count} person', '{count} people', count)}" for name, count in readers.organisations]
