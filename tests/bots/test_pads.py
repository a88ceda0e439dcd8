"""Pads on real databases: all pages come to show the same, nothing that was said to be safe is lost, rights end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from pycrdt import Doc, Text

from belisha.tlp import Label
from bots.kernel.store import Store
from bots.pads import book
from bots.pads.book import EMPTY, Gone, PadBook, Taken
from bots.pads.editor import AGAIN, BEHIND, ENDED, REFUSED, Editor
from bots.pads.rooms import MOST_OF_ONE, Full
from bots.pads.tables import client, pad, update
from bots.pads.updates import CHANGE, GIVE
from tests.bots.pad_world import DATABASES, PAD, ROOM, Page, opened, settled, shows, world
from tests.support.patience import until

# --- What is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DATABASES)
async def test_what_is_kept_is_folded_and_goes_with_its_message(tmp_path: Path, kind: str) -> None:
    async with opened(kind, tmp_path) as address:
        store = Store(address)
        kept = PadBook(store)
        page = Page("ana")
        made: list[bytes] = []
        page.doc.observe(lambda event: made.append(event.update))
        for letter in "Tide tables":
            page.text += letter
        about = {"title": "Tide tables", "label": Label.AMBER, "now": 5.0}
        owner = {page.doc.client_id: "@ana:x"}
        assert (await kept.append(PAD, 0, made[:3], owner, **about)).updates == ()
        behind = await kept.append(PAD, 1, made[3:], {}, **about)
        assert (behind.count, list(behind.updates)) == (11, made[1:3]), "what somebody else has written meanwhile"
        with pytest.raises(Taken):
            await kept.append(PAD, 11, made[:1], {page.doc.client_id: "@ben:x"}, **about)
        assert (await kept.behind(PAD, 0)).count == 11, "nothing of what was refused is kept"
        (row,) = await kept.listed([ROOM, "!other"], 5)
        assert (row.title, row.label, row.changed_at) == ("Tide tables", Label.AMBER, 5.0)
        assert await kept.listed(["!other"], 5) == []
        await kept.fold(PAD, 11, page.doc.get_update())
        await kept.fold(PAD, 3, EMPTY)  # a slower process: it undoes nothing
        found = await kept.kept(PAD)
        assert (found.count, len(found.updates), found.owners) == (11, 1, owner)
        assert len((await kept.behind(PAD, 5)).updates) == 1 and (await kept.behind(PAD, 11)).updates == []
        await store.write(lambda connection: book.drop(connection, PAD))
        for act in (kept.kept(PAD), kept.behind(PAD, 3), kept.append(PAD, 11, made[:1], {}, **about)):
            with pytest.raises(Gone):
                await act
        for table in (pad, update, client):
            count = sa.select(sa.func.count()).select_from(table)
            assert await store.read(lambda connection, query=count: connection.execute(query).scalar()) == 0
        await store.close()


async def test_a_pad_that_says_nothing_of_itself_is_listed_as_clear(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        assert [row.label for row in await rooms.listed([ROOM], 5)] == [Label.CLEAR]


async def test_a_pad_is_folded_while_it_is_written(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, store):
        ana = Page("ana")
        await ana.open(rooms)
        for _ in range(420):
            await ana.type(1, "x")
        assert await settled([ana]) == "x" * 420
        count = sa.select(sa.func.count()).select_from(update)
        assert await store.read(lambda connection: connection.execute(count).scalar()) < 400
        await ana.cut()
        ben = Page("ben")
        await ben.open(rooms)
        await shows(ben, "x" * 420)


async def test_what_is_kept_together_is_one_message_to_each_page(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        ana, ben = Page("ana"), Page("ben")
        await ana.open(rooms), await ben.open(rooms)
        await ana.type(0, ":")
        await settled([ana, ben])
        sent: list[tuple[str, bytes]] = []
        for page in (ana, ben):
            assert page.editor is not None
            before = page.editor.send

            def send(data: bytes, before: Callable[[bytes], None] = before, name: str = page.user_id) -> None:
                sent.append((name, data))
                before(data)

            page.editor.send = send  # type: ignore[method-assign]
        for letter in "Tide":
            await ana.type(1, letter)
        assert await settled([ana, ben]) == ":Tide"
        assert [name for name, _ in sent] == ["@ben:x"], "once, and not to who wrote it"
        sent.clear()
        for page, letter in ((ana, "a"), (ben, "b"), (ana, "c")):
            await page.type(1, letter)
        await settled([ana, ben])
        assert sorted(name for name, _ in sent) == ["@ana:x", "@ben:x"]
        assert sorted(ana.words) == sorted(":Tideabc")


async def test_the_last_word_of_a_page_that_is_closed_is_kept(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        ana = Page("ana")
        await ana.open(rooms)
        await ana.type(0, "Tide")
        await settled([ana])
        await ana.type(1, " tables")
        await ana.cut()
        assert await rooms.read(ROOM, PAD) == "Tide tables"
        assert await rooms.read("!other", PAD) is None and await rooms.read(ROOM, "$other") is None


# --- Rights ----------------------------------------------------------------------------------------------------------


async def ended(page: Page, within: float = 30) -> tuple[int, str]:
    """How a connection ended."""

    async def is_so() -> bool:
        await asyncio.sleep(0.01)
        return page.ended is not None

    assert await until(is_so, within)
    assert page.ended is not None
    return page.ended.code, page.ended.sentence


async def test_who_loses_the_right_is_shown_nothing_more(tmp_path: Path) -> None:
    async with world(tmp_path) as (rights, rooms, _):
        ana, ben = Page("ana"), Page("ben")
        assert await ana.open(rooms) and await ben.open(rooms)
        await ana.type(0, "Tide tables")
        await settled([ana, ben])
        rights.members.discard("@ben:x")
        code, sentence = await ended(ben)
        assert (code, "not for you to see any more" in sentence) == (ENDED, True)
        await ana.type(1, " at seven")
        assert await settled([ana]) == "Tide tables at seven"
        assert ben.words == "Tide tables"
        assert not await ben.open(rooms)
        here = next(said["here"] for said in reversed(ana.said) if "here" in said)
        assert [one["name"] for one in here] == ["@ana:x"]


async def test_what_is_on_its_way_waits_for_a_fresh_word(tmp_path: Path) -> None:
    """While nobody says who may read, nothing is shown, kept or lost (rule X1)."""
    async with world(tmp_path) as (rights, rooms, _):
        ana, ben = Page("ana"), Page("ben")
        await ana.open(rooms), await ben.open(rooms)
        await settled([ana, ben])
        rights.silent = True
        await asyncio.sleep(1.5)
        await ana.type(0, "Tide tables")
        await asyncio.sleep(0.5)
        assert (ana.safe, ben.words) == (0, "")
        rights.members.discard("@ben:x")
        rights.silent = False
        assert (await ended(ben))[0] == ENDED
        assert await settled([ana]) == "Tide tables"
        assert ben.words == ""


async def test_who_may_only_read_is_shown_what_others_write(tmp_path: Path) -> None:
    async with world(tmp_path) as (rights, rooms, _):
        rights.closed["@ben:x"] = "You are muted here until noon."
        ana, ben = Page("ana"), Page("ben")
        await ana.open(rooms), await ben.open(rooms)
        await ana.type(0, "Tide tables")
        assert await settled([ana, ben]) == "Tide tables"
        assert next(said for said in ben.said if "closed" in said)["closed"] == "You are muted here until noon."
        await ben.type(0, "Ben's ")
        assert await ended(ben) == (REFUSED, "You are muted here until noon.")
        assert await settled([ana]) == "Tide tables"
        looking = Editor("@cara:x", "token", confirmed=False)
        assert await rooms.enter(ROOM, PAD, looking) and looking.closed == "To write here, confirm this browser first."


async def test_a_label_is_raised_and_lowered_while_it_is_open(tmp_path: Path) -> None:
    async with world(tmp_path) as (rights, rooms, _):
        ana = Page("ana")
        await ana.open(rooms)

        async def labelled(label: str) -> None:
            async def is_so() -> bool:
                await asyncio.sleep(0.01)
                return [said["label"] for said in ana.said if "label" in said][-1:] == [label]

            assert await until(is_so), ana.said

        await labelled("TLP:GREEN")
        rights.label = Label.AMBER
        await labelled("TLP:AMBER")
        rights.label = Label.CLEAR
        await labelled("TLP:CLEAR")
        await ana.type(0, "TLP:AMBER\nTide tables")
        await labelled("TLP:AMBER")
        # The group is opened to more people than it was written for: nobody is shown it.
        rights.ceiling = Label.GREEN
        code, sentence = await ended(ana)
        assert (code, "this group carries TLP:GREEN at most" in sentence) == (ENDED, True)
        await ana.open(rooms)
        assert (await ended(ana))[0] == ENDED


async def test_a_text_that_is_too_strict_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        ana, ben = Page("ana"), Page("ben")
        await ana.open(rooms), await ben.open(rooms)
        await ana.type(0, "Tide tables")
        await settled([ana, ben])
        await asyncio.gather(ben.type(0, "TLP:RED "), ana.type(1, " at seven"))
        code, sentence = await ended(ben)
        assert (code, "this group carries TLP:AMBER at most" in sentence) == (REFUSED, True)
        assert await settled([ana]) == "Tide tables at seven"
        assert await rooms.read(ROOM, PAD) == "Tide tables at seven"
        again = Page("ben")
        await again.open(rooms)
        assert await settled([ana, again]) == "Tide tables at seven"


async def test_broken_bytes_end_one_page_and_change_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        ana = Page("ana")
        await ana.open(rooms)
        await ana.type(0, "Tide tables")
        await settled([ana])
        circle = b"\x02\x01\x05\x00\x84\x06\x00\x01a\x01\x06\x00\x84\x05\x00\x01b\x00"
        theirs = ana.doc.get_update()
        forged: Doc[Text] = Doc(client_id=ana.doc.client_id)
        forged.apply_update(theirs)
        forged.get("text", type=Text).insert(0, "I agree: ")
        for kind, body in (
            (CHANGE, b"\xff" * 50),
            (GIVE, circle),
            (CHANGE, forged.get_update()),
            (0, b"\xff"),
            (CHANGE, b"\x01\x01\x07\x05\x04\x01\x04text\x01a\x00"),
        ):
            mallory = Page("ben")
            await mallory.open(rooms)
            assert mallory.room is not None and mallory.editor is not None
            await mallory.room.submit(mallory.editor, kind, body)
            code, sentence = await ended(mallory)
            assert code == REFUSED and sentence.startswith("What this page sent"), sentence
            await mallory.cut()
        await ana.type(1, " at seven")
        assert await settled([ana]) == "Tide tables at seven"
        assert await rooms.read(ROOM, PAD) == "Tide tables at seven"


async def test_a_pad_that_is_taken_back_is_closed(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, store):
        ana = Page("ana")
        await ana.open(rooms)
        await ana.type(0, "Tide tables")
        await settled([ana])
        await store.write(lambda connection: book.drop(connection, PAD))
        await ana.type(1, " at seven")
        assert (await ended(ana))[0] == ENDED
        assert not await ana.open(rooms)


async def test_what_cannot_be_kept_is_told_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        ana, ben = Page("ana"), Page("ben")
        await ana.open(rooms), await ben.open(rooms)
        await settled([ana, ben])

        async def full(*_: object, **__: object) -> None:
            raise OSError("no space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(PadBook, "append", full)
            await ana.type(0, "Tide tables")
            assert (await ended(ana))[0] == (await ended(ben))[0] == AGAIN
        assert (ana.safe, ben.words) == (0, "")
        await ana.open(rooms), await ben.open(rooms)
        assert await settled([ana, ben]) == "Tide tables"


async def test_pages_are_limited_and_a_slow_one_is_let_go(tmp_path: Path) -> None:
    async with world(tmp_path) as (_, rooms, _store):
        for _ in range(MOST_OF_ONE):
            assert await rooms.enter(ROOM, PAD, Editor("@ana:x", "token", confirmed=True))
        with pytest.raises(Full):
            await rooms.enter(ROOM, PAD, Editor("@ana:x", "token", confirmed=True))
        slow = Editor("@ben:x", "token", confirmed=True)
        for _ in range(20):
            slow.send(b"x" * 1024 * 1024)
        end = slow.out.get_nowait()
        assert slow.over and end.code == BEHIND and slow.out.empty()


def test_who_sends_too_fast_waits() -> None:
    now = [100.0]
    editor = Editor("@ana:x", "token", confirmed=True, now=lambda: now[0])
    assert sum(editor.wait() > 0 for _ in range(500)) == 100
    now[0] += 60
    assert editor.wait() == 0.0
    now[0] += 60
    assert editor.wait(256 * 1024) == 0.0
    assert sum(editor.wait(256 * 1024) > 0 for _ in range(4)) == 2, "large ones count as many"
    now[0] += 60
    assert sum(editor.wait(asks=True) > 0 for _ in range(12)) == 3, "and so does what asks for everything"
    now[0] += 60
    assert sum(editor.wait(notes=True) > 0 for _ in range(50)) == 10, "and what is about a comment"
