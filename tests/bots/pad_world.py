"""Editors and a server of pads in one process, whose connections and whose server break as a test wants it."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pycrdt import Assoc, Doc, Text

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.kernel.store import Store
from bots.pads import book
from bots.pads.asked import NOTE, asked_of
from bots.pads.editor import Editor, End
from bots.pads.room import PadRoom
from bots.pads.rooms import PadRooms
from bots.pads.standing import Present, Standing
from bots.pads.updates import ASK, CHANGE, GIVE, read_frame, read_state
from tests.support.databases import postgresql
from tests.support.patience import until

DATABASES = ("sqlite", "postgresql")
ROOM, PAD = "!group:x", "$pad"
READER = MarkerReader({})


@dataclass
class Rights:
    """What the module says: who may read, and who may only do that."""

    members: set[str] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    redacts: set[str] = field(default_factory=set)
    label: Label = Label.GREEN
    ceiling: Label = Label.AMBER
    silent: bool = False

    async def look(self, room_id: str, event_id: str, editors: Sequence[Editor]) -> Standing:
        if self.silent:
            raise ConnectionError
        found = {
            one: Present(one.user_id, "Harbour", self.closed.get(one.user_id, ""), one.user_id in self.redacts)
            for one in editors
            if one.user_id in self.members and (room_id, event_id) == (ROOM, PAD)
        }
        return Standing(self.label, self.ceiling, found)


async def begin(store: Store) -> None:
    await store.write(lambda connection: book.make(connection, PAD, ROOM, 1.0))


class Page:
    """A page of a member: an editor that keeps what it has not been told is safe, as the portal's does."""

    def __init__(self, name: str, chance: random.Random | None = None) -> None:
        self.user_id = f"@{name}:x"
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get("text", type=Text)
        self.editor: Editor | None = None
        self.room: PadRoom | None = None
        self.said: list[dict[str, Any]] = []
        self.ended: End | None = None
        self.sent = 0
        self.clocks: list[int] = []
        """How far this page had written with each frame that it sent on this connection."""
        self.safe = 0
        """How far this page has been told that its writing is safe."""
        self.notes: dict[str, dict[str, Any]] = {}
        """What it shows beside the text."""
        self.refused: dict[int, str] = {}
        self.asks: dict[int, dict[str, Any]] = {}
        """What it has asked to be done with comments and was not answered, by number."""
        self._asked = 0
        self._is_asked = False
        self._made: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._rooms: PadRooms | None = None
        self._chance = chance or random.Random(1)  # noqa: S311 - a test's
        self.doc.observe(lambda event: self._made.append(event.update))

    @property
    def words(self) -> str:
        return str(self.text)

    @property
    def written(self) -> int:
        return read_state(self.doc.get_state()).get(self.doc.client_id, 0)

    async def open(self, rooms: PadRooms) -> bool:
        await self.cut()
        editor = Editor(self.user_id, f"token {self.user_id}", True)
        room = await rooms.enter(ROOM, PAD, editor)
        if room is None:
            return False
        self._is_asked = False
        self.editor, self.room, self._rooms, self.sent, self.clocks, self.ended = editor, room, rooms, 0, [], None
        await room.submit(editor, ASK, self.doc.get_state())
        self._task = asyncio.create_task(self._listen(editor, room))
        return True

    async def cut(self) -> None:
        """The connection breaks; what is on its way in either direction is lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.room is not None and self.editor is not None and self._rooms is not None:
            await self._rooms.leave(self.room, self.editor)
        self._task = self.editor = self.room = None

    async def type(self, share: float, what: str | int) -> None:
        """Writes, or deletes so much, at that place; it is sent if there is a connection."""
        text = self.words
        at = round(share * len(text))
        begin_ = len(text[:at].encode())
        self._made.clear()
        if isinstance(what, str):
            self.text.insert(begin_, what)
        elif at < len(text):
            del self.text[begin_ : begin_ + len(text[at : at + what].encode())]
        made = list(self._made)
        for one in made:
            await self.give(CHANGE, one)

    async def give(self, kind: int, update: bytes) -> None:
        """Sends an update; until the server has said what it has, all goes with the answer to that."""
        self._is_asked = self._is_asked or kind == GIVE
        if self.room is None or self.editor is None or self.editor.over or not self._is_asked:
            return
        self.clocks.append(self.written)
        await self.room.submit(self.editor, kind, update)

    async def ask(self, do: str, note: str, **more: str) -> int:
        """Asks something about a comment or a suggestion, as often as it takes; the number of what it asked."""
        self._asked += 1
        self.asks[self._asked] = {"do": do, "number": self._asked, "note": note, **more}
        await self._ask(self.asks[self._asked])
        return self._asked

    async def about(self, do: str, note: str, words: str, begin: int, end: int) -> int:
        """The same about some letters (of ASCII) of the text."""
        return await self.ask(do, note, words=words, begins=self.place(begin), ends=self.place(end, Assoc.BEFORE))

    def place(self, at: int, side: Assoc = Assoc.AFTER) -> str:
        """A place, as an editor writes it down."""
        if side is Assoc.AFTER and at == len(self.words):
            return base64.b64encode(b"\1\4text\0").decode()
        return base64.b64encode(self.text.sticky_index(at, side).encode()).decode()

    async def answered(self) -> dict[int, str]:
        """Waits until all that it has asked is answered; what was refused, and why."""

        async def is_so() -> bool:
            await asyncio.sleep(0.01)
            return not self.asks

        assert await until(is_so)
        return self.refused

    async def _ask(self, asked: dict[str, Any]) -> None:
        if self.room is not None and self.editor is not None and not self.editor.over and self._is_asked:
            await self.room.submit(self.editor, NOTE, asked=asked_of(json.loads(json.dumps(asked))))

    def _hear(self, said: dict[str, Any]) -> None:
        if said.get("whole"):
            self.notes.clear()
        for one in said.get("notes", ()):
            if "kind" in one:
                self.notes[one["id"]] = one
            else:
                self.notes.pop(one["id"], None)
        if "noted" in said:
            self.asks.pop(said["noted"], None)
            if "refused" in said:
                self.refused[said["noted"]] = said["refused"]

    @property
    def is_saved(self) -> bool:
        return self.editor is not None and not self.editor.over and self.safe == self.written

    async def _listen(self, editor: Editor, room: PadRoom) -> None:
        while True:
            one = await editor.out.get()
            if isinstance(one, End):
                self.ended = one
                return
            editor.sent(one)
            if isinstance(one, str):
                said = json.loads(one)
                self.said.append(said)
                self._hear(said)
                if "saved" in said:
                    self.safe = self.clocks[said["saved"] - 1]
                continue
            kind, body = read_frame(one)
            if kind == ASK:
                await self.give(GIVE, self.doc.get_update(body))
                for asked in list(self.asks.values()):
                    await self._ask(asked)
            else:
                self.doc.apply_update(body)


async def shows(page: Page, text: str) -> None:
    """Waits until a page shows that."""

    async def is_so() -> bool:
        await asyncio.sleep(0.01)
        return page.words == text

    await until(is_so)


async def settled(pages: Sequence[Page]) -> str:
    """The text that all pages show, once all is safe."""

    await until(
        lambda: all(page.is_saved for page in pages) and len({page.words for page in pages}) == 1,
        why=lambda: [(one.words, one.safe, one.written, one.ended) for one in pages],
    )
    return pages[0].words


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[str]:
    """A database with a pad in it; its address."""
    if kind == "sqlite":
        address = f"sqlite:///{folder}/bots.db"
        await _with_pad(address)
        yield address
        return
    with postgresql() as address:
        await _with_pad(address)
        yield address


async def _with_pad(address: str) -> None:
    store = Store(address)
    await store.open()
    await begin(store)
    await store.close()


@asynccontextmanager
async def world(folder: Path, kind: str = "sqlite") -> AsyncIterator[tuple[Rights, PadRooms, Store]]:
    async with opened(kind, folder) as address:
        store, rights = Store(address), Rights({"@ana:x", "@ben:x", "@cara:x"})
        rooms = PadRooms(store, rights.look, READER)
        yield rights, rooms, store
        await rooms.close()
        await store.close()
