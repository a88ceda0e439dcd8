"""Legal holds: two people, sealed copies of what is withdrawn from then on, nothing shown to anybody (E1, M2)."""

from __future__ import annotations

import asyncio
import json
import re
from argparse import Namespace
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from belisha.acts.holds import HOLD_KEY
from belisha.cli import hold as command
from belisha.cli import local_api
from belisha.cli.errors import CommandError
from belisha.kept import PART_BYTES, BrokenSeal, Place, opened
from belisha.revocations import read
from tests.support.community import Community, assert_refused, unique
from tests.support.files import message, png, upload
from tests.support.patience import until
from tests.support.server import request
from tests.synapse.forgetful import forgetful
from tests.synapse.samples import edit, text
from tests.synapse.test_acts import asks, newcomer
from tests.synapse.test_audit import chained
from tests.synapse.test_erasure import age, censor, gone, is_there, redact, stores
from tests.synapse.test_groups import own_room

pytestmark = pytest.mark.more

Json = dict[str, Any]
ENDS, TOO_LATE = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}" for days in (200, 2_000))
CASE = "Order 12 of the court"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community with a journal, and a Synapse that censors when it is asked to; two managers are in it."""
    async with forgetful(tmp_path_factory.mktemp("holds"), '{"TLP:RED": 30}') as here:
        yield here


async def says(community: Community, by: str, words: str, **arguments: Any) -> tuple[int, Json]:
    """A command in one's own room, as the bot hands it over."""
    act = "hold_" + words.split()[1]
    return await asks(community, by, await own_room(community, by), words, act, arguments)


async def asked(community: Community, by: str, what: str, *, quiet: bool = False) -> str:
    """A hold that somebody has asked for; `what` is a member's address or a room's id."""
    kind = "member" if what.startswith("@") else "room"
    flag = {"quiet": True} if quiet else {}
    words = f"!hold {kind} {what} {ENDS} {'--quiet ' if quiet else ''}{CASE}"
    status, answer = await says(community, by, words, **{kind: what, "ends": ENDS, "reason": CASE}, **flag)
    assert status == 200, answer
    return str(answer["hold"])


async def both(community: Community, what: str, hold: str, *who: str) -> Json:
    """What comes of it when each of them asks for the same about a hold."""
    answer: Json = {}
    for one in who:
        status, answer = await says(community, one, f"!hold {what} {hold}", hold=hold)
        assert status == 200, answer
    return answer


def kept(community: Community, hold: str) -> set[tuple[str, str]]:
    rows = community.server.query("SELECT kind, id FROM belisha_hold_kept WHERE hold_id = ? AND part = 0", hold)
    return {(row["kind"], row["id"]) for row in rows}


async def told(community: Community, name: str, hold: str) -> list[str]:
    """Which steps of a hold somebody was told of."""
    room = await own_room(community, name)
    path = f"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=50"
    status, body = await request(community[name], "GET", path)
    assert status == 200, body
    facts = [event["content"].get(HOLD_KEY, {}) for event in body["chunk"]]
    return [str(one["step"]) for one in facts if one.get("hold") == hold]


async def managers(community: Community, count: int = 2) -> list[str]:
    return [await newcomer(community, "harbour", "manager") for _ in range(count)]


async def listed(community: Community, name: str) -> set[str]:
    status, answer = await says(community, name, "!hold list")
    assert status == 200, answer
    return {one["id"] for one in answer["holds"]}


async def test_it_takes_two_and_nobody_is_two(community: Community) -> None:
    """No one manager keeps what a source withdraws: not alone, nor by another account, nor about themselves."""
    first, second = await managers(community)
    hold = await asked(community, first, community.id("ana"))
    assert_refused(*await says(community, first, f"!hold confirm {hold}", hold=hold), "TAKES_TWO", rule="M2")
    lead = await newcomer(community, "harbour", "lead")
    assert_refused(*await says(community, lead, f"!hold confirm {hold}", hold=hold), "NO_HOLD")
    # The same name at another organisation: it may be the same person.
    double = await newcomer(community, "coastguard", "manager")
    same = next(one for one in (await community.server.local("GET", "members"))[1]["members"]
                if one["user_id"] == community.id(first))  # fmt: skip
    body = {"name": same["name"], "organisation": "coastguard", "roles": ["member", "manager"]}
    assert (await community.server.local("PUT", f"members/{double}", body))[0] == 200
    assert_refused(*await says(community, double, f"!hold confirm {hold}", hold=hold), "TAKES_TWO", rule="M2")
    # Not by two who only run machines, nor by whom it is about.
    operators = [await newcomer(community, "harbour", "operator") for _ in range(2)]
    other = await asked(community, operators[0], community.id("ana"))
    assert_refused(*await says(community, operators[1], f"!hold confirm {other}", hold=other), "NEEDS_MANAGER")
    about = await asked(community, first, community.id(second))
    for step in ("confirm", "release"):
        assert_refused(*await says(community, second, f"!hold {step} {about}", hold=about), "ABOUT_YOU")
    # Who has asked has lost the role since: their word counts no more.
    assert (await community.server.local("PUT", f"members/{first}", {**body, "organisation": "harbour",
            "roles": ["member"]}))[0] == 200  # fmt: skip
    assert_refused(*await says(community, second, f"!hold confirm {hold}", hold=hold), "NOT_THEIRS")
    assert not any(kept(community, one) for one in (hold, other, about))
    status, answer = await says(community, second, f"!hold release {hold}", hold=hold)
    assert (status, answer["done"]) == (200, "ended"), "what nobody confirmed is declined by one"
    late = await asks(community, second, await own_room(community, second), f"!hold room !r:x {TOO_LATE} x",
                      "hold_room", {"room": "!r:x", "ends": TOO_LATE, "reason": "x"})  # fmt: skip
    assert_refused(*late, "TOO_LONG")


async def test_what_is_withdrawn_is_gone_and_a_sealed_copy_is_kept(
    community: Community, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    word = unique("hushwinkle")
    first, second = await managers(community)
    room = community.rooms["closed"]
    before = await community.sent(text(f"TLP:AMBER {word} before"), "closed")
    await redact(community, before)
    hold = await asked(community, first, room)
    unconfirmed = await community.sent(text(f"TLP:AMBER {word} unconfirmed"), "closed")
    await redact(community, unconfirmed)
    assert (await both(community, "confirm", hold, second))["done"] == "begun"
    await asyncio.sleep(1.1)

    media_id = await upload(community, "ana", png(3) + word.encode() + b"x" * PART_BYTES, f"{word}.png", "image/png")
    shows = await community.sent(message(community, media_id, f"TLP:AMBER {word} file"), "closed")
    item = await community.sent(text(f"TLP:AMBER {word} first"), "closed")
    changed = await community.sent(edit(item, text(f"TLP:AMBER {word} second")), "closed")
    elsewhere = await community.sent(text(f"{word} elsewhere"), "open")
    for event, kind in ((shows, "closed"), (item, "closed"), (elsewhere, "open")):
        await redact(community, event, kind)
    await gone(community, media_id)
    wanted = {("event", shows), ("event", item), ("event", changed), ("file", media_id)}

    async def is_kept() -> bool:
        return kept(community, hold) == wanted

    await until(is_kept)
    await censor(community)

    async def is_gone() -> bool:
        return stores(community, word) == []

    await until(is_gone)  # gone from every store, what is kept among them: it says nothing to who has all that
    assert community.server.query("SELECT 1 FROM belisha_hold_kept")
    for name in ("ana", first, second):
        path = f"/_matrix/client/v3/rooms/{room}/event/{item}"
        status, body = await request(community[name], "GET", path)
        assert status != 200 or body["content"] == {}, body

    async def is_told() -> bool:
        return await told(community, "ana", hold) == ["kept"]

    await until(is_told)  # once, however much is kept
    assert "begun" in await told(community, first, hold)

    # Out it comes by two, and an operator.
    monkeypatch.setattr(local_api, "of", lambda _data: local_api.LocalApi(community.server.url, community.server.data))
    folder = tmp_path / "out"

    async def take_out() -> None:
        await asyncio.to_thread(
            command.run, Namespace(act="open", hold=hold, folder=folder, data=community.server.data)
        )

    for who in (None, first, first):  # nobody agreed, or one did, twice
        if who is not None:
            assert (await both(community, "open", hold, who))["done"] == "waits"
        with pytest.raises(CommandError, match="Two have to agree"):
            await take_out()
        assert not folder.exists()
    assert (await both(community, "open", hold, second))["done"] == "agreed"
    status, body = await community.server.local("POST", f"holds/{hold}", {"after": ["event", item, 0]})
    assert_refused(status, body, "NOT_AGREED")  # not past the record of it
    await take_out()
    texts = [json.loads(line)["event"]["content"]["body"] for line in (folder / "events.jsonl").open()]
    assert len(texts) == 3 and all(word in one for one in texts)
    about = json.loads((folder / "files.jsonl").read_text())
    assert (about["media_id"], about["uploader"]) == (media_id, community.id("ana"))
    assert word.encode() in (folder / about["saved_as"]).read_bytes()
    assert (folder / about["saved_as"]).stat().st_size == about["bytes"] > PART_BYTES
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))

    async def is_known() -> bool:
        return "opened" in await told(community, second, hold)

    await until(is_known)
    await chained(community)
    entries = [row["entry"] for row in community.server.query("SELECT entry FROM belisha_audit")]
    for what in ("hold asked", "hold begun", "hold kept", "hold open asked", "hold open agreed", "hold opened"):
        assert any(what in one and hold in one for one in entries), what
    capsys.readouterr()
    await asyncio.to_thread(command.run, Namespace(act="list", data=community.server.data))
    assert re.search(rf"{hold} .*3 messages and 1 files", capsys.readouterr().out)

    # And ends by two; then nothing is left, and a restore brings nothing back.
    (row,) = community.server.query("SELECT kind, id, part, sealed FROM belisha_hold_kept LIMIT 1 OFFSET 1")
    place = Place(hold, row["kind"], row["id"], row["part"])
    with pytest.raises(BrokenSeal):
        opened("another key", place, row["sealed"])
    with pytest.raises(BrokenSeal):
        opened(
            (community.server.data / "secrets" / "hold").read_text().strip(), place._replace(hold="x"), row["sealed"]
        )
    assert (await both(community, "release", hold, first))["done"] == "waits"
    assert kept(community, hold) == wanted
    assert (await both(community, "release", hold, second))["done"] == "ended"
    assert kept(community, hold) == set()

    journal = community.server.data.parent / "revocations.jsonl"

    async def is_written() -> bool:
        with journal.open(encoding="utf-8") as lines:
            return any((one.what, one.ids) == ("hold", (hold,)) for one in read(lines))

    await until(is_written)
    community.server.change("UPDATE belisha_hold SET ended_at = NULL, ended_by = NULL WHERE id = ?", hold)
    lines = {"revocations": [{"what": "hold", "ids": [hold], "now": ""}]}
    status, body = await community.server.local("POST", "revocations", lines)
    assert (status, body["ended"]) == (200, {"hold": 1}), body
    assert hold not in await listed(community, first)


async def test_what_is_deleted_by_age_is_gone_and_a_sealed_copy_is_kept(community: Community) -> None:
    """A hold stops no retention: what is too old goes on its day, from everybody; a copy stays until the hold ends."""
    word = unique("ebbwinkle")
    first, second = await managers(community)
    media_id = await upload(community, "finn", png(4) + word.encode(), f"{word}.png", "image/png")
    shows = await community.sent(message(community, media_id, f"TLP:RED {word}"), "named", by="finn")
    item = await community.sent(text(f"TLP:RED {word} first"), "named", by="finn")
    changed = await community.sent(edit(item, text(f"TLP:RED {word} second")), "named", by="finn")
    young = await community.sent(text(f"TLP:RED young {word}"), "named", by="finn")
    others = await community.sent(text(f"TLP:RED {word} of another one"), "named")
    hold = await asked(community, first, community.id("finn"))
    assert (await both(community, "confirm", hold, second))["done"] == "begun"
    await asyncio.sleep(1.1)
    await age(community, 31, shows, item, others)
    there = [await is_there(community, "named", one) for one in (shows, item, changed, others, young)]
    assert there == [False] * 4 + [True]
    await gone(community, media_id)
    wanted = {("event", shows), ("event", item), ("event", changed), ("file", media_id)}

    async def is_kept() -> bool:
        return kept(community, hold) == wanted

    await until(is_kept)

    async def is_told() -> bool:
        return await told(community, "finn", hold) == ["kept"]

    await until(is_told)
    # What is kept goes with the hold; what has its day later is not kept anew.
    assert (await both(community, "release", hold, first, second))["done"] == "ended"
    assert kept(community, hold) == set()
    await age(community, 31, young)
    assert not await is_there(community, "named", young)
    await censor(community)

    async def is_gone() -> bool:
        return stores(community, word) == []

    await until(is_gone)
    assert kept(community, hold) == set()


async def test_a_quiet_hold_is_told_when_it_is_over(community: Community) -> None:
    """Whom it is about learns nothing of it by any way of a manager's; what is kept of others stays apart."""
    first, second, about = await managers(community, 3)
    hold = await asked(community, first, community.id(about), quiet=True)
    assert (await both(community, "confirm", hold, second))["done"] == "begun"
    await asyncio.sleep(1.1)
    assert hold in await listed(community, second) and hold not in await listed(community, about)
    for step in ("confirm", "release", "open"):
        assert_refused(*await says(community, about, f"!hold {step} {hold}", hold=hold), "NO_HOLD")
    status, body = await request(community[about], "POST", f"/_matrix/client/v3/join/{community.rooms['open']}", {})
    assert status == 200, body
    event = await community.sent(text("Mine"), "open", by=about)
    theirs = await community.sent(text("Not mine"), "open")
    path = f"/_matrix/client/v3/rooms/{community.rooms['open']}/redact/{event}/{unique('r')}"
    assert (await request(community[about], "PUT", path, {}))[0] == 200
    await redact(community, theirs, "open")

    async def is_kept() -> bool:
        return kept(community, hold) == {("event", event)}

    await until(is_kept)
    assert await told(community, about, hold) == []
    community.server.change("UPDATE belisha_hold SET ends = 1 WHERE id = ?", hold)

    async def is_over() -> bool:
        return kept(community, hold) == set() and await told(community, about, hold) == ["kept"]

    await until(is_over)
