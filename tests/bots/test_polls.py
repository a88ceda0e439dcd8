"""Polls as the bot sees them: closed on time and once, counted once, adopted, extended, cancelled; late voters told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.polls.wire import END, RESPONSE, START, end_content, start_content
from bots.kernel.effects import OUTCOME
from bots.kernel.lanes import Backoff
from bots.kernel.rules import Rule
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.polls import Polls
from bots.polls.tables import poll
from bots.steward import Steward
from tests.bots.support import SERVER, Homeserver, Json, grounded, message, settled
from tests.bots.test_schedule import Clock, at
from tests.support.patience import until

GROUP, POLL = f"!tides:{SERVER}", "$poll"
ANA, BEN, FINN = (f"@{name}:{SERVER}" for name in ("ana", "ben", "finn"))
QUICK = Backoff(first=0.02, longest=0.1, attempts=3)
NOON = "2026-06-03 11:00"  # noon in London, a Wednesday


class Counting(Steward):
    """The steward with polls, without what it does by the day: the clock jumps here."""

    rules: Mapping[str, Rule] = {}

    def __init__(self) -> None:
        super().__init__(parts=[Polls(ZoneInfo("Europe/London"))])


def prepared(homeserver: Homeserver) -> None:
    homeserver.policies[GROUP] = {"kind": "closed", "default": "TLP:AMBER", "ceiling": "TLP:AMBER"}
    for user in (ANA, BEN, FINN):
        own = f"!{user[1:4]}:{SERVER}"
        asker = {"belongs": True, "organisation": "harbour", "roles": ["member"], "power": 0, "service_room": own}
        homeserver.askers[user] = asker
    homeserver.polls[POLL] = facts()


def done(homeserver: Homeserver, act: str = "poll_open", moment: str = NOON) -> None:
    ended = {
        "outcome": "done",
        "act": act,
        "room_id": GROUP,
        "event_id": POLL,
        "maker": ANA,
        "at": int(at(moment) * 1000),
    }
    homeserver.acts.append((200, ended))


def facts(*votes: tuple[str, str | None, str], ends: tuple[str, ...] = (), most: int = 1, **more: Any) -> Json:
    """What the module tells of a poll; votes with their answers and times."""
    content = start_content("When do we meet?", ["Monday", "Tuesday"], most)
    base = {"event_id": POLL, "type": START[0], "sender": ANA, "origin_server_ts": int(at(NOON) * 1000)}
    responses = [vote(user, answers, moment) for user, answers, moment in votes]
    of = {ANA: "harbour", BEN: "harbour", FINN: "police"}
    return {
        "room_id": GROUP,
        "poll": base | {"content": content},
        "label": "TLP:AMBER",
        "responses": responses,
        "ends": [int(at(one) * 1000) for one in ends],
        "voters": {"opening": {ANA: "harbour"}, "closing": of},
        "organisations": {"harbour": "Harbour Office", "police": "Police"},
        "service_rooms": {user: f"!{user[1:4]}:{SERVER}" for user in of},
        **more,
    }


def vote(user: str, answers: str | None, moment: str, event_id: str = "$vote", kind: str = RESPONSE[0]) -> Json:
    content = {"m.relates_to": {"rel_type": "m.reference", "event_id": POLL}, kind: {"answers": list(answers or "")}}
    return {
        "event_id": event_id,
        "room_id": GROUP,
        "type": kind,
        "sender": user,
        "origin_server_ts": int(at(moment) * 1000),
        "content": content,
    }


def said(body: str, event_id: str, sender: str = ANA, **content: Any) -> Json:
    return message(event_id, body, room=GROUP, sender=sender, **content)


def answering(body: str, event_id: str, sender: str = ANA) -> Json:
    return said(body, event_id, sender, **{"m.relates_to": {"m.in_reply_to": {"event_id": POLL}}})


def results(homeserver: Homeserver) -> list[Json]:
    return [one for _room, one in homeserver.sent.values() if "The poll is closed: " in str(one.get("body"))]


def ends(homeserver: Homeserver) -> list[Json]:
    return [one for room, one in homeserver.sent.values() if END[0] in one and room == GROUP]


def told(homeserver: Homeserver, words: str) -> list[str]:
    return [room for room, one in homeserver.sent.values() if words in str(one.get("body"))]


async def jobs(store: Store) -> dict[str, float]:
    async with store.reading() as connection:
        rows = await connection.execute(sa.select(job.c.name, job.c.due).where(job.c.state == "pending"))
        return {row.name: row.due for row in rows if not row.name.startswith(OUTCOME)}


async def quiet(store: Store, clock: Clock) -> None:
    """Lets time pass until nothing is left to be done by now."""
    later = clock.now + 3600

    async def nothing_is_due() -> bool:
        clock.now = min(later, clock.now + 1)
        async with store.reading() as connection:
            left = await connection.scalar(sa.select(sa.func.count()).where(job.c.due <= later))
        return not left

    await until(nothing_is_due)
    await settled(store, clock.tick)


async def opened(store: Store, homeserver: Homeserver, clock: Clock, options: str = "") -> None:
    prepared(homeserver)
    done(homeserver)
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK) as arrive:
        await arrive(said(f'!poll "When do we meet?" | Monday | Tuesday {options}', "$asked"))
        await until(lambda: was_told(homeserver, "The poll is open"))
        await settled(store)


async def was_told(homeserver: Homeserver, words: str) -> bool:
    return bool(told(homeserver, words))


async def test_a_poll_is_told_of_and_its_deadline_remembered(store: Store, homeserver: Homeserver) -> None:
    await opened(store, homeserver, Clock(NOON), '--closes "Friday 17:00" --by organisation --quorum 2')
    reminder = at("2026-06-05 16:00") - (2 * 86_400 + 5 * 3600) / 4
    assert await jobs(store) == {f"poll due {POLL}": at("2026-06-05 16:00"), f"poll remind {POLL}": reminder}
    (answer,) = [one for _, one in homeserver.sent.values() if "The poll is open" in str(one.get("body"))]
    assert "2026-06-05 17:00 (Europe/London)" in answer["body"]
    assert "one vote for each organisation" in answer["body"] and "2 have voted" in answer["body"]
    (act,) = [one for _, one in homeserver.sent.values() if one.get("act") == "poll_open"]
    assert act["arguments"]["poll"] == ["When do we meet?", "Monday", "Tuesday"]
    async with store.reading() as connection:
        kept = (await connection.execute(sa.select(poll))).mappings().one()
    assert "meet" not in str(dict(kept)) and "Monday" not in str(dict(kept)), "what it asks is kept nowhere"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('--closes "today 9:00"', "is over"),
        ("--closes 0m", "is over"),
        ("--closes soon", "in one of these ways: Friday 17:00"),
        ('--closes "2028-01-01 10:00"', "within a year"),
        ("--multi 21", "from 1 to 20"),
    ],
)
async def test_what_cannot_be_is_told_and_begins_nothing(
    store: Store, homeserver: Homeserver, options: str, words: str
) -> None:
    prepared(homeserver)
    async with grounded(store, homeserver, Counting(), now=Clock(NOON), backoff=QUICK) as arrive:
        await arrive(said(f"!poll When? | Monday | Tuesday {options}", "$asked"))
        await until(lambda: was_told(homeserver, words))
        await settled(store)
    assert not [one for one in homeserver.done if one[0] == "acts"]
    assert await jobs(store) == {}


async def test_it_closes_once_on_time_and_counts_what_came_until_then(store: Store, homeserver: Homeserver) -> None:
    """Nobody was there at the due time; a vote came meanwhile."""
    clock = Clock(NOON)
    await opened(store, homeserver, clock, '--closes "Friday 17:00" --by organisation')
    homeserver.polls[POLL] = facts(
        (ANA, "1", "2026-06-04 10:00"),
        (BEN, "2", "2026-06-04 10:00"),
        (FINN, "1", "2026-06-05 16:00"),
        (BEN, "1", "2026-06-05 16:01"),
    )
    clock.now = at("2026-06-08 08:00")
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await until(lambda: _sent(ends(homeserver)))
        assert not results(homeserver), "it is counted when its end is stored"
        homeserver.polls[POLL]["ends"] = [int(at("2026-06-08 08:00") * 1000)]
        await quiet(store, clock)
    for _ in range(2):  # nothing is left to be done again
        async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
            await quiet(store, clock)
    (end,), (result,) = ends(homeserver), results(homeserver)
    assert end["m.relates_to"] == {"rel_type": "m.reference", "event_id": POLL}
    assert result["m.relates_to"] == {"m.in_reply_to": {"event_id": POLL}}, "which gives it the poll's label (L2)"
    assert "“Monday” has the most votes: 2 of 3." in result["body"]
    assert "Monday | 2 | 67 % | 1" in result["body"] and "<td>Monday</td><td>2</td>" in result["formatted_body"]
    assert "Harbour Office (2 votes): split" in result["body"] and "Police (1 vote): Monday" in result["body"]
    assert "It was due at 2026-06-05 17:00 (Europe/London)" in result["body"]
    assert "1 vote came too late." in result["body"]


async def _sent(found: list[Json]) -> bool:
    return bool(found)


async def closed(store: Store, homeserver: Homeserver, clock: Clock, *events: Json) -> None:
    """Lets events arrive, and all that follows from them now; a start looks for jobs at once."""

    async def nothing_waits() -> bool:
        clock.now += 1
        async with store.reading() as connection:
            names = [row.name for row in await connection.execute(sa.select(job.c.name))]
        return not any(name.startswith(("poll count", "poll late")) for name in names)

    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK) as arrive:
        await arrive(*events)
        await settled(store, clock.tick)
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await settled(store, clock.tick)
        await until(lambda: _no_outcome(store))
        await until(nothing_waits)
        await settled(store, clock.tick)


async def _no_outcome(store: Store) -> bool:
    async with store.reading() as connection:
        return not [row for row in await connection.execute(sa.select(job.c.name)) if row.name.startswith(OUTCOME)]


async def test_a_poll_begun_in_a_client_is_adopted_by_closing_it(store: Store, homeserver: Homeserver) -> None:
    prepared(homeserver)
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts((ANA, "2", NOON), (FINN, None, NOON), (f"@gone:{SERVER}", "1", NOON), ends=(NOON,))
    await closed(store, homeserver, Clock(NOON), answering("!poll close", "$asked"))
    (end,), (result,) = ends(homeserver), results(homeserver)
    assert end and "“Tuesday” has the most votes: 1 of 1." in result["body"]
    assert "1 vote was taken back or spoiled." in result["body"]
    assert "1 vote is of somebody who is not among the voters" in result["body"]
    done(homeserver, "poll_close")
    await closed(store, homeserver, Clock(NOON), answering("!poll close", "$again"))
    assert told(homeserver, "closed already") and (len(ends(homeserver)), len(results(homeserver))) == (1, 1)


@pytest.mark.parametrize("may", [True, False])
async def test_an_end_from_a_client_counts_if_its_sender_may(store: Store, homeserver: Homeserver, may: bool) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 2d")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), ends=(NOON,) if may else ())
    end = {**vote(BEN, "1", NOON, "$end"), "type": END[1], "content": end_content(POLL, "over")}
    await closed(store, homeserver, clock, end, {**end, "event_id": "$end2"})
    assert len(results(homeserver)) == may and not ends(homeserver)
    assert (f"poll due {POLL}" in await jobs(store)) is not may


async def test_a_quorum_that_is_missed_is_said(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--quorum 2 --voters opening")
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), (FINN, "1", NOON), ends=(NOON,))
    await closed(store, homeserver, clock, answering("!poll close", "$close"))
    (result,) = results(homeserver)
    assert "It does not count: 1 of the 2 who are needed have voted." in result["body"]


async def test_it_is_extended_and_not_opened_again(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 1h")
    done(homeserver, "poll_extend")
    await closed(store, homeserver, clock, answering("!poll extend Friday 17:00", "$later"))
    assert (await jobs(store))[f"poll due {POLL}"] == at("2026-06-05 16:00")
    assert told(homeserver, "Done: the poll closes at 2026-06-05 17:00")
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts(ends=(NOON,))
    await closed(store, homeserver, clock, answering("!poll close", "$close"))
    assert "Nobody has voted." in results(homeserver)[0]["body"]
    assert await jobs(store) == {}
    done(homeserver, "poll_extend")
    await closed(store, homeserver, clock, answering("!poll extend 2d", "$again"))
    assert told(homeserver, "is not opened again") and await jobs(store) == {}


async def test_a_cancelled_poll_is_taken_back_and_has_no_result(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 1h")
    done(homeserver, "poll_cancel")
    await closed(store, homeserver, clock, answering("!poll cancel", "$cancel"))
    assert ("redact", POLL) in homeserver.done and await jobs(store) == {}
    clock.now = at("2026-06-08 08:00")
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await quiet(store, clock)
    assert not results(homeserver) and not ends(homeserver)


async def test_of_a_poll_that_was_taken_back_there_is_no_result(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 1h")
    del homeserver.polls[POLL]
    clock.now = at("2026-06-08 08:00")
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await quiet(store, clock)
    assert not results(homeserver)


async def test_a_poll_that_is_redacted_takes_its_result_along(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 1h")
    done(homeserver, "poll_close")
    homeserver.polls[POLL] = facts((ANA, "1", NOON), ends=(NOON,))
    await closed(store, homeserver, clock, answering("!poll close", "$close"))
    redaction = {**vote(ANA, "1", NOON, "$gone"), "type": "m.room.redaction", "content": {"redacts": POLL}}
    elsewhere = {**redaction, "event_id": "$elsewhere", "room_id": f"!other:{SERVER}"}
    another = {**redaction, "event_id": "$another", "content": {"redacts": "$another"}}
    await closed(store, homeserver, clock, elsewhere, another)
    assert not [one for one in homeserver.done if one[0] == "redact"]
    await closed(store, homeserver, clock, redaction)
    (result,) = [key for key, (_room, one) in homeserver.sent.items() if one in results(homeserver)]
    assert [one for one in homeserver.done if one[0] == "redact"] == [("redact", f"$answer-{result}")]


async def test_who_votes_too_late_is_told_alone_and_once(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 1h")
    late = ("2026-06-03 12:30", "2026-06-03 12:40")
    in_time = vote(ANA, "1", "2026-06-03 11:30", "$v1")
    votes = [vote(BEN, "1", moment, f"$v{place}", RESPONSE[place % 2]) for place, moment in enumerate(late, start=2)]
    homeserver.polls[POLL] = facts(
        (ANA, "1", "2026-06-03 11:30"), *((BEN, "1", one) for one in late), ends=("2026-06-03 12:00",)
    )
    clock.now = at("2026-06-03 12:45")
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK) as arrive:
        await quiet(store, clock)
        await arrive(in_time, *votes)
        await settled(store)
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await quiet(store, clock)
    assert told(homeserver, "Your vote came after the end") == [f"!ben:{SERVER}"]
    assert "Tuesday" not in str([one for room, one in homeserver.sent.values() if room == f"!ben:{SERVER}"])


async def test_whom_the_module_refuses_is_told(store: Store, homeserver: Homeserver) -> None:
    prepared(homeserver)
    homeserver.acts = [(403, {"errcode": "ORG.BELISHA.NOT_YOURS", "error": "Please ask a maintainer."})]
    await closed(store, homeserver, Clock(NOON), answering("!poll close", "$close", BEN))
    assert told(homeserver, "Please ask a maintainer.") and not ends(homeserver)
