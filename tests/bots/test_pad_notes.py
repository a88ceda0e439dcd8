"""Comments and suggestions in pads: who may do what, labels, two at once, kills, bounds, and what pages make up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.tlp import Label
from bots.directory.tables import directory_member
from bots.kernel.store import Store
from bots.pads import book, note_book
from bots.pads.asked import NOTE, asked_of
from bots.pads.editor import ENDED, Editor
from bots.pads.note_book import Note, NoteBook
from bots.pads.rooms import PadRooms
from bots.pads.tables import note
from bots.pads.updates import MalformedUpdate
from tests.bots.pad_world import DATABASES, PAD, ROOM, Page, Rights, opened, settled, shows, world
from tests.bots.test_pads import ended
from tests.bots.test_pads_breaks import Servers
from tests.support.patience import until

pytestmark = pytest.mark.more

FIRST, SECOND, THIRD = "note-0001", "note-0002", "note-0003"


@asynccontextmanager
async def written(
    folder: Path, text: str = "Tide tables at seven"
) -> AsyncIterator[tuple[Rights, PadRooms, Store, Page, Page]]:
    """A pad with a text in it, that ana and ben have open."""
    async with world(folder) as (rights, rooms, store):
        ana, ben = Page("ana"), Page("ben")
        await ana.open(rooms), await ben.open(rooms)
        await ana.type(0, text)
        await settled([ana, ben])
        yield rights, rooms, store, ana, ben


async def rows(store: Store) -> list[dict[str, Any]]:
    return await store.read(lambda one: [dict(row) for row in one.execute(sa.select(note)).mappings()])


async def label_of(page: Page, label: str) -> None:
    await until(lambda: [said["label"] for said in page.said if "label" in said][-1:] == [label])


# --- Comments --------------------------------------------------------------------------------------------------------


async def test_a_comment_is_shown_to_all_and_moves_with_its_words(tmp_path: Path) -> None:
    async with written(tmp_path) as (_, rooms, store, ana, ben):
        await ben.about("comment", FIRST, "Which ones?", 5, 11)
        await ben.answered()
        await until(lambda: FIRST in ana.notes)
        shown = ana.notes[FIRST]
        assert (shown["quoted"], shown["words"], shown["state"]) == ("tables", "Which ones?", "open")
        assert (shown["name"], shown["organisation"], shown["mine"]) == ("@ben:x", "Harbour", False)
        assert ben.notes[FIRST]["mine"] is True
        await ana.ask("reply", SECOND, thread=FIRST, words="Those of the north pier")
        await ana.ask("resolve", FIRST)
        assert await ana.answered() == {}
        await until(lambda: ben.notes.get(FIRST, {}).get("state") == "resolved" and SECOND in ben.notes)
        await ben.ask("reopen", FIRST)
        assert await ben.answered() == {}
        # Who comes later is told of all, and the server itself knows where it is by now.
        await ana.type(0, "The ")
        cara = Page("cara")
        await cara.open(rooms)
        await until(lambda: len(cara.notes) == 2 and cara.notes[FIRST]["state"] == "open")
        await shows(cara, "The Tide tables at seven")
        await cara.about("comment", THIRD, "These", 9, 15)
        await cara.answered()
        assert {row["note"]: row["quoted"] for row in await rows(store)} == {
            FIRST: "tables",
            SECOND: "",
            THIRD: "tables",
        }
        # Somebody who has not signed it in that way: the author is the session's, whatever else is said.
        assert {row["user_id"] for row in await rows(store)} == {"@ana:x", "@ben:x", "@cara:x"}


async def test_one_takes_ones_own_back_and_a_moderator_any(tmp_path: Path) -> None:
    async with written(tmp_path) as (rights, _, store, ana, ben):
        await ben.about("comment", FIRST, "Which ones?", 5, 11)
        await ana.ask("reply", SECOND, thread=FIRST, words="All of them")
        await ben.answered(), await ana.answered()
        number = await ana.ask("remove", FIRST)
        assert "Only who wrote it" in (await ana.answered())[number]
        rights.redacts.add("@ana:x")
        await until(lambda: [said["redacts"] for said in ana.said if "redacts" in said][-1])
        await ana.ask("remove", FIRST)
        await until(lambda: not ana.asks and not ben.notes and not ana.notes)
        assert not [row for row in await rows(store) if row["words"] or row["quoted"] or row["user_id"]], "E1"
        rights.redacts.clear()
        await ben.about("comment", THIRD, "And these?", 0, 4)
        await ben.answered()
        # Who was muted takes back what is theirs, and nothing else.
        rights.closed["@ben:x"] = "You are muted here until noon."
        await until(lambda: ben.editor is not None and ben.editor.closed)
        number = await ben.ask("resolve", THIRD)
        assert (await ben.answered())[number] == "You are muted here until noon."
        await ben.ask("remove", THIRD)
        await ben.answered()
        await until(lambda: not ana.notes)


async def test_who_may_only_read_sees_them_and_writes_none(tmp_path: Path) -> None:
    async with written(tmp_path) as (rights, _, store, ana, ben):
        rights.closed["@ben:x"] = "You may read in this group, and not write in it."
        await until(lambda: ben.editor is not None and ben.editor.closed)
        await ana.about("comment", FIRST, "Which ones?", 5, 11)
        await ana.about("suggest", SECOND, "eight", 15, 20)
        await until(lambda: len(ben.notes) == 2)
        asks = [
            await ben.about("comment", THIRD, "No", 0, 4),
            await ben.about("suggest", THIRD, "No", 0, 4),
            await ben.ask("reply", THIRD, thread=FIRST, words="No"),
            await ben.ask("resolve", FIRST),
            await ben.ask("accept", SECOND, words="eight", quoted="seven"),
            await ben.ask("reject", SECOND),
            await ben.ask("remove", FIRST),
        ]
        assert await ben.answered() == dict.fromkeys(asks, "You may read in this group, and not write in it.")
        assert len(await rows(store)) == 2 and ana.words == "Tide tables at seven"


async def test_who_is_sent_away_is_told_of_none(tmp_path: Path) -> None:
    async with written(tmp_path) as (rights, rooms, _, ana, ben):
        rights.silent = True
        await asyncio.sleep(1.2)
        await ana.about("comment", FIRST, "Which ones?", 5, 11)
        rights.members.discard("@ben:x")
        rights.silent = False
        assert (await ended(ben))[0] == ENDED
        await ana.answered()
        assert ben.notes == {} and FIRST in ana.notes
        assert not await ben.open(rooms)


# --- Labels ----------------------------------------------------------------------------------------------------------


async def test_markers_in_comments_count(tmp_path: Path) -> None:
    async with written(tmp_path) as (rights, rooms, store, ana, ben):
        await label_of(ana, "TLP:GREEN")
        number = await ben.about("comment", FIRST, "TLP:RED the admiral drowned", 5, 11)
        assert "this group carries TLP:AMBER at most" in (await ben.answered())[number]
        number = await ben.about("suggest", FIRST, "TLP:RED tables", 5, 11)
        assert "this group carries TLP:AMBER at most" in (await ben.answered())[number]
        number = await ben.about("comment", FIRST, "TLP:PURPLE tables", 5, 11)
        assert number in await ben.answered(), "what cannot be read is refused"
        assert await rows(store) == []
        await ben.about("comment", FIRST, "TLP:AMBER which ones?", 5, 11)
        await label_of(ana, "TLP:AMBER")
        assert (await rooms.listed([ROOM], 5))[0].label == Label.AMBER and await rooms.noted(PAD) == Label.AMBER
        await ben.ask("remove", FIRST)
        await label_of(ana, "TLP:GREEN")
        # What is written beside a text that says TLP:AMBER quotes it, and keeps that when the marker goes.
        await ana.type(0, "TLP:AMBER ")
        await label_of(ben, "TLP:AMBER")
        await shows(ben, "TLP:AMBER Tide tables at seven")
        await ben.about("comment", SECOND, "Which ones?", 15, 21)
        await ben.answered()
        await ana.type(0, 10)
        await shows(ben, "Tide tables at seven")
        assert [said["label"] for said in ben.said if "label" in said][-1] == "TLP:AMBER"
        # The group is opened to more people than a comment was written for: nobody is shown it.
        rights.ceiling = Label.GREEN
        assert (await ended(ana))[0] == (await ended(ben))[0] == ENDED


# --- Suggestions -----------------------------------------------------------------------------------------------------


async def test_a_suggestion_is_typed_and_accepted(tmp_path: Path) -> None:
    async with written(tmp_path) as (_, rooms, store, ana, ben):
        for words in ("e", "ei", "eight"):
            await ben.about("suggest", FIRST, words, 15, 20)
        await ben.answered()
        await until(lambda: ana.notes.get(FIRST, {}).get("words") == "eight")
        assert ana.words == "Tide tables at seven" and len(await rows(store)) == 1
        number = await ana.ask("accept", FIRST, words="ei", quoted="seven")
        assert "just changed" in (await ana.answered())[number], "what is accepted is what its page shows"
        await ana.ask("accept", FIRST, words="eight", quoted="seven")
        await shows(ben, "Tide tables at eight"), await shows(ana, "Tide tables at eight")
        await until(lambda: not ana.notes and not ben.notes and not ana.asks)
        owners = (await rooms._book.kept(PAD)).owners
        assert set(owners.values()) == {"@ana:x"}, "it is a change of who accepted it"
        # Once more, since its page was not told: it changes nothing.
        await ana.ask("accept", FIRST, words="eight", quoted="seven")
        number = await ben.ask("reject", FIRST)
        assert number not in await ben.answered()
        await ana.answered()
        await asyncio.sleep(0.1)
        assert await settled([ana]) == await rooms.read(ROOM, PAD) == "Tide tables at eight"


async def test_insertions_deletions_and_letters_of_all_kinds(tmp_path: Path) -> None:
    async with written(tmp_path, "Tide tables") as (_, _rooms, _store, ana, ben):
        await ben.about("suggest", FIRST, " é😀", 11, 11)
        await ben.about("suggest", SECOND, "", 0, 5)
        await ben.about("suggest", THIRD, "# ", 0, 0)
        await ben.answered()
        await ana.ask("accept", FIRST, words=" é😀", quoted="")
        await ana.ask("accept", SECOND, words="", quoted="Tide ")
        await ana.ask("accept", THIRD, words="# ", quoted="")
        assert await ana.answered() == {}
        await shows(ben, "# tables é😀")


async def test_a_suggestion_about_words_that_have_changed_is_not_accepted(tmp_path: Path) -> None:
    async with written(tmp_path) as (_, _rooms, store, ana, ben):
        await ben.about("suggest", FIRST, "eight", 15, 20)
        await ben.answered()
        await ana.type(17 / 20, "!")
        number = await ana.ask("accept", FIRST, words="eight", quoted="seven")
        assert "written anew" in (await ana.answered())[number]
        assert await settled([ana, ben]) == "Tide tables at se!ven"
        number = await ben.about("suggest", SECOND, "Tide", 0, 4)
        assert "change nothing" in (await ben.answered())[number]
        await ana.ask("reject", FIRST)
        await until(lambda: not ben.notes)
        assert [row["state"] for row in await rows(store)] == ["rejected"]


async def test_what_would_be_too_strict_for_the_text_is_not_accepted(tmp_path: Path) -> None:
    """A marker that only accepting makes one: its beginning stands in the text."""
    async with written(tmp_path, "TLP: tables") as (_, rooms, _store, ana, ben):
        await ben.about("suggest", FIRST, "RED ", 5, 5)
        assert await ben.answered() == {}
        number = await ana.ask("accept", FIRST, words="RED ", quoted="")
        assert "this group carries TLP:AMBER at most" in (await ana.answered())[number]
        assert await rooms.read(ROOM, PAD) == "TLP: tables"
        await ana.type(1, "!")
        assert await settled([ana, ben]) == "TLP: tables!", "and its page goes on"


@pytest.mark.parametrize("kind", DATABASES)
async def test_two_who_accept_at_once_make_one_change(tmp_path: Path, kind: str) -> None:
    """On PostgreSQL in two processes."""
    async with opened(kind, tmp_path) as address:
        servers = Servers(address, 2 if kind == "postgresql" else 1)
        pages = [Page(f"p{number}") for number in range(4)]
        for place, page in enumerate(pages):
            await page.open(servers.rooms[place % len(servers.rooms)])
        await pages[0].type(0, "Tide tables at seven")
        await settled(pages)
        for turn in range(4):
            name, begin = f"note-100{turn}", len(pages[0].words)
            await pages[0].about("suggest", name, f" {turn}", begin, begin)
            await pages[0].answered()
            await until(lambda one=name: all(one in page.notes for page in pages))
            acts = [page.ask("accept", name, words=f" {turn}", quoted="") for page in pages[:3]]
            await asyncio.gather(*acts, pages[3].ask("reject", name))
            await asyncio.gather(*(page.answered() for page in pages))
            await until(lambda: all(not page.notes for page in pages))
            for page in pages:
                assert page.words.count(f" {turn}") <= 1
        text = await settled(pages)
        for server in servers.rooms:
            assert await server.read(ROOM, PAD) == text
        await servers.close()


@pytest.mark.parametrize("kind", DATABASES)
async def test_kills_lose_and_double_nothing(tmp_path: Path, kind: str) -> None:
    """Whatever is killed between: each suggestion is in the text once, as its row says, and each comment once."""
    chance = random.Random(f"notes {kind}")  # noqa: S311 - to find it again
    async with opened(kind, tmp_path) as address:
        servers = Servers(address, 1)
        pages = [Page(f"p{number}") for number in range(3)]

        async def connected(number: int) -> Page:
            page = pages[number]
            while page.editor is None or page.editor.over:
                await page.open(servers.rooms[0])
            return page

        await (await connected(0)).type(0, "Tide tables")
        for number in range(3):
            await connected(number)
        for turn in range(25):
            author, other = await connected(turn % 3), await connected((turn + 1) % 3)
            await settled(pages)
            await author.about("suggest", f"suggested-{turn:03}", f"<{turn}>", 4, 4)
            await author.about("comment", f"commented-{turn:03}", f"About {turn}", 0, 4)
            await author.answered()
            await other.ask("accept", f"suggested-{turn:03}", words=f"<{turn}>", quoted="")
            await author.ask("reply", f"answered-{turn:03}", thread=f"commented-{turn:03}", words="Yes")
            await asyncio.sleep(chance.random() * 0.02)
            before = servers._stores[0]
            await servers.kill(0)
            if before._turn is not None:  # what is really killed commits nothing afterwards
                async with before._turn:
                    pass
            for number in range(3):
                await connected(number)
            for page in pages:
                await page.answered()
            await until(lambda one=turn: all(f"<{one}>" in page.words for page in pages))
        text = await settled(pages)
        assert all(text.count(f"<{turn}>") == 1 for turn in range(25))
        kept = await NoteBook(servers._stores[0]).behind(PAD, -1)
        states = {one.note: one.state for one in kept[1]}
        assert len(states) == 75 and not [page.refused for page in pages if page.refused]
        assert {state for name, state in states.items() if name.startswith("suggested")} == {"accepted"}
        await servers.close()


# --- Bounds, and what pages make up -----------------------------------------------------------------------------------


def row(number: int, user_id: str = "@ana:x", state: str = "open") -> Note:
    return Note(f"filled-{number:05}", "", "comment", state, user_id, "", "", "x", "x", Label.CLEAR, 1.0)


async def test_they_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_book, "MOST", 5)
    monkeypatch.setattr(note_book, "MOST_OF_ONE", 3)
    monkeypatch.setattr(note_book, "MOST_EVER", 7)
    async with written(tmp_path) as (_, _rooms, store, ana, ben):
        notes = NoteBook(store)
        for number, user_id in enumerate(["@cara:x"] * 3 + ["@ben:x"]):
            one = row(number, user_id)
            await notes.change(PAD, (), lambda _, one=one: one)  # type: ignore[misc]
        with pytest.raises(book.Gone):
            await notes.change("$other", (), lambda _: row(0))
        number = await ben.about("comment", FIRST, "x" * 2001, 5, 11)
        assert "2,000" in (await ben.answered())[number]
        number = await ben.about("comment", FIRST, " \n", 5, 11)
        assert "one character" in (await ben.answered())[number]
        number = await ben.about("suggest", FIRST, "x" * 5001, 5, 11)
        assert "5,000" in (await ben.answered())[number]
        await ben.about("comment", FIRST, "Fifth", 5, 11)
        await ben.answered()
        number = await ana.about("comment", SECOND, "Sixth", 5, 11)
        assert "no more fit" in (await ana.answered())[number]
        await ben.ask("remove", FIRST)
        await ben.answered()
        await ben.about("comment", SECOND, "Sixth", 5, 11)
        await ben.ask("remove", SECOND)
        await ben.about("comment", THIRD, "Seventh", 5, 11)
        await ben.ask("remove", THIRD)
        number = await ben.about("comment", "note-0004", "Eighth", 5, 11)
        assert "is full" in (await ben.answered())[number]
        with pytest.raises(Exception, match="as many as one may have"):
            await notes.change(PAD, (), lambda _: row(9, "@cara:x"))


async def test_nobody_writes_over_anothers(tmp_path: Path) -> None:
    async with written(tmp_path) as (_, _rooms, store, ana, ben):
        await ana.about("suggest", FIRST, "eight", 15, 20)
        await ana.about("comment", SECOND, "Which ones?", 5, 11)
        await ana.answered()
        asks = [
            await ben.about("suggest", FIRST, "nine", 15, 20),
            await ben.about("comment", SECOND, "Mine", 5, 11),
            await ben.about("comment", FIRST, "Mine", 5, 11),
            await ben.ask("reply", SECOND, thread=SECOND, words="Mine"),
            await ben.ask("reply", THIRD, thread="no-such-note", words="Mine"),
            await ben.ask("resolve", FIRST),
            await ben.ask("reject", SECOND),
            await ben.ask("accept", SECOND, words="Which ones?", quoted="tables"),
            await ben.ask("remove", "no-such-note"),
            await ben.ask("comment", THIRD, words="x", begins="AA==", ends="AA=="),
            await ben.ask("comment", THIRD, words="x", begins="//8=", ends="no base64"),
            await ben.ask("comment", THIRD, words="x", begins="AAUAAA==", ends="AAUAAA=="),  # nobody's letter
        ]
        assert (await ben.answered()).keys() == set(asks)
        assert sorted(row["words"] for row in await rows(store)) == ["Which ones?", "eight"]
        await ana.ask(
            "comment", SECOND, words="Which ones?", begins=ana.notes[SECOND]["begins"], ends=ana.notes[SECOND]["ends"]
        )
        assert await ana.answered() == {} and len(await rows(store)) == 2, "what is sent once more is there once"


GOOD: dict[str, Any] = {"do": "comment", "number": 1, "note": FIRST, "begins": "AA==", "ends": "AA==", "words": "Yes"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"do": "own"}, {"do": ["comment"]}, {"do": "reply"}, {"do": "accept"}, {"do": None},
        {"number": 0}, {"number": True}, {"number": 2**60}, {"number": "1"}, {"number": 1.0},
        {"note": "short"}, {"note": "x" * 41}, {"note": "note 0001"}, {"note": "note-000é"}, {"note": 5},
        {"note": "note-0001\n"}, {"begins": 1}, {"begins": "x" * 201}, {"ends": "é"},
        {"words": 1}, {"words": None}, {"words": "\0"}, {"words": "\ud800"},
        {"user_id": "@ana:x"}, {"label": "TLP:CLEAR"}, {"thread": FIRST},
    ],
)  # fmt: skip
def test_made_up_messages_are_refused(wrong: dict[str, Any]) -> None:
    assert asked_of(GOOD).words == "Yes"
    with pytest.raises(MalformedUpdate):
        asked_of(GOOD | wrong)


def test_what_is_no_object_is_refused() -> None:
    for wrong in (None, 1, "comment", [], [GOOD], {}, {**GOOD, "do": {}}, {key: GOOD[key] for key in ("do", "number")}):
        with pytest.raises(MalformedUpdate):
            asked_of(wrong)


# --- What is left ----------------------------------------------------------------------------------------------------


async def test_they_go_with_the_pad_and_a_name_with_its_member(tmp_path: Path) -> None:
    async with written(tmp_path) as (rights, rooms, store, ana, ben):
        await ben.about("comment", FIRST, "Which ones?", 5, 11)
        await ben.answered()
        values = {"organisation": "harbour", "organisation_name": "The Harbour", "category": "x", "standing": "active"}
        listed = directory_member.insert().values(user_id="@ben:x", name="Ben", **values)
        await store.write(lambda connection: connection.execute(listed))
        await ben.cut()
        await ana.open(rooms)
        await until(lambda: ana.notes.get(FIRST, {}).get("name") == "Ben")
        assert ana.notes[FIRST]["organisation"] == "The Harbour"
        rights.members.discard("@ben:x")
        await store.write(lambda connection: book.forget(connection, "@ben:x"))
        await ana.ask("reply", SECOND, thread=FIRST, words="So?")
        await until(lambda: ana.notes[FIRST]["name"] == "")  # also where it is open
        await ana.open(rooms)
        await until(lambda: ana.notes.get(FIRST, {}).get("name") == "")
        assert "ben" not in str(await rows(store)) and not ana.notes[FIRST]["mine"]
        await store.write(lambda connection: book.drop(connection, PAD))
        assert await rows(store) == []
        await ana.ask("resolve", FIRST)
        assert (await ended(ana))[0] == ENDED


async def test_without_a_confirmed_browser_nothing_is_done(tmp_path: Path) -> None:
    async with written(tmp_path) as (_, rooms, store, ana, _ben):
        await ana.about("comment", FIRST, "Which ones?", 5, 11)
        await ana.answered()
        looking = Editor("@ana:x", "token", confirmed=False)
        room = await rooms.enter(ROOM, PAD, looking)
        assert room is not None
        await room.submit(looking, NOTE, asked=asked_of({"do": "remove", "number": 1, "note": FIRST}))
        await asyncio.sleep(0.2)
        assert [one["state"] for one in await rows(store)] == ["open"]
        assert replace(row(1), state="gone").is_over
