"""Jobs come at their time by the clock on the wall, once, also after a time in which nobody was there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bots.kernel.bot import Context, Job, Needs
from bots.kernel.effects import Effect, Schedule, Send, Unschedule
from bots.kernel.events import Event
from bots.kernel.lanes import Backoff
from bots.kernel.rules import Rule, next_due
from bots.kernel.store import Store
from bots.kernel.tables import job
from tests.bots.support import ROOM, Homeserver, grounded, message, settled
from tests.support.patience import until

LONDON = ZoneInfo("Europe/London")
QUICK = Backoff(first=0.02, longest=0.1, attempts=3)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def times(rule: Rule, after: str, count: int) -> list[str]:
    found, now = [], at(after)
    for _ in range(count):
        now = next_due(rule, now, LONDON)
        found.append(datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        # On 29 March 2026 London's clocks go from 1:00 to 2:00, on 25 October from 2:00 back to 1:00.
        (Rule(time(1, 30)), "2026-03-28 00:00", ["2026-03-28 01:30", "2026-03-29 01:30", "2026-03-30 00:30"]),
        (Rule(time(1, 30)), "2026-10-24 00:00", ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]),
        (Rule(time(9)), "2026-03-28 08:59", ["2026-03-28 09:00", "2026-03-29 08:00"]),
        (Rule(time(9)), "2026-03-28 09:00", ["2026-03-29 08:00"]),
        (Rule(time(23, 59)), "2026-07-01 22:59", ["2026-07-02 22:59"]),
        (Rule(time(9), weekdays=frozenset({0})), "2026-06-01 09:00", ["2026-06-08 08:00", "2026-06-15 08:00"]),
        (Rule(time(9), day=31), "2026-01-31 10:00", ["2026-02-28 09:00", "2026-03-31 08:00", "2026-04-30 08:00"]),
        (Rule(time(9), day=29), "2027-12-29 10:00", ["2028-01-29 09:00", "2028-02-29 09:00", "2028-03-29 08:00"]),
    ],
)
def test_rules_follow_the_clock_on_the_wall(rule: Rule, after: str, expected: list[str]) -> None:
    assert times(rule, after, len(expected)) == expected


def test_every_day_has_its_time_once_over_years() -> None:
    for hour, minute in ((0, 30), (1, 0), (1, 30), (2, 30)):
        now, days = at("2024-01-01 00:00"), set()
        for _ in range(1500):
            now = next_due(Rule(time(hour, minute)), now, LONDON)
            day = datetime.fromtimestamp(now, LONDON).date()
            assert day not in days
            days.add(day)
        assert (max(days) - min(days)).days == 1499


class Alarm:
    """A bot that is called at nine each day, and when it asks to be."""

    name = "steward"

    def __init__(self, *, raises: int = 0) -> None:
        self.ran: list[tuple[str, float]] = []
        self.raises = raises
        self.rules = {"daily": Rule(time(9))}

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs()

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        body = event.text("body")
        if body == "never mind":
            return [Unschedule("reminder")]
        return [Schedule("reminder", context.now + float(body or 0), {"of": event.event_id})]

    def run(self, job: Job, context: Context) -> Sequence[Effect]:
        self.ran.append((job.name, job.due))
        if self.raises:
            self.raises -= 1
            raise ValueError("words of a member")
        return [Send({"body": job.name, "due": job.due, **job.arguments}, room=ROOM)]


class Clock:
    def __init__(self, now: str) -> None:
        self.now = at(now)

    def __call__(self) -> float:
        return self.now

    def tick(self) -> None:
        self.now += 0.1


async def ran(store: Store, bot: Alarm, count: int) -> None:
    async def often_enough() -> bool:
        return len(bot.ran) >= count

    await until(often_enough)
    await store.write(lambda _connection: None)  # writers take turns: what the last one brought is in the outbox


async def test_what_fell_due_while_the_bots_were_down_is_done_once(store: Store, homeserver: Homeserver) -> None:
    clock, bot = Clock("2026-06-01 07:00"), Alarm()
    async with grounded(store, homeserver, bot, now=clock):
        pass
    clock.now = at("2026-06-04 12:00")  # nine o'clock has passed four times
    async with grounded(store, homeserver, bot, now=clock):
        await ran(store, bot, 1)
        await settled(store)
    assert bot.ran == [("daily", at("2026-06-01 08:00"))]
    assert [content["body"] for _, content in homeserver.sent.values()] == ["daily"]
    async with store.reading() as connection:
        assert list(await connection.scalars(sa.select(job.c.due))) == [at("2026-06-05 08:00")]


async def test_reminders_come_change_and_go(store: Store, homeserver: Homeserver) -> None:
    clock, bot = Clock("2026-06-01 10:00"), Alarm()
    async with grounded(store, homeserver, bot, now=clock) as arrive:
        await arrive(message("$1", "3600"), message("$2", "60"), message("$3", "7200"))
        await settled(store)
    clock.now += 7201
    async with grounded(store, homeserver, bot, now=clock):
        await ran(store, bot, 1)
        await settled(store)
    assert [content["of"] for _, content in homeserver.sent.values()] == ["$3"], "the last one counts"
    async with grounded(store, homeserver, bot, now=clock) as arrive:
        await arrive(message("$4", "60"), message("$5", "never mind"))
        await settled(store)
    async with store.reading() as connection:
        assert list(await connection.scalars(sa.select(job.c.name))) == ["daily"]


async def test_a_job_that_an_event_brings_is_done_at_once(
    store: Store, homeserver: Homeserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_IDLE_ALONE", "_IDLE_AMONG_REPLICAS"):
        monkeypatch.setattr(f"bots.kernel.ground.{name}", 3600.0)
    bot = Alarm()
    async with grounded(store, homeserver, bot, now=Clock("2026-06-01 10:00")) as arrive:
        await arrive(message("$1", "3600"))
        await settled(store)
        await arrive(message("$2", "0"))
        await ran(store, bot, 1)
        await settled(store)


@pytest.mark.parametrize(("raises", "left"), [(2, ["pending"]), (3, ["failed", "pending"])])
async def test_a_job_that_raises_is_tried_again_and_parked_and_comes_again_all_the_same(
    store: Store, homeserver: Homeserver, raises: int, left: list[str]
) -> None:
    clock, bot = Clock("2026-06-01 07:00"), Alarm(raises=raises)
    async with grounded(store, homeserver, bot, now=clock):
        pass
    clock.now = at("2026-06-01 09:00")
    async with grounded(store, homeserver, bot, now=clock, backoff=Backoff(first=0, longest=0, attempts=3)):
        await ran(store, bot, 3)

        async def as_expected() -> bool:
            async with store.reading() as connection:
                return list(await connection.scalars(sa.select(job.c.state).order_by(job.c.number))) == left

        await until(as_expected)
        await settled(store)
    assert len(homeserver.sent) == (0 if raises == 3 else 1)


async def test_a_rule_that_is_no_more_has_no_job(store: Store, homeserver: Homeserver) -> None:
    bot = Alarm()
    async with grounded(store, homeserver, bot):
        pass
    bot.rules = {}
    async with grounded(store, homeserver, bot):
        pass
    async with store.reading() as connection:
        assert list(await connection.scalars(sa.select(job.c.name))) == []
