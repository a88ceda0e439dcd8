"""The pulse by the bots alone: asked, reminded of and counted once; and nothing tells who answered what."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from belisha.metrics.days import day_of
from belisha.metrics.facts import Fact, Pseudonyms
from belisha.metrics.pulse import Given, quarter_of
from belisha.policy.people import Person
from bots.directory.tables import directory_member
from bots.kernel.answers import plain
from bots.kernel.bot import Asker, Context, Job, Policy
from bots.kernel.calls import Call
from bots.kernel.effects import Effect, Schedule, Send
from bots.kernel.rules import next_due
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.metrics import pulse_box, rolling
from bots.metrics.book import FactBook, row_of
from bots.metrics.publishing import publish, read
from bots.metrics.pulse import ASK, COUNT, DAILY, REMIND, Pulses
from bots.metrics.pulse_box import PulseBox, ballot_id
from bots.metrics.tables import fact, member, no_pulse, pulse, shown
from bots.polls.ballot_box import Closed
from bots.polls.key_files import KeyFiles, LostKey
from bots.polls.tables import ballot
from tests.bots.support import SERVER, BotsProcess, Homeserver, write_config
from tests.bots.test_schedule import at
from tests.support.patience import until
from tests.support.server import free_ports

LONDON = ZoneInfo("Europe/London")
NAMES = [f"m{number:02}" for number in range(14)]
USERS = [f"@{name}:{SERVER}" for name in NAMES]
FORM = "a-form-that-is-sent-once"
Pending = dict[str, tuple[float, Mapping[str, Any]]]


class World:
    """A community whose clock is moved on, and everything the steward says in it."""

    def __init__(self, store: Store, keys: KeyFiles, now: float) -> None:
        self.store, self.keys, self.now = store, keys, now
        self.book = FactBook(Pseudonyms(b"k" * 32), LONDON)
        self.part = Pulses(self.book, keys, "https://portal.example")
        self.box = PulseBox(store, keys, lambda: self.now)
        self.pending: Pending = {}
        self.said: dict[str, Mapping[str, Any]] = {}
        self.rooms: list[str] = []

    async def run(self, name: str, **arguments: Any) -> None:
        """Does a job, and keeps what it asks for, as the kernel does."""

        def work(connection: sa.Connection) -> Sequence[Effect]:
            context = Context(f"@belisha_steward:{SERVER}", now=self.now, connection=connection)
            return list(self.part.run(Job(name, self.now, arguments), context) or ())

        for effect in await self.store.write(work):
            if isinstance(effect, Schedule):
                self.pending[effect.name] = (effect.at, effect.arguments)
            else:
                assert isinstance(effect, Send) and effect.once and effect.room
                if effect.once not in self.said:
                    self.said[effect.once] = effect.content
                    self.rooms.append(effect.room)

    async def until(self, moment: str) -> None:
        """Lets time go by, with the bots up."""
        end, rule = at(moment), self.part.rules[DAILY]
        while True:
            daily = next_due(rule, self.now, LONDON)
            due = sorted((when, name) for name, (when, _) in self.pending.items())
            if due and due[0][0] <= min(daily, end):
                self.now, name = max(self.now, due[0][0]), due[0][1]
                await self.run(name, **self.pending.pop(name)[1])
            elif daily <= end:
                self.now = daily
                await self.run(DAILY)
            else:
                self.now = end
                return

    def told(self, what: str) -> list[str]:
        return [once for once in self.said if once.startswith(what)]

    async def answer(self, user: str, given: Given) -> None:
        one = await self.box.present()
        assert one is not None
        await self.box.answer(one, user, FORM, given)

    async def numbers(self) -> dict[str, int | None]:
        release = await self.store.read(read)
        return {name.part: one.members for name, one in release.items() if name.measure == "pulse"}


async def list_members(store: Store) -> None:
    names = {"name": "M", "organisation_name": "x", "category": "charity", "standing": "active"}
    rows = [
        {**names, "user_id": user, "organisation": "abc"[n % 3], "service_room": f"!{user[1:]}"}
        for n, user in enumerate(USERS)
    ]
    await store.write(lambda one: one.execute(directory_member.insert(), rows))


@pytest.fixture
async def world(store: Store, tmp_path: Path) -> World:
    await list_members(store)
    return World(store, KeyFiles(tmp_path / "ballot-keys"), at("2026-03-01 12:00"))


async def seen(world: World, *days: date) -> None:
    """Members were active on these days, as the metrics know them."""

    def work(connection: sa.Connection) -> None:
        rows = []
        for n, user in enumerate(USERS, 1):
            connection.execute(member.insert().values(pseudonym=world.book._pseudonyms.member(user), number=n))
            rows += [row_of(Fact(f"{n}{day}", 0, day, n, "read", organisation="abc"[(n - 1) % 3])) for day in days]
        connection.execute(fact.insert(), rows)
        rolling.roll_up(connection, world.now, LONDON)

    await world.store.write(work)


# --- Asking --------------------------------------------------------------------------------------------------------


async def test_it_is_asked_once_a_quarter_on_a_working_day_in_summer_and_in_winter(world: World) -> None:
    await world.until("2027-03-01 00:00")
    quarters = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01"]
    assert len(world.told(ASK)) == len(quarters) * len(USERS)
    assert {once.split()[2] for once in world.told(ASK)} == set(quarters)
    closes = await world.store.read(lambda one: list(one.scalars(sa.select(pulse.c.closes).order_by(pulse.c.quarter))))
    assert closes[1:] == [  # the first of May, the third of August, of November, and the first of February
        at("2026-05-28 23:00"),
        at("2026-08-30 23:00"),
        at("2026-11-30 00:00"),
        at("2027-03-01 00:00"),
    ]
    content = world.said[f"{ASK}2026-04-01 {USERS[0]}"]
    assert "https://portal.example/pulse" in content["formatted_body"] and "until 2026-05-28" in content["body"]
    assert "!pulse off" in content["body"] and set(world.rooms) == {f"!{user[1:]}" for user in USERS}


async def test_after_a_long_time_of_being_down_it_is_asked_once_or_not_at_all(world: World) -> None:
    world.now = at("2026-06-19 00:00")
    await world.until("2026-06-19 10:00")
    assert len(world.told(ASK)) == len(USERS)
    await world.run(DAILY)
    (name,) = [one for one in world.pending if one.startswith(COUNT)]
    assert world.pending[name][0] == at("2026-07-04 23:00"), "it ends with its quarter"
    world.now = at("2026-09-25 00:00")
    await world.until("2026-10-01 00:00")
    assert len(world.told(ASK)) == len(USERS), "five days are too few to answer in"


async def test_who_does_not_want_to_be_asked_is_not_and_who_has_answered_is_not_reminded(world: World) -> None:
    entry = world.part.entries[0]

    async def choose(choice: str, user: str) -> str:
        def work(connection: sa.Connection) -> str:
            asked = type("Asked", (), {"arguments": {"choice": choice}})()
            call = Call(asked, "", Asker(Person(user, "a")), "!own", Policy("service"), "!own")
            assert entry.answer is not None
            return plain(entry.answer(call, Context("@b", now=0, connection=connection)).blocks)

        return await world.store.write(work)

    assert "I do not ask you" in await choose("off", USERS[0]) and "I do not ask" in await choose("off", USERS[1])
    assert "once a quarter I ask you" in await choose("on", USERS[1])
    frozen = sa.update(directory_member).where(directory_member.c.user_id == USERS[2]).values(standing="frozen")
    await world.store.write(lambda one: one.execute(frozen))
    await world.until("2026-05-01 12:00")
    asked = {once.split()[-1] for once in world.told(f"{ASK}2026-04-01")}
    assert asked == {USERS[1], *USERS[3:]}
    await world.answer(USERS[4], (5, 5))
    await world.until("2026-07-01 00:00")
    assert {once.split()[-1] for once in world.told(f"{REMIND}2026-04-01")} == asked - {USERS[4]}
    assert len(world.told(f"{REMIND}2026-04-01")) == len(asked) - 1, "once"


async def test_many_are_asked_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bots.metrics.pulse.AT_ONCE", 5)
    await world.until("2026-05-01 12:00")
    assert len(world.told(f"{ASK}2026-04-01")) == len(USERS)


@pytest.mark.parametrize(("portal", "asks"), [("", True), ("https://portal.example", False)])
async def test_where_nobody_could_answer_or_it_is_switched_off_nobody_is_asked(
    world: World, portal: str, asks: bool
) -> None:
    world.part = Pulses(world.book, world.keys, portal, asks=asks)
    await world.until("2026-06-01 00:00")
    assert world.said == {}


# --- Counting ------------------------------------------------------------------------------------------------------


async def test_what_was_answered_is_counted_once_and_nothing_tells_who_answered_what(
    world: World, tmp_path: Path
) -> None:
    world.now = at("2026-05-01 08:00")
    await world.until("2026-05-02 12:00")
    await seen(world, date(2026, 3, 2), date(2026, 4, 8))
    for place, user in enumerate(USERS[:13]):
        await world.answer(user, (5 if place < 7 else 2, 3))
    await world.answer(USERS[0], (4, 3))
    one = await world.box.present()
    assert one is not None and await world.box.has_answered(one, USERS[0])
    assert not await world.box.has_answered(one, USERS[13])
    sealed = await world.store.read(lambda c: list(c.execute(sa.select(ballot.c.sealed, ballot.c.link))))
    assert len(sealed) == 13 and len({len(row.sealed) for row in sealed}) == 1
    assert len(list((tmp_path / "ballot-keys").iterdir())) == 1
    await world.until("2026-05-29 12:00")
    assert await world.box.present() is None, "it is over"
    with pytest.raises(Closed):
        await world.box.answer(one, USERS[13], FORM, (1, 1))
    assert await world.numbers() == {}, "and is not opened before its numbers can be decided about"
    await world.until("2026-06-10 12:00")
    counted = await world.numbers()
    assert counted[""] == 13 and counted["sharing agree"] == 7 and counted["sharing neither"] is None
    (whole,) = [one for name, one in (await world.store.read(read)).items() if name[1:] == ("pulse", "")]
    assert whole.figures == {"sharing": 4.0, "using": 3.0}, "4, six times 5, six times 2"
    assert await world.store.read(lambda c: list(c.execute(sa.select(ballot)))) == []
    assert list((tmp_path / "ballot-keys").iterdir()) == []
    for table in (pulse, shown, no_pulse):
        rows = await world.store.read(lambda c, table=table: str(list(c.execute(sa.select(table)))))
        assert not any(name in rows for name in NAMES)
    await world.run(f"{COUNT}2026-04-01", quarter="2026-04-01", after="")
    assert await world.numbers() == counted, "a second time changes nothing"
    world.now = at("2026-07-20 12:00")
    await world.store.write(lambda c: publish(c, world.now, LONDON))
    assert await world.numbers() == counted, "nor do the figures of the months"


async def test_who_is_counted_otherwise_or_not_counts_and_who_has_left_does_not(world: World) -> None:
    world.now = at("2026-05-01 08:00")
    await world.until("2026-05-02 12:00")
    await seen(world, date(2026, 3, 2), date(2026, 4, 8))
    for user in USERS[:8]:
        await world.answer(user, (5, 5))
    await world.store.write(lambda c: world.book.opt_out(c, USERS[0], world.now))
    await world.store.write(
        lambda c: c.execute(directory_member.delete().where(directory_member.c.user_id == USERS[1]))
    )
    await world.until("2026-06-10 12:00")
    assert (await world.numbers())[""] == 7


async def test_a_lost_key_ends_it_without_a_number(world: World, tmp_path: Path) -> None:
    world.now = at("2026-05-01 08:00")
    await world.until("2026-05-02 12:00")
    await world.answer(USERS[0], (5, 5))
    (file,) = (tmp_path / "ballot-keys").iterdir()
    file.unlink()
    one = await world.box.present()
    assert one is not None
    with pytest.raises(LostKey):
        await world.box.answer(one, USERS[1], FORM, (1, 1))
    await world.until("2026-06-10 12:00")
    assert world.told(f"{REMIND}2026-04-01") == [] and await world.numbers() == {}
    assert await world.store.read(lambda c: list(c.scalars(sa.select(pulse.c.state)))) == ["dropped"]
    assert await world.store.read(lambda c: list(c.execute(sa.select(ballot)))) == []


# --- Crashes -------------------------------------------------------------------------------------------------------


@pytest.mark.full
async def test_kill_9_asks_and_counts_once(tmp_path: Path) -> None:
    dice, now, keys = random.Random(5), time.time(), KeyFiles(tmp_path / "ballot-keys")  # noqa: S311 - no secret
    for name in ("key", "portal_api"):
        (tmp_path / name).write_text("k" * 40)
        (tmp_path / name).chmod(0o600)
    port, portal_port = free_ports(2)
    portal = {
        "listen": {"host": "127.0.0.1", "port": portal_port},
        "public_url": f"http://127.0.0.1:{portal_port}",
        "secret_file": str(tmp_path / "portal_api"),
        "community": "Tides",
    }
    changes = {"metrics_key_file": str(tmp_path / "key"), "ballot_keys": str(tmp_path / "ballot-keys")}
    present, past = (quarter_of(day_of(int(1000 * when), LONDON)).first for when in (now, now - 200 * 86_400))
    async with Homeserver() as homeserver:
        for user in USERS:
            own = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER"}
            homeserver.policies[f"!{user[1:]}"] = own
        process = BotsProcess(write_config(tmp_path, homeserver.url, port, portal=portal, **changes))
        await process.start()
        process.end()
        store = Store(f"sqlite:///{tmp_path}/bots.db")
        await store.open()
        await list_members(store)
        rows = [
            {"quarter": present.toordinal(), "closes": now + 86_400, "state": "open"},
            {"quarter": past.toordinal(), "closes": now - 100 * 86_400, "state": "open"},
        ]
        await store.write(lambda one: one.execute(pulse.delete()))
        await store.write(lambda one: one.execute(pulse.insert(), rows))
        box = PulseBox(store, keys, lambda: now - 101 * 86_400)
        older = await store.read(lambda one: pulse_box.of(one, past))
        assert older is not None
        for user in USERS:
            await box.answer(older, user, FORM, (4, 4))
        due = [
            {
                "bot": "steward",
                "name": f"{name}{quarter.isoformat()}",
                "due": 1.0,
                "arguments": f'{{"quarter": "{quarter.isoformat()}", "after": ""}}',
            }
            for name, quarter in ((ASK, present), (COUNT, past))
        ]
        await store.write(lambda one: one.execute(job.insert(), due))
        try:
            for _ in range(4):
                await process.start()
                await asyncio.sleep(dice.uniform(0.0, 0.3))
                process.end()
            await process.start()

            async def all_done() -> bool:
                asked = [one for _, one in homeserver.sent.values() if "two questions" in str(one.get("body"))]
                return len(asked) >= len(USERS) and not list((tmp_path / "ballot-keys").iterdir())

            await until(all_done)
            await asyncio.sleep(0.5)
        finally:
            process.end()
        rooms = [path for path, one in homeserver.sent.values() if "two questions" in str(one.get("body"))]
        assert len(rooms) == len(USERS)
        state = sa.select(pulse.c.state).where(pulse.c.quarter == past.toordinal())
        assert await store.read(lambda one: one.execute(state).scalar_one()) == "counted"
        left = sa.select(sa.func.count()).select_from(ballot).where(ballot.c.event_id == ballot_id(past))
        assert await store.read(lambda one: one.execute(left).scalar_one()) == 0
        whole = sa.select(sa.func.count()).select_from(shown).where(shown.c.measure == "pulse", shown.c.part == "")
        assert await store.read(lambda one: one.execute(whole).scalar_one()) == 1
        await store.close()
