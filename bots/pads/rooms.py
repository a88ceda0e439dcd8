"""All pads that pages of this process have open, and what is read of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.kernel.store import Store
from bots.pads.book import Gone, Kept, PadBook, Row
from bots.pads.document import Document
from bots.pads.editor import AGAIN, Editor
from bots.pads.note_book import NoteBook
from bots.pads.room import PadRoom
from bots.pads.rules import Labelled, labelled
from bots.pads.standing import Look
from bots.pads.versions import VersionBook

#: So many pages of one member may have one pad open.
MOST_OF_ONE = 10
#: So many pages may have one pad open.
MOST = 100


class Full(Exception):
    """More pages have a pad open than it can take."""


class PadRooms:
    """Opens a pad with its first page, and lets it go with its last."""

    def __init__(self, store: Store, look: Look, reader: MarkerReader) -> None:
        """Works on an open store.

        Args:
            store: the bots' store.
            look: asks who may read and write.
            reader: reads markers, with the community's own.
        """
        self._book, self._notes = PadBook(store), NoteBook(store)
        self.versions = VersionBook(store, reader)
        self._alone = store.is_sqlite
        self._look, self._reader = look, reader
        self._open: dict[str, PadRoom] = {}
        # Gone with the last who waits for it: so there are never two for one pad.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def listed(self, rooms: Sequence[str], most: int) -> Sequence[Row]:
        """The pads of these groups, those that were changed last first."""
        return await self._book.listed(rooms, most)

    async def enter(self, room_id: str, event_id: str, editor: Editor) -> PadRoom | None:
        """Has a page let into a pad; None where it is not there, or not for its member.

        Raises:
            Unavailable: it cannot be asked who may read it.
            Full: too many pages have it open.
        """
        async with self._turns.setdefault(event_id, asyncio.Lock()):
            room = self._open.get(event_id)
            if room is None or room.is_over:
                if not (await self._look(room_id, event_id, (editor,))).members:
                    return None
                if await self._book.room(event_id) != room_id:
                    return None
                room = PadRoom(room_id, event_id, self._book, self._notes, self._look, self._reader, alone=self._alone)
                try:
                    await room.start()
                except Gone:
                    return None
                self._open[event_id] = room
            same = [one for one in room.editors if one.user_id == editor.user_id]
            if len(room.editors) >= MOST or len(same) >= MOST_OF_ONE:
                raise Full
            is_in = False
            try:
                is_in = room.room_id == room_id and await room.enter(editor)
            finally:
                if not is_in:
                    await self._let_go(event_id, room)
            return room if is_in else None

    async def leave(self, room: PadRoom, editor: Editor) -> None:
        """Lets a page go, and the pad with the last one."""
        room.leave(editor)
        async with self._turns.setdefault(room.event_id, asyncio.Lock()):
            await self._let_go(room.event_id, room)

    async def read(self, room_id: str, event_id: str) -> str | None:
        """The text of a pad as it is kept; None where that group has none. For whoever was found to be allowed to."""
        try:
            if await self._book.room(event_id) != room_id:
                return None
            kept = await self._book.kept(event_id)
        except Gone:
            return None
        return await asyncio.to_thread(_text, kept)

    async def noted(self, event_id: str) -> Label:
        """The strictest label of a pad's comments and suggestions; CLEAR where it has none."""
        return await self._notes.label(event_id)

    def labelled(self, text: str, item: Label, ceiling: Label, noted: Label = Label.CLEAR) -> Labelled:
        """The label of a text that is shown, with its comments, whose strictest label is `noted`.

        Raises:
            Refused: it says that it is stricter than its group carries by now.
        """
        return labelled(text, item, ceiling, self._reader, noted)

    async def close(self) -> None:
        """Closes all pads."""
        for room in list(self._open.values()):
            await room.stop()
        self._open.clear()

    async def _let_go(self, event_id: str, room: PadRoom) -> None:
        if room.editors and not room.is_over:
            return
        if not room.is_over:
            await room.settle()
            await room.stop("", AGAIN)
        if self._open.get(event_id) is room:
            del self._open[event_id]


def _text(kept: Kept) -> str:
    return Document(kept.updates, kept.owners).text
