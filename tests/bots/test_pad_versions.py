"""Versions of pads on real databases: none is lost or kept twice, they go with their pad, and texts come back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from belisha.tlp import Label
from bots.kernel.store import Store
from bots.pads import book, restoring
from bots.pads import versions as versions_
from bots.pads.book import Gone, PadBook
from bots.pads.editor import Editor
from bots.pads.keeper import Keeper
from bots.pads.note_book import Note, NoteBook
from bots.pads.restoring import NotRestored, restore
from bots.pads.room import PadRoom
from bots.pads.rooms import PadRooms
from bots.pads.tables import client, note, unversioned, version, version_author
from bots.pads.versions import MOST_NAMED, RESTED, WRITTEN, TooMany, VersionBook
from tests.bots.pad_world import DATABASES, PAD, READER, ROOM, Page, opened, settled, shows, world

pytestmark = pytest.mark.more

ANA, BEN = "@ana:x", "@ben:x"


class Writer:
    """Writes into a pad's book as a page of somebody does."""

    def __init__(self, store: Store, user_id: str) -> None:
        self.page, self.user_id, self.book, self.made = Page("x"), user_id, PadBook(store), list[bytes]()
        self.page.doc.observe(lambda event: self.made.append(event.update))

    async def write(self, words: str, now: float, label: Label = Label.GREEN) -> None:
        for one in (await self.book.kept(PAD)).updates:
            self.page.doc.apply_update(one)
        self.made.clear()
        self.page.text += words
        owner = {self.page.doc.client_id: self.user_id}
        await self.book.append(PAD, 0, self.made, owner, title="Tide", label=label, now=now)


async def count(store: Store, table: sa.Table) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return int(await store.read(lambda connection: connection.execute(query).scalar()) or 0)


@pytest.mark.parametrize("kind", DATABASES)
async def test_versions_are_kept_once_named_and_go_with_their_pad(tmp_path: Path, kind: str) -> None:
    async with opened(kind, tmp_path) as address:
        store = Store(address)
        versions, ana, ben = VersionBook(store, READER), Writer(store, ANA), Writer(store, BEN)
        await ana.write("Tide ", 10.0)
        await ben.write("tables\0 😀", 11.0, Label.AMBER)
        number = await versions.keep(PAD, 12.0)
        assert await asyncio.gather(*(versions.keep(PAD, 13.0) for _ in range(3))) == [number] * 3
        (one,) = await versions.listed(PAD)
        assert (one.number, one.at, one.label, one.name, one.restored) == (2, 12.0, Label.AMBER, "", None)
        whole = await versions.whole(PAD, number)
        assert whole is not None and whole.text == "Tide tables\0 😀"
        assert list(whole.passages) == [(5, ANA), (9, BEN)] and whole.wrote == {ANA: 5, BEN: 9}
        assert await versions.name(PAD, number, "For the board", ANA, 14.0)
        assert not await versions.name(PAD, 1, "Nothing", ANA, 14.0)
        await ana.write("!", 15.0)
        await versions.keep(PAD, 16.0, restored=number)
        three, two = await versions.listed(PAD)
        assert (two.name, two.named_by, two.named_at, three.restored) == ("For the board", ANA, 14.0, 2)
        await store.write(lambda connection: book.forget(connection, ANA))
        whole = await versions.whole(PAD, number)
        assert whole is not None and whole.wrote == {"": 5, BEN: 9} and whole.version.named_by == ""
        assert set((await PadBook(store).kept(PAD)).owners.values()) == {"", BEN}
        noted = Note("note-0001", "", "comment", "open", BEN, "", "", "TLP:RED: no", "Tide", Label.RED, 16.5)
        await NoteBook(store).change(PAD, ["note-0001"], lambda _: noted)
        await ben.write("!", 16.6)
        await versions.keep(PAD, 16.7)
        assert (await versions.listed(PAD))[0].label == Label.RED, "as the pad is, with its comments"
        await versions.drop(PAD, 4)
        assert await versions.name(PAD, number, "", BEN, 17.0)
        assert [one.name for one in await versions.listed(PAD)] == ["", ""]
        await store.write(lambda connection: book.drop(connection, PAD))
        with pytest.raises(Gone):
            await versions.keep(PAD, 18.0)
        assert not await versions.name(PAD, number, "Again", BEN, 18.0)
        assert [await count(store, table) for table in (version, version_author, unversioned, client, note)] == [0] * 5
        await store.close()


@pytest.mark.parametrize("kind", DATABASES)
async def test_what_waits_for_a_version_gets_one_whatever_breaks(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(kind, tmp_path) as address:
        store = Store(address)
        versions, ana = VersionBook(store, READER), Writer(store, ANA)
        await ana.write("Tide", 1000.0)
        await Keeper(versions, lambda: 999.0 + RESTED).look()
        assert await versions.listed(PAD) == [], "it has not rested yet"

        def killed(*_: object) -> None:
            raise RuntimeError("killed before the commit")

        with monkeypatch.context() as patched, pytest.raises(RuntimeError):
            patched.setattr(versions_, "_thin", killed)
            await Keeper(versions, lambda: 1000.0 + RESTED).look()
        assert await versions.listed(PAD) == [] and await count(store, unversioned) == 1
        two = [Store(address), Store(address)]
        keepers = [Keeper(VersionBook(one, READER), lambda: 1000.0 + RESTED) for one in two]
        await asyncio.gather(*(keeper.look() for keeper in keepers))
        assert [one.number for one in await versions.listed(PAD)] == [1]
        assert await count(store, unversioned) == 0 and await count(store, version_author) == 1
        # Who goes on writing gets one now and then.
        for moment in range(0, int(WRITTEN) + 200, 100):
            await ana.write(".", 5000.0 + moment)
            await Keeper(versions, lambda at=5000.0 + moment: at).look()
        assert len(await versions.listed(PAD)) == 2
        for one in (*two, store):
            await one.close()


async def test_a_pad_that_is_taken_back_meanwhile_stops_no_other(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as address:
        store = Store(address)
        versions, ana = VersionBook(store, READER), Writer(store, ANA)
        await ana.write("Tide", 1.0)
        await store.write(lambda connection: book.make(connection, "$gone", ROOM, 0.0))
        row = {"event_id": "$gone2", "since": 0.0, "changed_at": 0.0, "count": 1}
        await store.write(lambda connection: connection.execute(unversioned.insert(), [row]))
        await Keeper(versions, lambda: 1e6).look()
        assert [one.number for one in await versions.listed(PAD)] == [1]
        await store.close()


async def test_who_leaves_while_a_version_is_made_is_not_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("sqlite", tmp_path) as address:
        store = Store(address)
        versions, ana = VersionBook(store, READER), Writer(store, ANA)
        await ana.write("Tide", 1.0)
        put = versions_._put

        def late(connection: sa.Connection, *given: object, **more: object) -> None:
            book.forget(connection, ANA)
            put(connection, *given, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(versions_, "_put", late)
        whole = await versions.whole(PAD, await versions.keep(PAD, 2.0))
        assert whole is not None and whole.wrote == {"": 4}
        await store.close()


async def test_only_so_many_have_names(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as address:
        store = Store(address)
        versions, ana = VersionBook(store, READER), Writer(store, ANA)
        await ana.write("Tide", 1.0)
        number = await versions.keep(PAD, 2.0)
        row = {"at": 0.0, "label": "TLP:GREEN", "name": "x", "named_by": "", "text": b"", "passages": b""}
        rows = [{**row, "event_id": PAD, "number": 100 + more} for more in range(MOST_NAMED)]
        await store.write(lambda connection: connection.execute(version.insert(), rows))
        with pytest.raises(TooMany):
            await versions.name(PAD, number, "One more", ANA, 3.0)
        assert await versions.name(PAD, 100, "Another name", ANA, 3.0)
        await store.close()


# --- Putting a text back ---------------------------------------------------------------------------------------------


def member(name: str = "ben") -> Editor:
    return Editor(f"@{name}:x", f"token of {name}", True)


async def back(rooms: PadRooms, editor: Editor, text: str) -> bool:
    """Puts a text back; what is there before is kept."""
    return await restore(rooms, ROOM, PAD, editor, text, lambda: rooms.versions.keep(PAD, 5.0))


async def test_what_is_written_until_the_last_moment_is_kept_before_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        ana = Page("ana")
        await ana.open(rooms)
        await ana.type(0, "Tide tables")
        await settled([ana])
        enter = rooms.enter

        async def late(room_id: str, event_id: str, editor: Editor) -> PadRoom | None:
            found = await enter(room_id, event_id, editor)
            await ana.type(1, " of Dover")
            await settled([ana])
            return found

        monkeypatch.setattr(rooms, "enter", late)
        assert await back(rooms, member(), "Tide")
        await shows(ana, "Tide")
        (before,) = await rooms.versions.listed(PAD)
        whole = await rooms.versions.whole(PAD, before.number)
        assert whole is not None and whole.text == "Tide tables of Dover"


async def test_a_text_comes_back_for_everybody_and_in_the_name_of_who_wanted_that(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        ana = Page("ana")
        await ana.open(rooms)
        await ana.type(0, "Tide\ntables 😀\nof Dover\n")
        await settled([ana])
        first = await rooms.versions.keep(PAD, 5.0)
        await ana.type(1, "Added later\n")
        await ana.type(0, 5)
        await settled([ana])
        whole = await rooms.versions.whole(PAD, first)
        assert whole is not None
        assert await back(rooms, member(), whole.text)
        await shows(ana, whole.text)
        assert not await back(rooms, member(), whole.text), "it says that already"
        await ana.cut()
        assert await rooms.read(ROOM, PAD) == whole.text
        again = await rooms.versions.whole(PAD, await rooms.versions.keep(PAD, 6.0))
        assert again is not None and list(again.passages) == [(5, BEN), (18, ANA)], "the rest stays whose it was"


async def test_it_comes_back_on_pages_of_another_process_and_without_any_page(tmp_path: Path) -> None:
    async with world(tmp_path, "postgresql") as (rights, rooms, store):
        other = PadRooms(store, rights.look, READER)
        ana = Page("ana")
        await ana.open(rooms)
        await ana.type(0, "Tide tables")
        await settled([ana])
        assert await back(other, member(), "Tide tables of Dover")
        await shows(ana, "Tide tables of Dover")
        await ana.cut()
        assert await back(other, member(), "Tide")
        assert await rooms.read(ROOM, PAD) == "Tide"
        await other.close()


async def test_who_may_not_write_puts_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as (rights, rooms, _):
        ana = Page("ana")
        await ana.open(rooms)
        await ana.type(0, "Tide tables")
        await settled([ana])

        async def refused(text: str, editor: Editor) -> str:
            with pytest.raises(NotRestored) as told:
                await back(rooms, editor, text)
            return str(told.value)

        assert "this group carries TLP:AMBER at most" in await refused("TLP:RED", member())
        assert "confirm this browser" in await refused("Tide", Editor(BEN, "token", False))
        assert "not for you to see" in await refused("Tide", member("nobody"))
        rights.closed[BEN] = "You are muted here until noon."
        assert await refused("Tide", member()) == "You are muted here until noon."
        monkeypatch.setattr(restoring, "_PATIENCE", 0.2)
        rights.closed.clear()

        async def nothing(*_: object) -> None:
            await asyncio.sleep(5)

        monkeypatch.setattr(restoring, "_saved", nothing)
        assert "try again" in await refused("Tide", member())
        await ana.cut()
        assert rooms._open == {}
