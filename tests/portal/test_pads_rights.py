"""What becomes of a pad that is open when something about its group or its member changes (M1, R1, L3, X1)."""

from __future__ import annotations

import contextlib
import sqlite3
from urllib.parse import quote

import pytest
import pytest_asyncio
import yaml
from pycrdt import Doc, Text

from bots.pads.updates import CHANGE, frame
from tests.portal.pad_pages import V3, Pads, Page
from tests.portal.support import Here, Visitor, join, make_group
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

WRITING = b"\x01\x01\x07\x00\x04\x01\x04text\x01a\x00"


async def group(here: Here, key: str) -> Pads:
    """A closed group of two."""
    await make_group(here, "pru", key, "Writing", "private_chat", invite=[here.people["pam"].user_id])
    path = f"{V3}/rooms/{quote(here.groups[key])}/join"
    assert (await request(here.people["pam"], "POST", path, {}))[0] == 200
    return Pads(here, key)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pads(here: Here) -> Pads:
    await join(here, "pru", "harbour")
    await join(here, "pam", "chandlers")
    await join(here, "penn", "harbour", "steward")
    return await group(here, "pads rights")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pru(pads: Pads) -> Visitor:
    return await pads.here.sign_in("pru")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pam(pads: Pads) -> Visitor:
    return await pads.here.sign_in("pam")


async def surely(here: Here, by: str, words: str, room: str | None = None) -> None:
    """Says something that is asked back about, and says yes."""
    await here.answer(by, await here.say(by, words, room), room)
    await here.say(by, "yes", room)


async def closed(page: Page, words: str) -> None:
    """Waits until a page may only be read, and has been told why; then it takes nothing in."""
    await page.until(lambda: words in (page.last("closed") or ""))
    await page.socket.send_bytes(frame(CHANGE, WRITING))
    assert words in await page.ended()


async def test_who_is_muted_reads_on_and_writes_nothing(pads: Pads, pru: Visitor, pam: Visitor) -> None:
    at = pads.address(await pads.begin("pru"))
    async with pads.open(pru, at) as hers, pads.open(pam, at) as theirs:
        await theirs.write("Tide tables")
        assert "Done" in await pads.here.asked("penn", "!mute @pam 1h --everywhere --reason Loud")
        await closed(theirs, "muted")
        await hers.write(" at seven")
    assert "Done" in await pads.here.asked("penn", "!unmute @pam --everywhere")
    async with pads.open(pam, at) as again:
        await again.write("!")
        assert str(again.text) == "Tide tables at seven!"


async def test_an_archived_group_is_read(pads: Pads, pru: Visitor) -> None:
    mine = await group(pads.here, "pads archived")
    at = mine.address(await mine.begin("pru"))
    async with mine.open(pru, at) as page:
        await page.write("Tide tables")
        await surely(pads.here, "pru", "!group archive", mine.room)
        await closed(page, "archived")
    assert "Tide tables" in (await pru.get(f"{at}/read")).text


async def test_in_a_group_that_has_moved_it_says_where_to_go_on(pads: Pads, pru: Visitor, pam: Visitor) -> None:
    mine = await group(pads.here, "pads moved")
    at = mine.address(await mine.begin("pru"))
    assert "data-pad-moved" not in (await pru.get(at)).text
    async with mine.open(pru, at) as page:
        await page.write("Tide tables")
        await surely(pads.here, "pru", "!group upgrade", mine.room)
        await closed(page, "replaced by a new one")

    async def moved_to() -> str | None:
        path = f"{V3}/rooms/{quote(mine.room)}/state/m.room.tombstone/"
        _, content = await request(pads.here.people["pru"], "GET", path)
        return content.get("replacement_room")

    new = await until(moved_to)  # the old room is closed first
    assert new
    onward = f"/#/room/{quote(new, safe='!@:$')}"
    for visitor in (pru, pam):
        for path in (at, f"{at}/read"):

            async def says(visitor: Visitor = visitor, path: str = path) -> bool:
                text = (await visitor.get(path)).text
                return "Go on in the new room" in text and onward in text

            await until(says)
    assert "Tide tables" in (await pam.get(f"{at}/read")).text
    # Who did not go over, or left the new room, is told of none.
    path = f"{V3}/rooms/{quote(new)}/leave"
    assert (await request(pads.here.people["pam"], "POST", path, {}))[0] == 200
    text = (await pam.get(at)).text
    assert new not in text and "Go on in the new room" not in text


async def test_its_source_alone_is_told_why_nobody_is_shown_it(pads: Pads, pru: Visitor, pam: Visitor) -> None:
    at = pads.address(event_id := await pads.begin("pru"))
    _overwrite(pads, event_id, "TLP:RED\nWho knew")
    told = await pru.get(at)
    assert told.status == 200 and "this group carries TLP:AMBER at most" in told.text
    assert "Who knew" not in told.text and (await pru.get(f"{at}/read")).text.count("Who knew") == 0
    other = await pam.get(at)
    assert (other.status, other.text) == (404, (await pam.get(pads.address("$nothing"))).text)
    assert f'<a href="{at}">Why, and what you can do</a>' in (await pru.get("/pads")).text
    assert at not in (await pam.get("/pads")).text


async def test_a_member_who_is_frozen_is_sent_away(pads: Pads, pru: Visitor, pam: Visitor) -> None:
    at = pads.address(await pads.begin("pru"))
    async with pads.open(pru, at) as hers, pads.open(pam, at) as theirs:
        await hers.write("Tide tables")
        await theirs.until(lambda: str(theirs.text) == "Tide tables")
        await surely(pads.here, "penn", "!freeze @pam")
        assert await theirs.ended()
        await hers.write(" at seven")
        assert str(theirs.text) == "Tide tables"
    assert await pads.refused(pam, at) in (200, 303), "their session is over"


def _overwrite(pads: Pads, event_id: str, words: str) -> None:
    """Has another text stand in a pad than could be written there now."""
    doc: Doc[Text] = Doc()
    doc.get("text", type=Text).insert(0, words)
    config = yaml.safe_load((pads.here.server.place.rendered / "bots.yaml").read_text())
    path = config["database"].removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as database, database:
        values = (doc.get_update(), "TLP:RED", event_id)
        database.execute("UPDATE pad SET state = ?, label = ?, count = 1, state_count = 1 WHERE event_id = ?", values)
