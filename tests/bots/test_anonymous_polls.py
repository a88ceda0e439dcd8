"""Anonymous polls as the bot sees them: sealed, counted once, the hash first, the key destroyed in the end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.polls.ballots import read_list
from belisha.polls.card import UNANIMOUS, card_content
from bots.charts.bars import from_json
from bots.kernel.rules import Rule
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.polls import Polls
from bots.polls.ballot_box import BallotBox, Closed
from bots.polls.counting import kept_of
from bots.polls.key_files import KeyFiles
from bots.polls.tables import ballot, ballot_list
from bots.steward import Steward
from tests.bots.support import SERVER, Homeserver, Json, grounded, images, settled
from tests.bots.test_polls import ANA, BEN, FINN, GROUP, NOON, POLL, QUICK, answering, jobs, quiet, said, told
from tests.bots.test_schedule import Clock, at
from tests.support.patience import until

pytestmark = pytest.mark.more

PORTAL = "https://portal.belisha.localhost"
DINA, ELI = (f"@{name}:{SERVER}" for name in ("dina", "eli"))
VOTERS = (ANA, BEN, DINA, ELI, FINN)
FORM = "a-form-that-was-handed-out"
OPTIONS = ["Monday", "Tuesday", "Friday"]


class Anonymous(Steward):
    """The steward with polls, without what it does by the day: the clock jumps here."""

    rules: Mapping[str, Rule] = {}

    def __init__(self, keys: KeyFiles | None) -> None:
        super().__init__(parts=[Polls(ZoneInfo("Europe/London"), PORTAL, keys)])


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "ballot-keys")


def key_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "ballot-keys").glob("*"))


def facts(voters: tuple[str, ...] = VOTERS, opening: tuple[str, ...] = VOTERS, edited: bool = False) -> Json:
    """What the module tells of the card."""
    content = card_content("When do we meet?", OPTIONS, 1, "place", f"{PORTAL}/ballots/place", "$asked")
    raw = {"event_id": POLL, "type": "m.room.message", "sender": ANA, "origin_server_ts": int(at(NOON) * 1000)}
    return {
        "room_id": GROUP,
        "poll": raw | {"content": content},
        "label": "TLP:AMBER",
        "responses": [],
        "ends": [],
        "edited_late": edited,
        "voters": {"opening": dict.fromkeys(opening, "harbour"), "closing": dict.fromkeys(voters, "harbour")},
        "organisations": {"harbour": "Harbour Office"},
        "service_rooms": {user: f"!{user[1:4]}:{SERVER}" for user in voters},
    }


def prepared(homeserver: Homeserver) -> None:
    homeserver.policies[GROUP] = {"kind": "closed", "default": "TLP:AMBER", "ceiling": "TLP:AMBER"}
    for user in VOTERS:
        own = f"!{user[1:4]}:{SERVER}"
        asker = {"belongs": True, "organisation": "harbour", "roles": ["member"], "power": 0, "service_room": own}
        homeserver.askers[user] = asker
    homeserver.polls[POLL] = facts()


def done(homeserver: Homeserver, act: str, **more: Any) -> None:
    ended = {"outcome": "done", "act": act, "room_id": GROUP, "event_id": POLL, "at": int(at(NOON) * 1000)}
    homeserver.acts.append((200, ended | {"anonymous": True, "place": "place"} | more))


async def arrives(store: Store, homeserver: Homeserver, keys: KeyFiles | None, clock: Clock, *events: Json) -> None:
    """Lets events arrive, and all that follows from them within the hour, but what is due later."""
    async with grounded(store, homeserver, Anonymous(keys), now=clock, backoff=QUICK) as arrive:
        await arrive(*events)
        await settled(store, clock.tick)
    async with grounded(store, homeserver, Anonymous(keys), now=clock, backoff=QUICK):
        await until(lambda: nothing_is_due(store, clock))
        await settled(store, clock.tick)


async def nothing_is_due(store: Store, clock: Clock) -> bool:
    clock.now += 1
    begins = ("outcome", "poll count", "poll key", "poll publish")
    async with store.reading() as connection:  # in one look, since one leads to another
        names = (await connection.execute(sa.select(job.c.name))).scalars().all()
    return not [name for name in names if name.startswith(begins)]


async def opened(store: Store, homeserver: Homeserver, keys: KeyFiles, clock: Clock, options: str = "") -> None:
    prepared(homeserver)
    done(homeserver, "poll_open")
    command = said(f'!poll "When do we meet?" | Monday | Tuesday | Friday --anonymous {options}', "$asked")
    await arrives(store, homeserver, keys, clock, command)
    assert told(homeserver, "It is anonymous"), homeserver.sent


async def vote(store: Store, keys: KeyFiles, voter: str, *choices: int, once: str = FORM, now: float = 0.0) -> str:
    return await BallotBox(store, keys, lambda: now or at(NOON)).cast(POLL, voter, once, choices)


async def row(store: Store) -> Mapping[str, Any]:
    return await store.read(lambda connection: kept_of(connection, POLL)) or {}


async def count_of(store: Store, table: sa.Table) -> int:
    return (
        await store.read(lambda connection: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar())
        or 0
    )


def bodies(homeserver: Homeserver) -> list[str]:
    """What was said in the group, in its order."""
    return [str(one.get("body")) for room, one in homeserver.sent.values() if room == GROUP and "body" in one]


async def test_it_is_closed_with_its_hash_then_the_list_and_the_key_is_gone(
    store: Store, homeserver: Homeserver, keys: KeyFiles, tmp_path: Path
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock)
    assert not key_files(tmp_path), "without a ballot there is no key"
    receipts = {voter: await vote(store, keys, voter, 1 + place % 2) for place, voter in enumerate(VOTERS[:4])}
    again = await vote(store, keys, ANA, 3, once="another-form-of-that-page")
    assert again != receipts[ANA] and await count_of(store, ballot) == 4, "the later one takes the place of the earlier"
    (file,) = key_files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    held = await BallotBox(store, keys).published(POLL)
    assert held is None

    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$close"))
    assert (await row(store))["state"] == "counted"
    assert not key_files(tmp_path) and not await count_of(store, ballot)
    listed = await BallotBox(store, keys).published(POLL) or b""
    found, damaged = read_list(listed)
    expected = {again: (3,)} | {receipts[voter]: (1 + place % 2,) for place, voter in enumerate(VOTERS[:4]) if place}
    assert dict(found) == expected and damaged == 0 and [one.receipt for one in found] == sorted(expected)
    digest = hashlib.sha256(listed).hexdigest()
    *_, announced, result = bodies(homeserver)
    assert digest in announced and "When do we meet?" not in announced, "the hash comes first, alone"
    assert (
        digest in result and f"{PORTAL}/ballots/place" in result and "“Tuesday” has the most votes: 2 of 4." in result
    )
    for one in (announced, result):
        (content,) = [content for _, content in homeserver.sent.values() if content.get("body") == one]
        assert content["m.relates_to"] == {"m.in_reply_to": {"event_id": POLL}}, "which gives it the card's label (L2)"
    assert not images(homeserver) and not homeserver.files, "this room carries no files"
    everything = str(homeserver.sent)
    assert not any(receipt in everything for receipt in (*receipts.values(), again)), "codes stand on the portal alone"
    with pytest.raises(Closed):
        await vote(store, keys, FINN, 1)

    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$again"))
    assert sum(digest in body for body in bodies(homeserver)) == 2 and told(homeserver, "closed already")


async def test_a_form_that_is_sent_twice_gives_one_receipt(
    store: Store, homeserver: Homeserver, keys: KeyFiles
) -> None:
    await opened(store, homeserver, keys, Clock(NOON))
    first, second = await asyncio.gather(vote(store, keys, ANA, 2), vote(store, keys, ANA, 2))
    assert first == second and await count_of(store, ballot) == 1
    assert await vote(store, keys, BEN, 2) != first, "of one form of two voters there are two"


async def test_only_who_may_vote_at_the_end_is_counted_and_a_changed_ballot_shows(
    store: Store, homeserver: Homeserver, keys: KeyFiles
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock, "--quorum 2")
    sixth = f"@gus:{SERVER}"
    for voter in (*VOTERS, sixth):
        await vote(store, keys, voter, 2)
    key = keys.read(POLL)
    change = ballot.update().where(ballot.c.link == key.link(BEN)).values(sealed=os.urandom(41))
    await store.write(lambda connection: connection.execute(change))
    await store.write(lambda connection: connection.execute(ballot.delete().where(ballot.c.link == key.link(DINA))))
    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$close"))
    found, damaged = read_list(await BallotBox(store, keys).published(POLL) or b"")
    assert len(found) == 3 and damaged == 1, "Gus has left, Ben's was changed, Dina's taken away"
    result = bodies(homeserver)[-1]
    assert "1 ballot could not be opened" in result and "3 of 3" in result
    assert "All who voted chose the same" in result and UNANIMOUS in str(homeserver.polls[POLL])


async def test_with_fewer_than_five_at_the_end_there_is_no_result(
    store: Store, homeserver: Homeserver, keys: KeyFiles, tmp_path: Path
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock, "--voters opening")
    for voter in VOTERS:
        await vote(store, keys, voter, 1)
    joined = f"@gus:{SERVER}"
    homeserver.polls[POLL] = facts((*VOTERS[1:], joined))
    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$close"))
    assert "fewer than 5 may vote" in bodies(homeserver)[-1] and "Monday" not in bodies(homeserver)[-1]
    assert not key_files(tmp_path) and not await count_of(store, ballot) and not await count_of(store, ballot_list)


@pytest.mark.parametrize("way", ["cancel", "redact"])
async def test_what_is_cancelled_leaves_neither_key_nor_ballots(
    store: Store, homeserver: Homeserver, keys: KeyFiles, tmp_path: Path, way: str
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock, "--closes 2d")
    await vote(store, keys, ANA, 1)
    redaction = {**said("", "$gone"), "type": "m.room.redaction", "content": {"redacts": POLL}}
    if way == "cancel":
        done(homeserver, "poll_cancel")
    await arrives(store, homeserver, keys, clock, answering("!poll cancel", "$x") if way == "cancel" else redaction)
    assert not key_files(tmp_path) and not await count_of(store, ballot)
    assert (await row(store))["state"] == "cancelled" and await jobs(store) == {}
    with pytest.raises(Closed):
        await vote(store, keys, ANA, 1)


async def test_a_card_that_is_redacted_takes_hash_result_and_list_along(
    store: Store, homeserver: Homeserver, keys: KeyFiles
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock)
    await vote(store, keys, ANA, 1)
    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$close"))
    told_of = {f"$answer-{key}" for key, (room, one) in homeserver.sent.items() if "SHA-256" in str(one.get("body"))}
    redaction = {**said("", "$gone"), "type": "m.room.redaction", "content": {"redacts": POLL}}
    await arrives(store, homeserver, keys, clock, redaction)
    assert {target for kind, target in homeserver.done if kind == "redact"} == told_of and len(told_of) == 2
    assert not await count_of(store, ballot_list)


async def test_the_result_is_shown_where_the_room_carries_files_and_the_picture_goes_with_the_card(
    store: Store, homeserver: Homeserver, keys: KeyFiles, drawings: list[Any]
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock, "--quorum 2")
    receipts = [await vote(store, keys, voter, choice) for voter, choice in ((ANA, 1), (BEN, 1), (DINA, 2))]
    homeserver.polls[POLL] = facts() | {"carries_files": True}
    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$close"))
    (image,), (drawn,) = images(homeserver), drawings
    assert image["m.relates_to"] == {"m.in_reply_to": {"event_id": POLL}}, "which gives it the card's label (L2)"
    *_, result, shown = bodies(homeserver)
    assert shown == image["body"] and "“Monday” has the most votes: 2 of 3." in result
    chart = from_json(drawn)
    assert [(bar.name, bar.value, bar.said) for bar in chart.bars] == [
        ("Monday", 2, "2 (67 %)"),
        ("Tuesday", 1, "1 (33 %)"),
        ("Friday", 0, "0 (0 %)"),
    ]
    for text in (chart.told, *chart.notes):
        assert text in result and text in image["body"], "it tells nothing that the result does not"
    for row in ("Monday | 2 | 67 %", "Tuesday | 1 | 33 %", "Friday | 0 | 0 %"):
        assert row in result
    assert not any(receipt in str((image, drawn)) for receipt in receipts)

    redaction = {**said("", "$gone"), "type": "m.room.redaction", "content": {"redacts": POLL}}
    await arrives(store, homeserver, keys, clock, redaction)
    (key,) = [key for key, (_, one) in homeserver.sent.items() if one == image]
    assert ("redact", f"$answer-{key}") in homeserver.done, "its words stand in it (E1)"


async def test_turnout_is_told_in_quarters_at_moments_that_follow_from_no_ballot(
    store: Store, homeserver: Homeserver, keys: KeyFiles
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock)
    name = f"poll turnout {POLL}"
    before = (await jobs(store))[name]
    assert 1.5 * 3600 <= before - at(NOON) <= 4.5 * 3600 + 60
    for voter in VOTERS[:3]:
        await vote(store, keys, voter, 1)
    assert (await jobs(store))[name] == before and not told(homeserver, "At least")
    clock.now = before + 1
    async with grounded(store, homeserver, Anonymous(keys), now=clock, backoff=QUICK):
        await until(lambda: _later(store, name, before))
        await settled(store)
    assert bodies(homeserver)[-1] == "At least half of those who may vote have voted."


async def _later(store: Store, name: str, before: float) -> bool:
    return (await jobs(store)).get(name, before) > before


async def test_who_has_not_voted_is_reminded(store: Store, homeserver: Homeserver, keys: KeyFiles) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock, "--closes 4h")
    for voter in (ANA, BEN, FINN):
        await vote(store, keys, voter, 1)
    clock.now = at(NOON) + 3 * 3600 + 1
    async with grounded(store, homeserver, Anonymous(keys), now=clock, backoff=QUICK):
        await until(lambda: _reminded(homeserver, 2))
        await settled(store)
    assert sorted(told(homeserver, "You have not voted yet")) == [f"!din:{SERVER}", f"!eli:{SERVER}"]


async def _reminded(homeserver: Homeserver, count: int) -> bool:
    return len(told(homeserver, "You have not voted yet")) >= count


async def test_one_that_is_due_takes_no_vote_and_is_counted_on_return(
    store: Store, homeserver: Homeserver, keys: KeyFiles
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock, "--closes 1h")
    await vote(store, keys, ANA, 2)
    with pytest.raises(Closed):
        await vote(store, keys, BEN, 2, now=at(NOON) + 3601)
    clock.now = at("2026-06-08 08:00")
    async with grounded(store, homeserver, Anonymous(keys), now=clock, backoff=QUICK):
        await quiet(store, clock)
    assert "“Tuesday” has the most votes: 1 of 1." in bodies(homeserver)[-1]
    assert "It was due at 2026-06-03 13:00" in bodies(homeserver)[-1]


async def test_a_later_end_takes_votes_until_then(store: Store, homeserver: Homeserver, keys: KeyFiles) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock, "--closes 1h")
    done(homeserver, "poll_extend")
    await arrives(store, homeserver, keys, clock, answering("!poll extend Friday 17:00", "$later"))
    assert (await row(store))["closes"] == at("2026-06-05 16:00")
    assert await vote(store, keys, BEN, 2, now=at("2026-06-05 15:59"))


async def test_no_event_ends_it_and_a_forged_card_is_no_poll(
    store: Store, homeserver: Homeserver, keys: KeyFiles
) -> None:
    clock = Clock(NOON)
    prepared(homeserver)
    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$forged"))
    assert told(homeserver, "That is no poll") and not await row(store)
    await opened(store, homeserver, keys, clock)
    relates = {"rel_type": "m.reference", "event_id": POLL}
    ends = {**said("", "$end"), "type": "m.poll.end", "content": {"m.relates_to": relates, "m.poll.end": {}}}
    await arrives(store, homeserver, keys, clock, ends)
    assert (await row(store))["state"] == "open"


@pytest.mark.parametrize(
    ("options", "words", "has_keys"),
    [("--by organisation", "not counted by organisation", True), ("", "There is no portal here", False)],
)
async def test_what_cannot_be_is_said_at_once(
    store: Store, homeserver: Homeserver, keys: KeyFiles, options: str, words: str, has_keys: bool
) -> None:
    prepared(homeserver)
    command = said(f"!poll Q | A | B --anonymous {options}", "$asked")
    await arrives(store, homeserver, keys if has_keys else None, Clock(NOON), command)
    assert told(homeserver, words) and not [one for one in homeserver.done if one[0] == "acts"]
