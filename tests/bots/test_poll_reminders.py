"""Reminders of polls: once, not long before the end, to those who have not voted and want them."""

from __future__ import annotations

import pytest

from bots.kernel.store import Store
from tests.bots.support import SERVER, Homeserver, grounded, message, settled
from tests.bots.test_polls import (
    ANA,
    FINN,
    NOON,
    POLL,
    QUICK,
    Counting,
    answering,
    closed,
    done,
    facts,
    jobs,
    opened,
    quiet,
    told,
    was_told,
)
from tests.bots.test_schedule import Clock, at
from tests.support.patience import until


async def test_who_has_not_voted_is_reminded_once_unless_unwilling(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 2d")
    own = f"!fin:{SERVER}"
    homeserver.policies[own] = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER"}
    homeserver.polls[POLL] = facts((ANA, "1", NOON))
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK) as arrive:
        await arrive(message("$off", "!poll reminders off", room=own, sender=FINN))
        await until(lambda: was_told(homeserver, "I remind you of no polls"))
        await settled(store)
    for moment in ("2026-06-04 23:30", "2026-06-05 01:00"):
        clock.now = at(moment)
        async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
            await quiet(store, clock)
    assert told(homeserver, "You have not voted yet") == [f"!ben:{SERVER}"]
    (reminder,) = [one for _, one in homeserver.sent.values() if "not voted yet" in str(one.get("body"))]
    assert f"/{POLL}?via=" in reminder["formatted_body"] and "2026-06-05 12:00 (Europe/London)" in reminder["body"]
    assert "meet" not in str(reminder), "what it asks stays where it was asked"
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK) as arrive:
        await arrive(message("$on", "!poll reminders on", room=own, sender=FINN))
        await until(lambda: was_told(homeserver, "I remind you once of each poll"))


async def test_of_a_short_poll_or_one_that_is_over_nobody_is_reminded(store: Store, homeserver: Homeserver) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 59m")
    assert list(await jobs(store)) == [f"poll due {POLL}"]
    done(homeserver, "poll_extend")
    await closed(store, homeserver, clock, answering("!poll extend 2d", "$later"))
    homeserver.polls[POLL] = facts(ends=(NOON,))
    clock.now = at("2026-06-05 02:00")
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await quiet(store, clock)
    assert not told(homeserver, "You have not voted yet")


async def test_many_are_reminded_in_parts(
    store: Store, homeserver: Homeserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.polls.reminders.AT_ONCE", 1)
    clock = Clock(NOON)
    await opened(store, homeserver, clock, "--closes 2d")
    clock.now = at("2026-06-05 01:00")
    async with grounded(store, homeserver, Counting(), now=clock, backoff=QUICK):
        await quiet(store, clock)
    assert sorted(told(homeserver, "You have not voted yet")) == [f"!{name}:{SERVER}" for name in ("ana", "ben", "fin")]
