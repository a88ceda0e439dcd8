"""Puts an earlier text of a pad in again, as a page of the member who wants that would: as one change more.

It goes through the open pad like anything that is written, so it obeys what that obeys, everybody who has it open sees
it at once, and what others write at the same moment stays. Only what differs is written anew: the rest stays whose it
was, and cursors stay where they are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from bots.pads.editor import Editor, End
from bots.pads.updates import ASK, CHANGE, GIVE, ROOT, read_frame

if TYPE_CHECKING:
    from bots.pads.rooms import PadRooms

#: More lines are not compared one by one: difflib's time grows with their square.
_MOST_LINES: Final = 1_500
#: For how long a pad is waited for, in seconds; it has ten for the homeserver.
_PATIENCE: Final = 20.0
#: The state vector of somebody who has nothing yet.
_NOTHING: Final = b"\0"


class NotRestored(Exception):
    """A text could not be put in; `str()` is a sentence for who wanted it."""


async def restore(
    rooms: PadRooms,
    room_id: str,
    event_id: str,
    editor: Editor,
    text: str,
    keep: Callable[[], Awaitable[object]],
) -> bool:
    """Has a pad say that text again.

    Args:
        rooms: the pads.
        room_id: the group.
        event_id: the pad's message.
        editor: who restores it, by which session.
        text: what it said then.
        keep: keeps what it says now, which is asked for before any of that goes. A page is given nothing that is not
            in the database already, so all that goes is in what is kept.

    Returns:
        Whether anything changed by it.

    Raises:
        NotRestored: it is not there for them, they may not write in it, or it took too long.
        Full: too many pages have it open.
        Unavailable: it cannot be asked who may write.
    """
    room = await rooms.enter(room_id, event_id, editor)
    if room is None:
        raise NotRestored("This pad is not for you to see any more, or it was taken back.")
    try:
        async with asyncio.timeout(_PATIENCE):
            await room.submit(editor, ASK, _NOTHING)
            update = await asyncio.to_thread(_change, await _state(editor), text)
            if update is None:
                return False
            await keep()
            await room.submit(editor, CHANGE, update)
            await _saved(editor)
            return True
    except TimeoutError:
        raise NotRestored("It cannot be checked right now who may write here. Please try again in a minute.") from None
    finally:
        await asyncio.shield(rooms.leave(room, editor))


async def _state(editor: Editor) -> bytes:
    """What the pad gives to who has nothing: all there is."""
    while True:
        one = await _next(editor)
        if isinstance(one, bytes):
            kind, body = read_frame(one)
            if kind == GIVE:
                return body


async def _saved(editor: Editor) -> None:
    while True:
        one = await _next(editor)
        if isinstance(one, str) and json.loads(one).get("saved"):
            return


async def _next(editor: Editor) -> bytes | str:
    one = await editor.out.get()
    if isinstance(one, End):
        raise NotRestored(one.sentence)
    editor.sent(one)
    return one


def _change(state: bytes, text: str) -> bytes | None:
    """What makes that text of a pad, as one update; None where it says that already."""
    from pycrdt import Doc, Text

    doc: Doc[Text] = Doc()
    shown = doc.get(ROOT, type=Text)
    doc.apply_update(state)
    before, has = str(shown), doc.get_state()
    if before == text:
        return None
    with doc.transaction():
        at = 0  # in bytes of UTF-8, as pycrdt counts
        for old, new in pieces(before, text):
            length = len(old.encode())
            if old == new:
                at += length
                continue
            if length:
                del shown[at : at + length]
            if new:
                shown.insert(at, new)
            at += len(new.encode())
    return doc.get_update(has)


def pieces(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Two texts in pairs of pieces that come to the same places: alike, or what is there and what is to be there."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if max(len(old), len(new)) > _MOST_LINES:
        yield from _ends(before, after)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, becomes = "".join(old[a:b]), "".join(new[c:d])
        if tag == "equal":
            yield was, becomes
        else:
            yield from _ends(was, becomes)


def _ends(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The same for two pieces of which only the beginning and the end are alike."""
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    if head:
        yield before[:head], after[:head]
    if before != after:
        yield before[head : len(before) - tail], after[head : len(after) - tail]
    if tail:
        yield before[len(before) - tail :], after[len(after) - tail :]


def _alike(one: str, other: str) -> int:
    """How many characters of two texts are the same from the beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low
