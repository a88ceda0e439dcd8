"""Recertification over months, through summer time and times in which the bots were down; each is told once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
import sqlalchemy as sa

from belisha.acts.questions import QUESTION_KEY
from belisha.policy import recertification as policy
from belisha.policy.recertification import Round
from bots.kernel.store import Store
from bots.kernel.tables import job, question
from bots.steward import Steward
from tests.bots.support import SERVER, Homeserver, Json, grounded, settled
from tests.bots.test_desk import BEN, OWN, Room
from tests.bots.test_schedule import Clock, at
from tests.bots.test_sending import QUICK
from tests.support.patience import until

ANA_ROOM = f"!ana:{SERVER}"
DAY = 86_400


def date_of(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).date().isoformat()


class Module:
    """Goes on with one organisation as the module does, by the same policy and by the test's clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.confirmed = {"ana": self.today, "ben": self.today}
        self.rounds: list[Round] = []
        self.asked_on: list[str] = []

    @property
    def today(self) -> int:
        return int(self.clock.now // DAY)

    def tell(self) -> list[Json]:
        self.asked_on.append(datetime.fromtimestamp(self.clock.now, UTC).strftime("%m-%d %H:%M"))
        active = {
            name: day for name, day in self.confirmed.items() if not any(name in one.frozen for one in self.rounds)
        }
        current = self.rounds.pop() if self.rounds and self.rounds[-1].ended is None else None
        if (after := policy.advance(current, active, self.today)) is not None:
            self.rounds.append(after)
        return [self._told(one, active) for one in self.rounds if one.ended is None or one.ended >= self.today - 14]

    def _told(self, one: Round, active: dict[str, int]) -> Json:
        left = policy.unconfirmed(active, one.asked) if one.ended is None else ()
        return {
            "organisation": "harbour",
            "name": "Harbour",
            "asked": date_of(one.asked),
            "warned": None if one.warned is None else date_of(one.warned),
            "ended": None if one.ended is None else date_of(one.ended),
            "freezes": date_of(one.freezes),
            "count": len(active),
            "members": [_named(name) for name in active],
            "unconfirmed": [_named(name) for name in left],
            "frozen": [_named(name) for name in one.frozen],
            "answerers": [{"user_id": BEN, "service_room": OWN, "organisation": "harbour", "roles": ["lead"]}],
        }


def _named(name: str) -> Json:
    return {"member": f"@{name}", "name": name.title(), "service_room": {"ana": ANA_ROOM, "ben": OWN}[name]}


class Here:
    """The steward over its store, started and stopped as the days go."""

    def __init__(self, store: Store, homeserver: Homeserver, clock: Clock) -> None:
        self.store, self.homeserver, self.clock = store, homeserver, clock
        self.module = Module(clock)
        homeserver.rounds = self.module.tell
        Room(store, homeserver)

    async def until(self, moment: str, *events: Json) -> list[tuple[str, str]]:
        """Has the bots run at a moment, after nobody was there since the last; what they say: room and text."""
        self.clock.now, before = at(moment), len(self.homeserver.sent)
        async with grounded(self.store, self.homeserver, Steward(), backoff=QUICK, now=self.clock) as arrive:
            await arrive(*events)
            await until(self._is_done)
            await settled(self.store)
            await until(self._is_done)
            await settled(self.store)
        said = list(self.homeserver.sent.values())[before:]
        return [(room, str(content["body"])) for room, content in said if "body" in content]

    async def _is_done(self) -> bool:
        """Whether nothing is due but what is still to come."""
        async with self.store.reading() as connection:
            due = sa.select(job.c.number).where(job.c.state == "pending", job.c.due <= self.clock.now)
            return (await connection.execute(due)).first() is None


@pytest_asyncio.fixture
async def here(store: Store, homeserver: Homeserver) -> AsyncIterator[Here]:
    """A community that begins on the first of January."""
    there = Here(store, homeserver, Clock("2026-01-01 07:00"))
    assert await there.until("2026-01-01 07:00") == []
    yield there


async def test_a_year_of_a_lead_who_does_not_answer(here: Here) -> None:
    for day in ("2026-01-02", "2026-03-28", "2026-03-31"):
        assert await here.until(f"{day} 12:00") == []
    (asked,) = await here.until("2026-04-01 12:00")
    assert asked[0] == OWN and "Do the members of Harbour still belong to it? It has 2 members:" in asked[1]
    assert "• Ana (@ana)" in asked[1] and "!members confirm --organisation harbour" in asked[1]
    assert "on 2026-04-29" in asked[1]
    for day in ("2026-04-02", "2026-04-14"):
        assert await here.until(f"{day} 12:00") == [], "it is said once"
    said = await here.until("2026-04-15 12:00")
    # In a room one comes after the other; which room is the first, nothing says.
    said.sort(key=lambda one: "Nobody has confirmed 2 members" not in one[1])
    assert said[0][0] == OWN and sorted(room for room, _ in said[1:]) == sorted([ANA_ROOM, OWN])
    assert "Nobody has confirmed 2 members of Harbour so far." in said[0][1] and "2026-04-29" in said[0][1]
    assert all("your account is frozen on 2026-04-29" in text for _, text in said[1:])
    assert await here.until("2026-04-28 12:00") == []
    (told,) = await here.until("2026-04-29 12:00")
    assert told[0] == OWN and "I have had them frozen:" in told[1] and "• Ana (@ana)" in told[1]
    for day in ("2026-04-30", "2026-05-12", "2026-08-01", "2026-12-31"):
        assert await here.until(f"{day} 12:00") == [], "and then there is nobody to ask about"


async def test_a_lead_who_answers_is_asked_again_after_ninety_days(here: Here) -> None:
    (asked,) = await here.until("2026-04-01 12:00")
    question_ = next(content for _, content in here.homeserver.sent.values() if QUESTION_KEY in content)
    assert question_[QUESTION_KEY] == {"text": "!members confirm --organisation harbour"} and asked[0] == OWN
    effect = next(key for key, (_, content) in here.homeserver.sent.items() if content is question_)
    reactions = [
        content["m.relates_to"]["key"] for _, content in here.homeserver.sent.values() if "body" not in content
    ]
    assert reactions[:2] == ["✅", "❌"]

    done = {"outcome": "done", "act": "members_confirm", "organisation": "harbour", "count": 2, "until": "2026-07-09",
            "names": {"organisation": "Harbour"}}  # fmt: skip
    here.homeserver.acts = [(200, done)]
    relation = {"rel_type": "m.annotation", "event_id": f"$answer-{effect}", "key": "✅"}
    tap = {"event_id": "$tap", "room_id": OWN, "type": "m.reaction", "sender": BEN, "origin_server_ts": 1,
           "content": {"m.relates_to": relation}}  # fmt: skip
    here.clock.now = at("2026-04-10 12:00")
    here.module.confirmed = dict.fromkeys(here.module.confirmed, here.module.today)
    told = await here.until("2026-04-10 12:00", tap)
    assert told == [(OWN, "Done: 2 members of Harbour (harbour) confirmed. I will ask again after 2026-07-09.")]
    (act,) = [content for _, content in here.homeserver.sent.values() if "act" in content]
    assert (act["act"], act["event_id"], act["arguments"]) == (
        "members_confirm", "$tap", {"organisation": "harbour"},
    )  # fmt: skip
    for day in ("2026-04-15", "2026-04-29", "2026-07-08"):
        assert await here.until(f"{day} 12:00") == []
    (again,) = await here.until("2026-07-09 12:00")
    assert "Do the members of Harbour still belong to it?" in again[1]


async def test_a_word_long_after_is_no_answer_to_it(here: Here) -> None:
    await here.until("2026-04-01 12:00")
    says: Json = {"event_id": "$yes", "room_id": OWN, "type": "m.room.message", "sender": BEN, "origin_server_ts": 1,
                  "content": {"msgtype": "m.text", "body": "yes"}}  # fmt: skip
    assert await here.until("2026-04-03 12:00", says) == []
    assert not [content for _, content in here.homeserver.sent.values() if "act" in content]
    async with here.store.reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(question)) == 1, "it still waits"


@pytest.mark.parametrize("back", ["2026-04-20", "2026-06-30"])
async def test_who_was_down_warns_first_and_freezes_two_weeks_later(here: Here, back: str) -> None:
    await here.until("2026-04-01 12:00")
    said = await here.until(f"{back} 12:00")
    assert len(said) == 3 and here.module.rounds[-1].frozen == ()
    warned = at(f"{back} 12:00")
    freezes = date_of(int(warned // DAY) + policy.WARNED)
    assert all(freezes in text for _, text in said)
    (told,) = await here.until(f"{freezes} 12:00")
    assert "I have had them frozen" in told[1]


async def test_down_from_before_the_question_everybody_has_all_their_time(here: Here) -> None:
    (asked,) = await here.until("2026-11-30 12:00")
    assert "still belong to it" in asked[1] and date_of(here.module.today + 28) in asked[1]


async def test_it_comes_at_nine_by_the_clock_on_the_wall(here: Here) -> None:
    for moment in ("2026-03-28 08:59", "2026-03-28 09:00", "2026-03-29 07:59", "2026-03-29 08:00"):
        await here.until(moment)
    # The first made up for the days since January.
    assert here.module.asked_on == ["03-28 08:59", "03-28 09:00", "03-29 08:00"]
    for moment in ("2026-10-24 08:00", "2026-10-25 08:00", "2026-10-25 09:00"):
        await here.until(moment)
    assert here.module.asked_on[3:] == ["10-24 08:00", "10-25 09:00"]


async def test_what_was_told_before_a_crash_is_not_told_again(here: Here) -> None:
    """The module is asked again: its answer was lost before it was written down what follows."""
    first = await here.until("2026-04-01 12:00")
    async with here.store.writing() as connection:
        row = {"bot": "steward", "name": policy.FROZEN_BY, "due": at("2026-04-01 13:00"), "arguments": "{}"}
        await connection.execute(job.insert().values(row | {"state": "pending", "attempts": 0, "not_before": 0}))
    assert len(first) == 1 and await here.until("2026-04-01 14:00") == []
    assert len(here.module.asked_on) == 2


def test_names_of_the_job_and_of_who_froze_are_one_word() -> None:
    assert set(Steward.rules) == {policy.FROZEN_BY, "waiting"}


async def test_who_will_be_asked_is_told_before_once(here: Here) -> None:
    who = {"user_id": BEN, "service_room": OWN, "organisation": "harbour", "roles": ["lead"]}
    here.homeserver.begins = [
        {"organisation": "harbour", "name": "Harbour Trust", "begun": "2026-01-02", "first": "2026-01-20", "days": 90,
         "answerers": [who]}
    ]  # fmt: skip
    (told,) = await here.until("2026-01-02 12:00")
    assert told[0] == OWN and "every 90 days whether the members of Harbour Trust still belong to it" in told[1]
    assert "for the first time on 2026-01-20" in told[1] and "!members confirm --organisation harbour" in told[1]
    assert await here.until("2026-01-03 12:00") == [], "it is said once"
