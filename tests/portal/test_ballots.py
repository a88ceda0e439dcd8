"""Anonymous polls with the real Synapse and the real bots: from `!poll` to the list, and what all files tell then."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import nio
import pytest
import pytest_asyncio
from playwright.async_api import expect

from belisha.polls.ballots import read_list
from belisha.polls.card import UNANIMOUS
from tests.bots.support import STEWARD
from tests.portal.chromium import PHONE, assert_accessible, chromium, context, fits
from tests.portal.support import Here, Visitor, form_of, join, make_group
from tests.portal.test_polls import Json, events, form_for, replies
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

pytestmark = pytest.mark.more

V3 = "/_matrix/client/v3"
# So long that no token, id or signature holds one by chance.
NAMES = ("veronica", "waldemar", "xenophon", "yukihiko", "zenobia")
CODE = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}\b")


class Room(NamedTuple):
    """A group of five, each with a browser."""

    id: str
    visitors: dict[str, Visitor]


@pytest_asyncio.fixture(scope="module")
async def room(here: Here) -> AsyncIterator[Room]:
    yield await council(here)


async def council(here: Here) -> Room:
    """Makes the five, and their group."""
    for name in NAMES:
        await join(here, name, "harbour" if name < "y" else "chandlers")
    key = unique("ballots")
    invited = [here.people[name].user_id for name in NAMES[1:]]
    await make_group(here, NAMES[0], key, "Tide council", "private_chat", invite=invited)
    for name in NAMES[1:]:
        await here.people[name].join(here.groups[key])
    return Room(here.groups[key], {name: await here.sign_in(name) for name in NAMES})


async def begun(here: Here, room: Room, command: str) -> tuple[str, str]:
    """An anonymous poll of Veronica's: its card, and its page."""
    asked = await here.say("veronica", command, room.id)
    assert "The poll is open" in await here.answer("veronica", asked, room.id)
    mine = (one for one in await events(here, room.id, "veronica") if "org.belisha.poll" in one["content"])
    card = next(one for one in mine if "anonymous" in one["content"]["org.belisha.poll"])
    assert (
        card["sender"] == here.people["veronica"].user_id and card["content"]["org.belisha.tlp"]["label"] == "TLP:AMBER"
    )
    assert card["content"]["body"].startswith("[TLP:AMBER] Which") and UNANIMOUS in card["content"]["body"]
    path = f"/ballots/{card['content']['org.belisha.poll']['anonymous']['place']}"
    assert f"Vote here: {here.url}{path}" in card["content"]["body"]
    return card["event_id"], path


async def said(here: Here, room: Room, words: str) -> Json:
    """What the bot has said in the group."""

    async def found() -> Json | None:
        by_steward = (one for one in await events(here, room.id, "veronica") if one["sender"] == STEWARD)
        return next((one for one in by_steward if words in str(one["content"].get("body"))), None)

    return await until(found) or {}


def once_of(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found, page
    return found[1]


async def votes(visitor: Visitor, path: str, choice: str) -> str:
    """Votes on the page; the code."""
    page = (await visitor.get(path)).text
    assert UNANIMOUS in page
    cast = await visitor.post(path, {"form": form_of(page), "once": once_of(page), "choice": choice})
    assert cast.status == 200 and "Your vote is taken" in cast.text, cast.text
    found = CODE.search(cast.text)
    assert found, cast.text
    return found[0]


async def closed(here: Here, room: Room, card: str, visitor: Visitor, path: str) -> None:
    await replies(here, "veronica", room.id, card, "!poll close")

    async def is_listed() -> bool:
        return "Find your ballot" in (await visitor.get(path)).text

    await until(is_listed)


def files_of(folder: Path) -> dict[Path, bytes]:
    """Every file of the data folders, as it lies on the disk at this moment."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            with suppress(FileNotFoundError):  # one that is there for a moment may be gone again
                found[path] = path.read_bytes()
    return found


def page_of(path: Path, place: int) -> tuple[int, int]:
    """Where a page of SQLite begins and ends (sqlite.org/fileformat2): the next one is another matter."""
    head, step = (32, 4120) if path.name.endswith("-wal") else (0, 4096) if path.suffix == ".db" else (0, 1 << 40)
    begin = head + max(0, place - head) // step * step
    return begin, begin + step


def near(files: dict[Path, bytes], word: bytes, others: set[bytes]) -> list[Path]:
    """Files in which a word stands closer than 400 bytes to one of others."""
    found = []
    for path, content in files.items():
        place = content.find(word)
        while place >= 0:
            begin, end = page_of(path, place)
            around = content[max(begin, place - 400) : min(end, place + 400)]
            if any(other in around for other in others):
                found.append(path)
            place = content.find(word, place + 1)
    return found


async def test_from_the_card_to_the_list_and_no_file_tells_who_voted_how(here: Here, room: Room, ana: Visitor) -> None:
    answers = ("Quahog", "Periwinkle", "Limpet")
    card, path = await begun(here, room, f"!poll Which shell? | {' | '.join(answers)} --anonymous")
    choices = {"veronica": "1", "waldemar": "2", "xenophon": "3", "yukihiko": "2"}
    old = await votes(room.visitors["veronica"], path, "3")
    codes = {name: await votes(room.visitors[name], path, choice) for name, choice in choices.items()}
    assert len({old, *codes.values()}) == 5
    again = (await room.visitors["veronica"].get(path)).text
    assert 'id="voted"' in again and "checked" not in again, "how one has voted is not shown, to its voter either"
    (key_file,) = (here.server.data / "ballot-keys").glob("*.key")
    key = key_file.read_bytes()

    data = here.server.data
    backup = {where: content for where, content in files_of(data).items() if "ballot-keys" not in where.parts}
    for code in (old, *codes.values()):
        assert not [where for where, content in backup.items() if code.encode() in content], "no code before the end"
    assert not [where for where, content in backup.items() if key in content]
    with sqlite3.connect(f"file:{data / 'bots.db'}?mode=ro", uri=True) as database:
        links = [bytes(one) for (one,) in database.execute("SELECT link FROM poll_ballot")]
    assert len(links) == 4

    await closed(here, room, card, room.visitors["veronica"], path)
    listed = (await room.visitors["xenophon"].get(f"{path}/list.txt")).text.encode()
    found, damaged = read_list(listed)
    assert dict(found) == {codes[name]: (int(choice),) for name, choice in choices.items()} and not damaged
    assert old not in listed.decode()
    digest = hashlib.sha256(listed).hexdigest()
    hashes = await said(here, room, "The list of ballots follows")
    result = await said(here, room, "Find your own ballot by your code")
    assert digest in hashes["content"]["body"] and digest in result["content"]["body"]
    assert hashes["origin_server_ts"] <= result["origin_server_ts"]
    assert "“Periwinkle” has the most votes: 2 of 4." in result["content"]["body"]
    assert result["content"]["org.belisha.tlp"] == {"label": "TLP:AMBER", "by": "parent"}
    shown = (await said(here, room, "The result as a picture."))["content"]
    assert shown["msgtype"] == "m.image" and shown["org.belisha.tlp"] == result["content"]["org.belisha.tlp"]
    assert "Periwinkle: 2 (50 %)" in shown["body"] and not [code for code in codes.values() if code in str(shown)]

    async def is_destroyed() -> bool:
        return not list((data / "ballot-keys").iterdir())

    await until(is_destroyed)
    after = files_of(data)
    assert [where for where, content in after.items() if b"Periwinkle" in content], "the search finds what is there"
    assert [where for where, content in after.items() if codes["veronica"].encode() in content], "as is the list"
    assert not [where for where, content in after.items() if key in content], "nobody can open a seal any more"
    assert not [where for where, content in after.items() if old.encode() in content]
    people = {name.encode() for name in NAMES}
    assert near(after, b"Tide council", people | {b"harbour"}), "and what stands side by side"
    for code in codes.values():
        assert not near(after, code.encode(), people)
    logs = [content for where, content in after.items() if where.suffix == ".log" or "logs" in where.parts]
    assert logs and not [one for one in logs if path.rpartition("/")[2].encode() in one]

    page = (await room.visitors["waldemar"].get(path)).text
    assert f'src="{path}/result.png"' in page and "“Periwinkle” has the most votes: 2 of 4. The table says" in page
    drawn = await room.visitors["waldemar"].get(f"{path}/result.png")
    assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/png") and drawn.text.startswith("\ufffdPNG")
    assert drawn.headers["Cache-Control"] == "private, no-store"
    assert (await ana.get(f"{path}/result.png")).status == 404, "who cannot read the poll"
    pages = f"/polls/{quote(room.id, safe='')}/{quote(card, safe='')}/result"
    assert (await room.visitors["veronica"].get(pages)).location == path
    assert (await room.visitors["veronica"].get(f"{pages}.png")).status == 404

    mine = await room.visitors["waldemar"].post(
        f"{path}/find",
        {"form": form_of((await room.visitors["waldemar"].get(path)).text), "code": codes["waldemar"].lower()},
    )
    assert f"Your ballot is in the list: <code>{codes['waldemar']}</code>, “Periwinkle”." in mine.text
    assert codes["waldemar"] not in mine.location
    for typed, words in ((old, "This code is not in the list."), ("7K2M", "That is no code.")):
        fields = {"form": form_of(mine.text), "code": typed}
        assert words in (await room.visitors["waldemar"].post(f"{path}/find", fields)).text

    where = f"/polls/{quote(room.id, safe='')}/{quote(card, safe='')}/votes"
    table = await room.visitors["veronica"].get(f"{where}.csv")
    _, heads, *rows = csv.reader(io.StringIO(table.text.removeprefix("\ufeff")))
    assert heads == ["Code", *answers] and {row[0]: row[1:].index("yes") + 1 for row in rows} == {
        codes[name]: int(choice) for name, choice in choices.items()
    }
    told = json.loads((await room.visitors["veronica"].get(f"{where}.json")).text)
    assert told["sha256"] == digest and [one["votes"] for one in told["counts"]] == [1, 2, 1]
    assert not [name for name in NAMES if name in table.text + json.dumps(told)]
    assert (await room.visitors["waldemar"].get(f"{where}.csv")).status == 404, "who may not export it"


async def test_to_others_there_is_no_such_page_and_who_is_removed_votes_no_more(
    here: Here, room: Room, ana: Visitor
) -> None:
    card, path = await begun(here, room, "!poll Which day? | Monday | Tuesday --anonymous --voters opening")
    nothing = await ana.get("/ballots/nothing-of-that-name")
    assert (await room.visitors["veronica"].get(f"{path}/result.png")).status == 404, "before the end there is none"
    for where in (path, f"{path}/list.txt", f"{path}/result.png"):
        closed_ = await ana.get(where)
        assert (closed_.status, closed_.text) == (404, nothing.text)
    form = form_of((await ana.get("/")).text)
    for where, fields in ((path, {"once": "x" * 30, "choice": "1"}), (f"{path}/find", {"code": "x"})):
        assert (await ana.post(where, {"form": form, **fields})).status == 404

    zenobia = room.visitors["zenobia"]
    page = (await zenobia.get(path)).text
    fields = {"form": form_of(page), "once": once_of(page), "choice": "1"}
    for wrong, words in (
        ({"choice": "3"}, "at most 1"),
        ({"choice": "0"}, "at most 1"),
        ({"choice": "x"}, "at most 1"),
        ({"choice": ""}, "at most 1"),
    ):
        answer = await zenobia.post(path, fields | wrong)
        assert answer.status == 400 and words in answer.text
    without = await zenobia.post(path, {name: value for name, value in fields.items() if name != "choice"})
    assert without.status == 400 and "Please choose an answer." in without.text
    assert (await zenobia.post(path, fields | {"once": "x"})).status == 400
    kick = f"{V3}/rooms/{quote(room.id)}/kick"
    assert (await request(here.people["veronica"], "POST", kick, {"user_id": here.people["zenobia"].user_id}))[0] == 200
    assert (await zenobia.get(path)).status == 404
    assert (await zenobia.post(path, fields)).status == 404
    invite = f"{V3}/rooms/{quote(room.id)}/invite"
    assert (await request(here.people["veronica"], "POST", invite, {"user_id": here.people["zenobia"].user_id}))[
        0
    ] == 200
    assert isinstance(await here.people["zenobia"].join(room.id), nio.JoinResponse)

    for name in NAMES[:4]:
        await votes(room.visitors[name], path, "2")
    (file,) = (here.server.data / "ballot-keys").glob("*.key")
    shutil.move(file, here.server.data / "moved-away")
    lost = await room.visitors["waldemar"].get(path)
    assert "This poll was cancelled." in lost.text
    assert "lost" in (await said(here, room, "the key that its ballots were sealed with is lost"))["content"]["body"]
    (here.server.data / "moved-away").unlink()
    assert (
        "This poll was cancelled."
        in (await room.visitors["waldemar"].post(path, fields | {"form": form_of(lost.text)})).text
    )
    assert card


async def test_where_fewer_than_five_may_vote_none_is_begun(here: Here) -> None:
    asked = await here.say("ana", "!poll Which day? | Monday | Tuesday --anonymous", here.groups["closed"])
    assert "Fewer than 5 may vote in this group" in await here.answer("ana", asked, here.groups["closed"])


async def test_the_form_says_what_an_anonymous_poll_is(here: Here, ana: Visitor) -> None:
    page = (await ana.get("/polls/new")).text
    assert 'name="anonymous" value="yes"' in page
    looked = await ana.post("/polls/new", form_for(here, page, "preview", by="", anonymous="yes"))
    assert looked.status == 200 and "It is anonymous" in looked.text and UNANIMOUS in looked.text
    assert "needs 5 who may vote" in looked.text
    again = await ana.post("/polls/new", form_for(here, looked.text, "change", by="", anonymous="yes"))
    assert 'value="yes" checked' in again.text
    refused = await ana.post("/polls/new", form_for(here, page, "begin", anonymous="yes"))
    assert refused.status == 400 and "is not counted by organisation" in refused.text


@pytest.mark.full
@pytest.mark.nightly
async def test_on_a_phone_and_by_the_keyboard(here: Here, room: Room) -> None:
    card, path = await begun(here, room, "!poll Which of these days? | Monday | Tuesday --anonymous --multi 2")
    veronica = room.visitors["veronica"]
    async with chromium() as browser, context(browser, veronica, viewport=PHONE) as profile:
        page = await profile.new_page()
        await page.goto(here.url + path)
        assert await fits(page)
        await assert_accessible(page)
        _, of_one = await begun(here, room, "!poll Which place? | Harbour office | University | On board --anonymous")
        await page.goto(here.url + of_one)
        assert await fits(page)
        await assert_accessible(page)
        await page.goto(here.url + path)
        await page.get_by_label("Monday").focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Your vote is taken")).to_be_visible()
        code = await page.locator(".code code").inner_text()
        assert CODE.fullmatch(code) and await fits(page)
        await assert_accessible(page)
        await closed(here, room, card, veronica, path)
        await page.goto(here.url + path)
        await page.get_by_label("Your code").fill(code)
        await page.keyboard.press("Enter")
        await expect(page.locator("#found")).to_contain_text("“Monday”, “Tuesday”")
        assert await fits(page)
        await assert_accessible(page)
