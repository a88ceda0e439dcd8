"""The pages of pads. What each shows is decided by what the module says at that moment (rule P2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import Final, NamedTuple

from aiohttp import WSMsgType, web
from markupsafe import Markup

from belisha.blog.article import shown
from belisha.tlp import Label
from bots.pads.asked import NOTE, asked_of
from bots.pads.book import Row
from bots.pads.editor import REFUSED, Editor, End, place_of
from bots.pads.files.order import NAMES
from bots.pads.room import PadRoom
from bots.pads.rooms import Full
from bots.pads.rules import Labelled, title
from bots.pads.rules import Refused as NotShown
from bots.pads.updates import ASK, MalformedUpdate, read_frame
from bots.portal.asking_pads import PadFacts
from bots.portal.guard import Refused
from bots.portal.pages import part
from bots.portal.visit import Visit

#: The largest frame, in bytes: what was written without a connection comes in one.
_LARGEST: Final = 256 * 1024
#: Seconds between two signs of life of a connection on which nothing is sent.
_ALIVE: Final = 20.0
_LISTED: Final = 100
#: Of so many pads that nobody is shown it is asked whose they are.
_UNSEEN: Final = 10
_BROKEN: Final = "What this page sent could not be read. Please copy what you wrote, and load the page again."


class ShownPad(NamedTuple):
    """A pad that its reader may see now."""

    facts: PadFacts
    text: str
    labelled: Labelled


class Unseen(Refused):
    """A pad that nobody is shown now: its source alone is told why, to everybody else it is not there."""

    def __init__(self, label: Label, reason: str) -> None:
        """Says which label it has, and why, as a sentence."""
        super().__init__(HTTPStatus.NOT_FOUND)
        self.label, self.reason = label, reason


async def pads(visit: Visit) -> web.Response:
    """The pads of my groups, or of that one of them that is asked for, those that were changed last first."""
    user_id, only = visit.known.member.user_id, visit.request.query.get("room")
    mine = (await visit.parts.homeserver.home(user_id)).groups
    groups = {room.room_id: room for room in mine if only in (None, room.room_id)}
    rows = await visit.parts.pads.listed(list(groups), _LISTED)
    labels = await visit.parts.homeserver.pads.labels(user_id, [(row.room_id, row.event_id) for row in rows])
    # A title is words of its text, which may say of itself that it is stricter than its message.
    found = [
        (row, max(label, row.label), groups[row.room_id])
        for row, label in zip(rows, labels, strict=True)
        if label is not None and row.label <= max(label, groups[row.room_id].ceiling)
    ]
    shown_ = [row for row, _, _ in found]
    cards = [
        {"title": row.title, "address": address(row.room_id, row.event_id), "group": group, "label": label,
         "at": row.changed_at}
        for row, label, group in found
    ]  # fmt: skip
    hidden = [row for row, label in zip(rows, labels, strict=True) if label is not None and row not in shown_]
    unseen = [address(row.room_id, row.event_id) for row in hidden[:_UNSEEN] if await _is_mine(visit, row)]
    label = max((label for _, label, _ in found), default=Label.GREEN)
    return visit.page(
        "pads", label, pads=cards, unseen=unseen, group=groups.get(only) if only else None, is_one=only is not None
    )


async def pad(visit: Visit) -> web.Response:
    """A pad, to be written in; what is not there and what is not for me are the same."""
    try:
        found = await shown_pad(visit)
    except Unseen as error:
        return _unseen(visit, error)
    here, mine = here_of(visit), found.facts.readers[visit.known.member.user_id]
    room_id, event_id = visit.request.match_info["room_id"], visit.request.match_info["event_id"]
    return visit.page(
        "pad",
        found.labelled.label,
        title=title(found.text),
        here=here,
        closed=mine.present.closed,
        moved=mine.moved_to is not None,
        onward=_in_element(visit, mine.moved_to),
        element=visit.parts.place.in_element("room", room_id, event_id),
    )


async def read(visit: Visit) -> web.Response:
    """A pad as a document, which needs no scripts."""
    try:
        found = await shown_pad(visit)
    except Unseen as error:
        return _unseen(visit, error)
    mine = found.facts.readers[visit.known.member.user_id]
    html = await asyncio.to_thread(lambda: shown({"msgtype": "m.text", "body": found.text}).html)
    return visit.page(
        "pad_read",
        found.labelled.label,
        title=title(found.text),
        here=here_of(visit),
        moved=mine.moved_to is not None,
        onward=_in_element(visit, mine.moved_to),
        body=Markup(html),  # noqa: S704 - `shown` has cleaned it
        is_headed="<h1" in html,
        kinds_of_files=NAMES.items(),
        names_me=found.labelled.label >= Label.AMBER,
    )


async def live(visit: Visit) -> web.StreamResponse:
    """The connection by which a page writes in a pad with others.

    A browser sends its cookies along with a connection that any page opens, and no form's proof can be part of it. So
    what counts is the page's origin, which browsers always say here (RFC 6455, 4.1) and no script can make them lie
    about.
    """
    request, known = visit.request, visit.known
    connection = web.WebSocketResponse(max_msg_size=_LARGEST, heartbeat=_ALIVE, compress=False, timeout=2.0)
    if not connection.can_prepare(request).ok:  # there is no page here
        raise Refused(HTTPStatus.NOT_FOUND)
    if request.headers.get("Origin") != visit.parts.place.public_url:
        raise Refused(HTTPStatus.FORBIDDEN)
    editor = Editor(known.member.user_id, known.token, known.session.confirmed)
    pads_ = visit.parts.pads
    try:
        room = await pads_.enter(request.match_info["room_id"], request.match_info["event_id"], editor)
    except Full as error:
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, 60) from error
    if room is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    try:
        await connection.prepare(request)
        await talk(connection, room, editor)
    finally:
        await asyncio.shield(pads_.leave(room, editor))
    return connection


async def talk(connection: web.WebSocketResponse, room: PadRoom, editor: Editor) -> None:
    """Until the page goes, or is sent away."""
    listening = asyncio.create_task(_listen(connection, room, editor))
    sending = asyncio.create_task(_send(connection, editor))
    try:
        await asyncio.wait({listening, sending}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and editor.over:  # the page is still to be told why
            await asyncio.wait({sending}, timeout=2.0)
    finally:
        for task in (listening, sending):
            task.cancel()
        for ended in await asyncio.gather(listening, sending, return_exceptions=True):
            if isinstance(ended, Exception) and not isinstance(ended, ConnectionError | RuntimeError):
                raise ended


async def _send(connection: web.WebSocketResponse, editor: Editor) -> None:
    while True:
        one = await editor.out.get()
        if isinstance(one, End):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await connection.send_str(json.dumps({"end": one.sentence, "code": one.code}))
            await connection.close(code=one.code)
            return
        if isinstance(one, bytes):
            await connection.send_bytes(one)
        else:
            await connection.send_str(one)
        editor.sent(one)


async def _listen(connection: web.WebSocketResponse, room: PadRoom, editor: Editor) -> None:
    """Takes what the page sends, no faster than it may: what is too fast waits, and is not lost."""
    async for message in connection:
        if message.type is WSMsgType.ERROR:  # longer than any may be, or no message at all; it is closed already
            return
        try:
            if message.type is WSMsgType.BINARY:
                kind, body = read_frame(message.data)
                await asyncio.sleep(editor.wait(len(body), asks=kind == ASK))
                await room.submit(editor, kind, body)
                continue
            await asyncio.sleep(editor.wait(len(message.data or "")))
            said = json.loads(message.data) if message.type is WSMsgType.TEXT else None
            if not isinstance(said, dict) or not said.keys() & {"place", "note"}:
                raise MalformedUpdate("It is no message of an editor.")
            if "note" in said:
                await asyncio.sleep(editor.wait(notes=True))
                await room.submit(editor, NOTE, asked=asked_of(said["note"]))
            else:
                room.point(editor, place_of(said["place"]))
        except (MalformedUpdate, ValueError, RecursionError):
            editor.end(REFUSED, _BROKEN)
            return


async def _is_mine(visit: Visit, row: Row) -> bool:
    """Whether I am the source of a pad: then I am told why nobody is shown it."""
    user_id = visit.known.member.user_id
    facts = await visit.parts.homeserver.pads.facts(row.room_id, row.event_id, [user_id])
    return user_id in facts.readers and facts.source == user_id


async def shown_pad(visit: Visit) -> ShownPad:
    """The pad that an address names, as I may read it at this moment.

    Raises:
        Refused: 404 for what is not there, and for what is not for me; `Unseen` for its source.
    """
    return await pad_at(visit, visit.request.match_info["room_id"], visit.request.match_info["event_id"])


async def pad_at(visit: Visit, room_id: str, event_id: str) -> ShownPad:
    """A pad as I may read it at this moment.

    Raises:
        Refused: 404 for what is not there, and for what is not for me.
    """
    user_id = visit.known.member.user_id
    facts = await visit.parts.homeserver.pads.facts(room_id, event_id, [user_id])
    if user_id not in facts.readers:
        raise Refused(HTTPStatus.NOT_FOUND)
    text = await visit.parts.pads.read(room_id, event_id)
    if text is None:
        raise Refused(HTTPStatus.NOT_FOUND)
    try:
        noted = await visit.parts.pads.noted(event_id)
        return ShownPad(facts, text, visit.parts.pads.labelled(text, facts.label, facts.ceiling, noted))
    except NotShown as error:
        if facts.source != user_id:
            raise Refused(HTTPStatus.NOT_FOUND) from error
        raise Unseen(facts.label, str(error)) from error


def _unseen(visit: Visit, error: Unseen) -> web.Response:
    match = visit.request.match_info
    element = visit.parts.place.in_element("room", match["room_id"], match["event_id"])
    return visit.page("pad_unseen", error.label, reason=error.reason, element=element)


def _in_element(visit: Visit, room_id: str | None) -> str | None:
    return visit.parts.place.in_element("room", room_id) if room_id else None


def here_of(visit: Visit) -> str:
    """The page of the pad that an address names."""
    return address(visit.request.match_info["room_id"], visit.request.match_info["event_id"])


def address(room_id: str, event_id: str) -> str:
    """The page of a pad."""
    return f"/pads/{part(room_id)}/{part(event_id)}"
