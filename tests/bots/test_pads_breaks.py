"""Pads through cuts, closed pages and killed servers: all pages come to show the same, and what was safe is there."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text

from bots.kernel.store import Store
from bots.pads.book import PadBook
from bots.pads.editor import AGAIN
from bots.pads.rooms import PadRooms
from bots.pads.updates import read_state
from tests.bots.pad_world import DATABASES, PAD, READER, Page, Rights, opened, settled
from tests.support.patience import until

WRITES = st.tuples(
    st.just("write"),
    st.integers(0, 4),
    st.floats(0, 1),
    st.one_of(st.text("abc é😀\n", min_size=1, max_size=8), st.integers(1, 12)),
)
BREAKS = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 4)),
    st.tuples(st.just("close"), st.integers(0, 4)),
    st.tuples(st.just("kill"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.just(0)),
)


class Servers:
    """Processes over one database, each of which can be killed: nothing that it had in memory is there any more."""

    def __init__(self, address: str, count: int) -> None:
        self._address = address
        self.rights = Rights({f"@p{number}:x" for number in range(5)})
        self._stores = [Store(address) for _ in range(count)]
        self.rooms = [PadRooms(store, self.rights.look, READER) for store in self._stores]

    async def kill(self, number: int) -> None:
        """In the middle of whatever it does: its tasks end, and only what was committed is left."""
        place = number % len(self.rooms)
        for room in self.rooms[place]._open.values():
            room.is_over = True
            for task in room._tasks:
                task.cancel()
            for editor in room.editors:
                editor.end(AGAIN, "")
        self._stores[place] = Store(self._address)
        self.rooms[place] = PadRooms(self._stores[place], self.rights.look, READER)

    async def close(self) -> None:
        for rooms in self.rooms:
            await rooms.close()
        for store in self._stores:
            await store.close()


async def play(address: str, script: list, processes: int) -> None:
    """Plays a script; in the end all pages that are left show what pycrdt makes of all that was written."""
    servers = Servers(address, processes)
    pages = [Page(f"p{number}") for number in range(5)]
    dead: list[Page] = []

    async def connected(number: int) -> Page:
        page = pages[number]
        while page.editor is None or page.editor.over:
            await page.open(servers.rooms[number % processes])
        return page

    for act, number, *what in script:
        if act == "write":
            page = pages[number] if what[0] > 0.9 else await connected(number)  # some write without a connection
            await page.type(what[0], what[1])
        elif act == "cut":
            await pages[number].cut()
        elif act == "kill":
            await servers.kill(number)
        elif act == "wait":
            await asyncio.sleep(0.02)
        else:  # somebody closes their page, whatever was not safe yet
            dead.append(pages[number])
            await pages[number].cut()
            pages[number] = Page(f"p{number}")
    for number in range(5):
        await connected(number)

    async def shown_by_all() -> tuple[Doc[Text], str] | None:
        """All that is kept, once every page shows it: what a closed page has sent may still be on its way."""
        text = await settled(pages)
        model: Doc[Text] = Doc()
        for one in (await PadBook(servers._stores[0]).kept(PAD)).updates:
            model.apply_update(one)
        return (model, text) if str(model.get("text", type=Text)) == text else None

    found = await until(shown_by_all)
    assert found is not None
    model, text = found
    for page in pages:
        model.apply_update(page.doc.get_update())
    assert str(model.get("text", type=Text)) == text, "nothing that a page has is missing"
    state = read_state(model.get_state())
    assert all(state.get(page.doc.client_id, 0) >= page.safe for page in dead), "what was said to be safe is there"
    await servers.close()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(WRITES, WRITES, WRITES, BREAKS), max_size=60))
async def test_pages_converge_whatever_breaks(tmp_path_factory: pytest.TempPathFactory, script: list) -> None:
    async with opened("sqlite", tmp_path_factory.mktemp("pads")) as address:
        await play(address, script, 1)


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_long_script_of_many_breaks(tmp_path: Path, kind: str) -> None:
    """On PostgreSQL by two processes side by side."""
    await long_script(tmp_path, kind, 600)


@pytest.mark.full
@pytest.mark.nightly
@pytest.mark.parametrize("kind", DATABASES)
async def test_ten_thousand_operations(tmp_path: Path, kind: str) -> None:
    await long_script(tmp_path, kind, 10_000)


async def long_script(folder: Path, kind: str, length: int) -> None:
    chance = random.Random(f"pads {kind} {length}")  # noqa: S311 - to find it again
    script: list = []
    for _ in range(length):
        if chance.random() < 0.95:
            what = chance.choice(["a", "bc ", "é", "😀", "\n", 1, 2])
            script.append(("write", chance.randrange(5), chance.random(), what))
        else:
            script.append((chance.choice(["cut", "cut", "close", "kill", "wait"]), chance.randrange(5)))
    async with opened(kind, folder) as address:
        await play(address, script, 2 if kind == "postgresql" else 1)
