"""What is withdrawn, redacted or kept too long is gone from every store, and a restore does not bring it back (E1)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio
import pytest
import pytest_asyncio

from belisha.revocations import read
from tests.support.community import Community, assert_refused, unique
from tests.support.files import fetch, message, png, state_of, upload
from tests.support.ledger import relabel, rows
from tests.support.patience import until
from tests.support.server import request
from tests.synapse.forgetful import forgetful
from tests.synapse.samples import edit, text

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
#: Not in any name, and no word that a program writes.
WORD = "quenchwinkle"
#: What is withdrawn is gone within a minute; on a machine that others use too, after this many seconds.
AT_MOST = 240.0


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community with a journal, and a Synapse that censors what is redacted as soon as it is asked to."""
    async with forgetful(tmp_path_factory.mktemp("erasure"), '{"TLP:RED": 30, "TLP:GREEN": 60}') as here:
        yield here


def stores(community: Community, word: str) -> list[str]:
    """Every place in which a word stands: tables of the database, the media store, logs, and all else."""
    server, found = community.server, []
    data = server.data
    for table in server.tables():
        if table.startswith("_temp_populate_"):  # ids for a job of Synapse's, gone when it is done
            continue
        with contextlib.suppress(sqlite3.OperationalError):  # tables of the search's own are no tables
            rows_of = server.query(f'SELECT * FROM "{table}"')  # noqa: S608 - a table's name
            found += [table] * any(word in str(row) for row in rows_of)
    for path in data.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # gone since it was listed
            if path.is_file() and ".db" not in path.name and word.encode() in path.read_bytes():
                found.append(str(path.relative_to(data)))
    return found


def of_file(community: Community, media_id: str) -> Iterator[Path]:
    """What lies on the disk of a file: bytes and thumbnails."""
    for path in (community.server.data / "media").rglob("*"):
        if path.is_file() and "".join(path.relative_to(community.server.data / "media").parts).find(media_id) >= 0:
            yield path


async def gone(community: Community, media_id: str) -> None:
    async def is_gone() -> bool:
        tables = ("local_media_repository", "local_media_repository_thumbnails")
        known = [community.server.query(f"SELECT 1 FROM {table} WHERE media_id = ?", media_id) for table in tables]  # noqa: S608 - two constants
        return not any((*known, *of_file(community, media_id)))

    await until(is_gone, AT_MOST)
    assert (await fetch(community, "ana", media_id)).status == 404


async def _is_named(community: Community, name: str) -> bool:
    """Whether the audit log still knows who somebody is."""
    return bool(community.server.query("SELECT 1 FROM belisha_pseudonym WHERE user_id = ?", community.id(name)))


async def _is_more(things: set[str], before: int) -> bool:
    return len(things) > before


async def redact(community: Community, event_id: str, kind: str = "closed") -> None:
    path = f"{V3}/rooms/{quote(community.rooms[kind])}/redact/{quote(event_id)}/{unique('r')}"
    status, body = await request(community["ana"], "PUT", path, {})
    assert status == 200, body


async def censor(community: Community) -> None:
    """Has Synapse's own job run that clears what was redacted an hour ago."""
    assert (await request(community["ana"], "PUT", "/_synapse/client/org.belisha.test/censor"))[0] == 200


async def test_a_withdrawn_file_is_closed_at_once_and_gone(community: Community) -> None:
    media_id = await upload(community, "ana", png(1) + WORD.encode(), "x.png", "image/png")
    await community.sent(message(community, media_id), "closed")
    assert (await fetch(community, "ben", media_id)).status == 200
    assert len(list(of_file(community, media_id))) > 1, "there are thumbnails"
    status, body = await community.server.local("POST", f"files/{media_id}/withdraw")
    assert (status, body["changed"]) == (200, True)
    for name in ("ana", "ben", "cora"):
        assert (await fetch(community, name, media_id)).status == 404
    await gone(community, media_id)
    assert stores(community, WORD) == []
    assert (await community.server.local("POST", f"files/{media_id}/withdraw"))[1]["changed"] is False
    status, body = await community.server.local("POST", "files/none/withdraw")
    assert (status, body["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND")


async def test_an_upload_that_comes_late_is_refused(community: Community) -> None:
    status, made = await request(community["ana"], "POST", "/_matrix/media/v1/create")
    assert status == 200
    media_id = made["content_uri"].rpartition("/")[2]
    assert (await community.server.local("POST", f"files/{media_id}/withdraw"))[0] == 200
    path = f"/_matrix/media/v3/upload/{community.server.name}/{media_id}"
    status, body = await request(community["ana"], "PUT", path, WORD.encode())
    assert status in (403, 404), body
    if status == 403:
        assert_refused(status, body, "FILE_WITHDRAWN", rule="F1")
    await gone(community, media_id)


async def test_what_is_redacted_is_gone_from_every_store(community: Community) -> None:
    word = f"{WORD}ox"  # as the index of the search has it too, which cuts endings off
    media_id = await upload(community, "ana", png(2) + word.encode(), "x.png", "image/png")
    item = await community.sent(message(community, media_id, f"TLP:AMBER {word}"), "closed")
    first = await community.sent(text(f"TLP:AMBER {word}"), "closed")
    await community.sent(edit(first, text(f"TLP:AMBER {word} again")), "closed")
    assert len(stores(community, word)) >= 3
    for event in (item, first):
        await redact(community, event)
    await gone(community, media_id)
    # Of Synapse's own tables the word is in one until its job has run, an hour later; in this test at once.
    await until(lambda: _are(community, word, {"event_json"}), AT_MOST)
    await censor(community)
    await until(lambda: _are(community, word, set()), AT_MOST)


async def _are(community: Community, word: str, places: set[str]) -> bool:
    return set(stores(community, word)) == places


async def age(community: Community, days: int, *event_ids: str) -> None:
    for event_id in event_ids:
        community.server.change(
            "UPDATE events SET received_ts = received_ts - ? WHERE event_id = ?", days * 86_400_000, event_id
        )
    assert (await request(community["ana"], "PUT", "/_synapse/client/org.belisha.test/retain"))[0] == 200


async def is_there(community: Community, kind: str, event_id: str) -> bool:
    path = f"{V3}/rooms/{quote(community.rooms[kind])}/event/{quote(event_id)}"
    status, body = await request(community["ana"], "GET", path)
    assert status == 200, body
    return "body" in body["content"]


async def test_what_is_kept_too_long_is_redacted(community: Community) -> None:
    """By the label that it has now, whoever wrote it, in rooms with the bot and without."""
    media_id = await upload(community, "finn", b"Old", "x.txt")
    red = await community.sent(message(community, media_id, "TLP:RED x"), "named", by="finn")
    young = await community.sent(text("TLP:RED young"), "named")
    amber = await community.sent(text("TLP:AMBER kept"), "named")
    green = await community.sent(text("TLP:GREEN old"), "closed")
    raised = await community.sent(text("TLP:GREEN raised"), "closed")
    status, body = await community.put("ana", "closed", relabel(raised, "TLP:AMBER"), event_type="org.belisha.relabel")
    assert status == 200, body
    bots = [
        await community.sent(text("TLP:GREEN by dina"), "open", by="dina"),
        await community.sent(text("TLP:GREEN by ana"), "open"),
    ]
    await community["dina"].room_leave(community.rooms["open"])
    await age(community, 31, red, amber)
    await age(community, 61, green, raised, *bots)
    assert not await is_there(community, "named", red)
    assert await is_there(community, "named", young)
    assert await is_there(community, "named", amber)
    assert not await is_there(community, "closed", green)
    assert await is_there(community, "closed", raised)
    assert [await is_there(community, "open", one) for one in bots] == [False, False]
    await gone(community, media_id)
    assert rows(community)[red]["label"] == "TLP:RED", "a redaction lowers nothing"


async def test_uploads_that_nobody_shared_are_erased(community: Community) -> None:
    kept, old = [await upload(community, "ana", b"Never shared") for _ in range(2)]
    community.server.change("UPDATE belisha_file SET arrived = arrived - 700000 WHERE media_id = ?", old)
    await age(community, 0)
    await gone(community, old)
    assert state_of(community, kept) == "pending"


@pytest.mark.full
async def test_a_restore_brings_nothing_back(community: Community) -> None:
    """The whole folder is put aside, things end, the folder is put back, and the journal is replayed."""
    data, journal = community.server.data, community.server.data.parent / "revocations.jsonl"
    media_id = await upload(community, "ana", b"Called back")
    shared = await community.sent(message(community, media_id), "closed")
    withdrawn = await upload(community, "ana", b"Withdrawn")
    await community.sent(message(community, withdrawn), "closed")
    item = await community.sent(text("TLP:GREEN later stricter"), "closed")
    body = {"preset": "private_chat", "invite": [community.id("ben"), community.id("emil")]}
    _, made = await community.create("ana", body)
    for name in ("ben", "emil"):
        assert isinstance(await community[name].join(made["room_id"]), nio.JoinResponse)
    phone = nio.AsyncClient(community.server.url, community.id("emil"))
    phone.access_token = (await community.server.sign_in("emil")).access_token
    name = unique("nora")
    community.people[name] = await community.server.member(name, "harbour")
    assert (await community.put("finn", "open", text("TLP:RED x")))[0] == 403
    await until(partial(_is_named, community, "finn"))
    demoted = unique("olga")
    community.people[demoted] = await community.server.member(demoted, "harbour", "lead", "steward")
    community.server.stop()
    shutil.copytree(data, data.parent / "backup")
    await community.server.start()

    await redact(community, shared)
    assert (await community.server.local("POST", f"files/{withdrawn}/withdraw"))[0] == 200
    status, answer = await community.put("ana", "closed", relabel(item, "TLP:AMBER"), event_type="org.belisha.relabel")
    assert status == 200, answer
    await community["emil"].room_leave(made["room_id"])
    await community["ben"].room_leave(made["room_id"])
    invited = f"{V3}/rooms/{quote(made['room_id'])}/invite"
    assert (await request(community["ana"], "POST", invited, {"user_id": community.id("ben")}))[0] == 200
    assert isinstance(await community["ben"].join(made["room_id"]), nio.JoinResponse)
    assert (await request(phone, "POST", f"{V3}/logout"))[0] == 200
    assert (await community.server.local("PUT", f"standing/members/{name}", {"standing": "removed"}))[0] == 200
    fewer = {"name": demoted.title(), "organisation": "harbour", "roles": ["lead"]}
    assert (await community.server.local("PUT", f"members/{demoted}", fewer))[0] == 200
    forgotten = {"user_id": community.id("finn")}
    journal.rename(journal.with_suffix(".away"))
    journal.mkdir()  # where it cannot be written, nobody is forgotten
    status, answer = await community.server.local("POST", "audit/forget", forgotten)
    assert (status, answer["errcode"]) == (403, "ORG.BELISHA.CANNOT_DECIDE")
    journal.rmdir()
    journal.with_suffix(".away").rename(journal)
    assert (await community.server.local("POST", "audit/forget", forgotten))[1] == {"changed": True}

    async def is_written() -> bool:
        lines = journal.read_text()
        wanted = (shared, withdrawn, item, community.id("emil"), name, '"session"')
        return all(each in lines for each in wanted) and f'{{"what":"roles","ids":["{demoted}"],"now":"lead"}}' in lines

    await until(is_written)
    assert journal.stat().st_mode & 0o077 == 0
    community.server.stop()
    shutil.rmtree(data)
    shutil.copytree(data.parent / "backup", data)
    # As `belisha restore` does: what is restored adds to the journal as it was at the backup.
    revocations = read(journal.read_text().splitlines(keepends=True))
    await community.server.start()
    assert (await fetch(community, "ben", media_id)).status == 200, "the restore brought it back"
    lines = [json.loads(one.line()) for one in revocations]
    for times in range(2):
        status, answer = await community.server.local("POST", "revocations", {"revocations": lines})
        assert status == 200, answer
        assert bool(answer["ended"]) == (times == 0), answer
    await gone(community, media_id)
    await gone(community, withdrawn)
    assert not await is_there(community, "closed", shared)
    assert rows(community)[item]["label"] == "TLP:AMBER"
    _, found = await community.server.local("GET", "members")
    assert next(one for one in found["members"] if one["user_id"] == community.id(name))["standing"] == "removed"
    assert next(one for one in found["members"] if one["user_id"] == community.id(demoted))["roles"] == ["lead"]
    assert not await _is_named(community, "finn")
    path = f"{V3}/rooms/{quote(made['room_id'])}/joined_members"
    joined = (await request(community["ana"], "GET", path))[1]["joined"]
    assert [community.id(each) in joined for each in ("ana", "ben", "emil")] == [True, True, False]
    assert (await request(phone, "GET", f"{V3}/account/whoami"))[0] == 401
    await phone.close()
    status, answer = await community.server.local("POST", "revocations", {"revocations": [{"what": "x"}]})
    assert (status, answer["errcode"]) == (400, "ORG.BELISHA.MALFORMED")


@pytest.mark.full
async def test_killed_amid_shares_and_withdrawals(community: Community) -> None:
    """kill -9 again and again: no file is open without its message, and none that is withdrawn to anybody."""
    shared: set[str] = set()
    asked: set[str] = set()
    withdrawn: set[str] = set()

    async def go_on() -> None:
        for number in range(100):
            with contextlib.suppress(Exception):
                media_id = await upload(community, "ana", f"{number}".encode())
                if (await community.put("ana", "closed", message(community, media_id)))[0] == 200:
                    shared.add(media_id)
                if number % 3 == 0:
                    asked.add(media_id)
                    status, _ = await community.server.local("POST", f"files/{media_id}/withdraw")
                    withdrawn.update([media_id] if status == 200 else [])

    for _ in range(3):
        another = partial(_is_more, withdrawn, len(withdrawn))
        bustle = asyncio.create_task(go_on())
        await until(another, AT_MOST)
        await asyncio.sleep(1.0)
        community.server.kill()
        bustle.cancel()
        await asyncio.gather(bustle, return_exceptions=True)
        await community.server.start()
    assert shared and withdrawn
    for media_id in shared:
        status = (await fetch(community, "ben", media_id)).status
        assert status == (404 if media_id in withdrawn else 200) or media_id in asked - withdrawn
        assert (await fetch(community, "emil", media_id)).status == 404
    for media_id in withdrawn:
        await gone(community, media_id)
    stored = "SELECT 1 FROM belisha_share AS share JOIN events ON events.event_id = share.event_id WHERE media_id = ?"
    for row in community.server.query("SELECT media_id FROM local_media_repository"):
        media_id = row["media_id"]
        if not community.server.query(stored, media_id) and state_of(community, media_id) != "avatar":
            assert (await fetch(community, "ben", media_id)).status == 404
