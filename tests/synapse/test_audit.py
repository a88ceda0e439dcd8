"""The audit log of a real Synapse: it holds no content, and whatever is changed in it is found (A1)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from belisha.audit import WRITERS, Head, Problem, Record, open_acts, verify
from tests.support.community import Community, unique
from tests.support.files import fetch, message, upload
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import text

pytestmark = pytest.mark.more

Json = dict[str, Any]
WORD = "quenchwinkle"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone."""
    here = await make_community(tmp_path_factory.mktemp("audit") / "data", module="tests.synapse.dying.Dying")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def chained(community: Community) -> None:
    """Waits until every record stands in its chain."""

    async def are_chained() -> bool:
        return not community.server.query("SELECT 1 FROM belisha_audit_waiting")

    await until(are_chained)


def records(community: Community) -> list[Record]:
    return [
        Record(**row)
        for row in community.server.query(
            "SELECT writer, number, at, entry, mac FROM belisha_audit ORDER BY writer, number"
        )
    ]


def heads(community: Community) -> list[Head]:
    return [
        Head(**row)
        for row in community.server.query("SELECT writer, number, mac, seal FROM belisha_audit_head ORDER BY 1")
    ]


def problems(community: Community, *known: Head) -> list[Problem]:
    key = (community.server.data / "secrets" / "audit").read_text().strip().encode()
    while True:
        as_they_were = heads(community)
        rows = records(community)
        if heads(community) == as_they_were:  # none was written between the two questions
            return verify(key, rows, as_they_were, known)


def found(community: Community, **about: Any) -> list[Json]:
    """The entries that say that."""
    return [one.said for one in records(community) if about.items() <= one.said.items()]


async def written(community: Community, count: int = 1, **about: Any) -> list[Json]:
    async def are_there() -> bool:
        return len(found(community, **about)) >= count

    await until(are_there)
    return found(community, **about)


async def test_refusals_are_written_without_content(community: Community) -> None:
    """Who, where, which rule; the same one again is counted."""
    room = community.rooms["open"]
    for _ in range(3):
        status, _ = await community.put("ana", "open", text(f"TLP:RED {WORD}"))
        assert status == 403
    (first,) = await written(community, what="ABOVE_CEILING", room=room)
    assert (first["kind"], first["rule"], first["type"]) == ("refusal", "L3", "m.room.message")
    assert first["who"].startswith("p-") and 1 <= first["count"] <= 3
    status, _ = await community.put("ana", "open", {"x": WORD}, event_type=f"com.example.{WORD}")
    assert status == 403
    (second,) = await written(community, what="UNKNOWN_TYPE")
    assert second["type"].startswith("hmac:") and second["who"] == first["who"]
    status, _ = await community.create("ana", {"preset": "private_chat", "name": f"TLP:RED {WORD}"})
    assert status == 403
    (third,) = await written(community, what="NOT_PUBLIC")
    assert third["who"] == first["who"]
    path = f"/_matrix/client/v3/profile/{quote(community.id('ana'))}/org.belisha.roles"
    assert (await request(community["ana"], "PUT", path, {"org.belisha.roles": [WORD]}))[0] == 403
    (fourth,) = await written(community, what="PROFILE_FIELD")
    assert fourth["who"] == first["who"]
    log = json.dumps(community.server.query("SELECT * FROM belisha_audit"))
    assert WORD not in log and community.id("ana") not in log


async def test_denied_files_are_written(community: Community) -> None:
    media_id = await upload(community, "ana", b"Only hers")
    await community.sent(message(community, media_id), "closed")
    assert (await fetch(community, "emil", media_id)).status == 404
    (known,) = await written(community, kind="denial", file=media_id)
    assert (await fetch(community, "emil", f"guess-of-{WORD}")).status == 404
    (guess,) = await written(community, kind="denial", what="no such file", who=known["who"])
    assert "file" not in guess
    assert (await fetch(community, "ben", media_id)).status == 200
    assert len(found(community, kind="denial", file=media_id)) == 1


async def test_acts_are_intended_before_and_done_after(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    status, body = await community.put("ana", "closed", relabel(item, "TLP:AMBER"), event_type="org.belisha.relabel")
    assert status == 200, body
    phases = [one["phase"] for one in await written(community, 2, what="relabel", item=item)]
    assert phases == ["intended", "done"]
    _, made = await community.create("ana", {"preset": "private_chat"})
    room, path = made["room_id"], f"rooms/{quote(made['room_id'])}"
    assert (await community.server.local("PUT", f"{path}/policy", {"purpose": "blog"}))[0] == 200
    assert (await community.server.local("PUT", f"{path}/policy", {"purpose": "blog"}))[0] == 403
    await chained(community)
    acts = {one["act"]: one for one in found(community, what="policy", phase="intended", room=room)}
    ends = [found(community, what="policy", act=act)[-1]["phase"] for act in acts]
    assert sorted(ends) == ["done", "failed"]
    name = unique("nora")
    await community.server.member(name, "harbour")
    assert (await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"}))[0] == 200
    assert await written(community, what="standing", standing="frozen")
    media_id = await upload(community, "ana", b"x")
    assert (await community.server.local("POST", f"files/{media_id}/withdraw"))[0] == 200
    assert await written(community, what="withdraw", file=media_id, phase="done")
    assert open_acts(records(community)) == [] == problems(community)


async def test_whatever_is_changed_is_found(community: Community) -> None:
    """In the database, behind the server's back; each is put back, and the log is whole again."""
    await chained(community)
    change = community.server.change
    row = next(one for one in records(community) if (one.writer, one.number) == ("main", 2))
    assert problems(community) == []
    change("UPDATE belisha_audit SET entry = '{}' WHERE writer = 'main' AND number = 2")
    assert Problem("main", 2, "Record 2 was altered.") in problems(community)
    change("UPDATE belisha_audit SET entry = ? WHERE writer = 'main' AND number = 2", row.entry)
    change("UPDATE belisha_audit SET number = 999999 WHERE writer = 'main' AND number = 2")
    change("UPDATE belisha_audit SET number = 2 WHERE writer = 'main' AND number = 3")
    change("UPDATE belisha_audit SET number = 3 WHERE writer = 'main' AND number = 999999")
    assert Problem("main", 2, "Record 2 was moved: it stands at 3.") in problems(community)
    change("UPDATE belisha_audit SET number = 999999 WHERE writer = 'main' AND number = 3")
    change("UPDATE belisha_audit SET number = 3 WHERE writer = 'main' AND number = 2")
    change("UPDATE belisha_audit SET number = 2 WHERE writer = 'main' AND number = 999999")
    assert problems(community) == []
    change("UPDATE belisha_audit SET writer = 'away' WHERE writer = 'main' AND number = 2")
    assert Problem("main", 2, "Record 2 is missing.") in problems(community)
    change("UPDATE belisha_audit SET writer = 'main' WHERE writer = 'away'")
    last = max(one.number for one in heads(community) if one.writer == "main")
    change("UPDATE belisha_audit SET writer = 'away' WHERE writer = 'main' AND number = ?", last)
    assert Problem("main", last, "The last 1 records of this chain are missing.") in problems(community)
    change("UPDATE belisha_audit SET writer = 'main' WHERE writer = 'away'")
    known = heads(community)
    change("UPDATE belisha_audit SET writer = 'away' WHERE writer = 'main'")
    change("UPDATE belisha_audit_head SET writer = 'away' WHERE writer = 'main'")
    assert any(one.writer == "main" and "gone as a whole" in one.what for one in problems(community))
    change("UPDATE belisha_audit SET writer = 'away2' WHERE writer = ?", WRITERS)
    change("UPDATE belisha_audit_head SET writer = 'away2' WHERE writer = ?", WRITERS)
    assert {one.writer for one in problems(community, *known)} >= {"main", WRITERS}
    for away, writer in (("away2", WRITERS), ("away", "main")):
        change("UPDATE belisha_audit SET writer = ? WHERE writer = ?", writer, away)
        change("UPDATE belisha_audit_head SET writer = ? WHERE writer = ?", writer, away)
    assert problems(community, *known) == []


async def test_many_acts_at_once_are_all_in_one_chain(community: Community) -> None:
    """None waits for another, and none is refused for it."""
    items = [await community.sent(text("TLP:GREEN Tide"), "closed") for _ in range(24)]
    acts = (
        community.put("ana", "closed", relabel(item, "TLP:AMBER"), event_type="org.belisha.relabel") for item in items
    )
    assert [status for status, _ in await asyncio.gather(*acts)] == [200] * len(items)
    for item in items:
        assert [one["phase"] for one in await written(community, 2, item=item)] == ["intended", "done"]
    await chained(community)
    assert open_acts(records(community)) == [] == problems(community)


async def test_what_a_process_left_that_never_came_back_is_in_the_chain(community: Community) -> None:
    entry = '{"kind":"denial","rule":"F1","what":"no such file"}'
    community.server.change("INSERT INTO belisha_audit_waiting VALUES ('gone', 1, ?, ?)", int(time.time()) - 700, entry)
    await chained(community)
    assert problems(community) == []
    (record,) = [one for one in records(community) if one.entry == entry]
    assert record.writer == "main"


async def test_whom_it_names_can_be_forgotten(community: Community) -> None:
    assert (await community.put("dina", "open", text("TLP:RED x")))[0] == 403

    async def is_written() -> list[Json]:
        return [one for one in found(community, what="ABOVE_CEILING") if one["who"] in _names(community, "dina")]

    (entry,) = await until(is_written)
    _, body = await community.server.local("GET", "audit")
    assert body["names"][entry["who"]] == community.id("dina")
    assert (await community.server.local("POST", "audit/forget", {"user_id": community.id("dina")}))[1]["changed"]
    _, body = await community.server.local("GET", "audit")
    assert entry["who"] not in body["names"]
    assert problems(community) == []


def _names(community: Community, name: str) -> set[str]:
    found = community.server.query("SELECT pseudonym FROM belisha_pseudonym WHERE user_id = ?", community.id(name))
    return {row["pseudonym"] for row in found}


async def test_heads_are_kept_by_the_hour(community: Community) -> None:
    community.server.change(
        "INSERT INTO belisha_told (topic, value) VALUES ('audit heads', ?)"
        " ON CONFLICT (topic) DO UPDATE SET value = excluded.value",
        str(int(time.time()) - 4000),
    )
    kept = community.server.data / "audit-heads.jsonl"

    async def are_kept() -> bool:
        return kept.exists() and kept.read_text().endswith("\n")

    await until(are_kept)
    known = [Head(**json.loads(line)) for line in kept.read_text().splitlines()]
    assert {head.writer for head in known} >= {"main", WRITERS}
    assert problems(community, *known) == []

    async def are_told() -> bool:
        path = "/_matrix/client/v3/directory/room/%23stewards%3A" + community.server.name
        room = (await request(community["cora"], "GET", path))[1]["room_id"]
        path = f"/_matrix/client/v3/rooms/{quote(room)}/messages?dir=b&limit=20"
        events = (await request(community["cora"], "GET", path))[1]["chunk"]
        return any(known[0].seal in event["content"].get("body", "") for event in events)

    await until(are_told)


async def test_an_act_that_a_crash_cuts_short_is_reported(community: Community) -> None:
    _, made = await community.create("ana", {"preset": "private_chat"})
    (community.server.data / "die").write_text("between the steps")
    try:
        await community.server.local("PUT", f"rooms/{quote(made['room_id'])}/policy", {"purpose": "blog"})
    except Exception:  # the server is gone before it answers
        community.server.kill()
    await community.server.start()
    (cut,) = await written(community, phase="cut short")
    intended = found(community, what="policy", phase="intended", room=made["room_id"])
    assert cut["act"] == intended[-1]["act"]
    await chained(community)
    assert open_acts(records(community)) == [] == problems(community)
