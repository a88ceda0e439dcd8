"""Quiet hours: what can wait comes when they end, by the clock on the wall; all else comes at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bots.kernel.effects import Send
from bots.kernel.quiet import end_of, hours_of, set_hours
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.steward import Steward
from tests.bots.support import Homeserver, Json, grounded, message, settled
from tests.bots.test_schedule import LONDON, Clock, at
from tests.bots.test_sending import QUICK, Does
from tests.support.patience import until

OWN = "!own:belisha.localhost"
LATER, NOW = Send({"body": "later"}, room=OWN, waits=True), Send({"body": "now"}, room=OWN)


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        (("22:00", "07:00"), "2026-01-10 21:59", None),
        (("22:00", "07:00"), "2026-01-10 22:00", "2026-01-11 07:00"),
        (("22:00", "07:00"), "2026-01-11 06:59", "2026-01-11 07:00"),
        (("22:00", "07:00"), "2026-01-11 07:00", None),
        (("12:00", "14:00"), "2026-01-10 13:00", "2026-01-10 14:00"),
        (("12:00", "14:00"), "2026-01-10 14:00", None),
        # In summer London is an hour ahead, and the night in which the clocks change is an hour shorter or longer.
        (("22:00", "07:00"), "2026-06-10 21:00", "2026-06-11 06:00"),
        (("22:00", "07:00"), "2026-03-28 23:00", "2026-03-29 06:00"),
        (("22:00", "07:00"), "2026-10-24 22:00", "2026-10-25 07:00"),
        (("22:00", "01:30"), "2026-03-29 00:30", "2026-03-29 01:30"),
    ],
)
def test_they_end_by_the_clock_on_the_wall(hours: tuple[str, str], now: str, end: str | None) -> None:
    found = end_of(hours, at(now), LONDON)
    assert (None if found is None else datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M")) == end


async def keep(store: Store, hours: tuple[str, str] | None = ("22:00", "07:00"), room: str = OWN) -> None:
    await store.write(lambda connection: set_hours(connection, room, hours))


def said(homeserver: Homeserver) -> list[str]:
    return [str(content["body"]) for _room, content in homeserver.sent.values()]


async def happens(store: Store, homeserver: Homeserver, clock: Clock, bot: Any, *events: Json) -> list[str]:
    """The bots run with these events until nothing is due; what was said in all."""
    async with grounded(store, homeserver, bot, now=clock, backoff=QUICK) as arrive:
        await arrive(*events)
        await settled(store)

        async def nothing_is_due() -> bool:
            async with store.reading() as connection:
                due = sa.select(job.c.number).where(job.c.due <= clock.now)
                return (await connection.execute(due)).first() is None

        await until(nothing_is_due)
        await settled(store)
    return said(homeserver)


async def test_what_can_wait_does_and_holds_up_nothing(store: Store, homeserver: Homeserver) -> None:
    clock, bot = Clock("2026-01-10 23:00"), Does(LATER, NOW)
    await keep(store)
    assert await happens(store, homeserver, clock, bot, message("$1")) == ["now"]
    assert await happens(store, homeserver, clock, bot, message("$2")) == ["now", "now"]
    clock.now = at("2026-01-11 06:59")
    assert await happens(store, homeserver, clock, bot) == ["now", "now"]
    clock.now = at("2026-01-11 09:00")  # the bots were down when they ended
    assert await happens(store, homeserver, clock, bot) == ["now", "now", "later", "later"]
    assert await happens(store, homeserver, clock, bot, message("$3")) == [
        "now",
        "now",
        "later",
        "later",
        "later",
        "now",
    ]


async def test_elsewhere_nothing_waits(store: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-01-10 23:00")
    await keep(store, room="!other:belisha.localhost")
    assert await happens(store, homeserver, clock, Does(LATER, NOW), message("$1")) == ["later", "now"]


async def test_what_is_said_once_is_said_once_after_waiting_too(store: Store, homeserver: Homeserver) -> None:
    clock, once = Clock("2026-01-10 23:00"), Send({"body": "once"}, room=OWN, once="reminder", waits=True)
    await keep(store)
    await happens(store, homeserver, clock, Does(once), message("$1"), message("$2"))
    await keep(store, ("21:00", "06:00"))
    await happens(store, homeserver, clock, Does(once), message("$3"))
    clock.now = at("2026-01-11 10:00")
    assert await happens(store, homeserver, clock, Does(once), message("$4")) == ["once"]


def asks(text: str, event_id: str) -> Json:
    return message(event_id, text, room=OWN)


async def test_a_member_sets_them_and_takes_them_back(store: Store, homeserver: Homeserver) -> None:
    clock, steward = Clock("2026-01-10 23:00"), Steward(zone=LONDON)
    homeserver.policies[OWN] = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER"}
    asker = {"belongs": True, "organisation": "harbour", "roles": ["member"], "power": 0, "service_room": OWN}
    homeserver.askers["@ada:belisha.localhost"] = asker
    (told,) = await happens(store, homeserver, clock, steward, asks("!quiet", "$1"))
    assert "at any hour" in told
    told = (await happens(store, homeserver, clock, steward, asks("!quiet 22:00 – 7:00", "$2")))[-1]
    assert "Between 22:00 and 07:00" in told
    assert await store.read(lambda connection: hours_of(connection, OWN)) == ("22:00", "07:00")
    told = (await happens(store, homeserver, clock, steward, asks("!quiet 25:00-7", "$3")))[-1]
    assert "22:00-07:00, or off" in told
    await happens(store, homeserver, clock, Does(LATER), message("$4"))
    assert "later" not in said(homeserver)
    await happens(store, homeserver, clock, steward, asks("!quiet off", "$5"))
    assert "at any hour" in said(homeserver)[-2] and said(homeserver)[-1] == "later", "what waited comes at once"
    assert await store.read(lambda connection: hours_of(connection, OWN)) is None


async def test_in_a_group_nobody_sets_them(store: Store, homeserver: Homeserver) -> None:
    clock, room = Clock("2026-01-10 23:00"), "!pilots:belisha.localhost"
    homeserver.policies[room] = {"kind": "open", "default": "TLP:GREEN", "ceiling": "TLP:GREEN"}
    asker = {"belongs": True, "organisation": "harbour", "roles": ["member"], "power": 95, "service_room": OWN}
    homeserver.askers["@ada:belisha.localhost"] = asker
    told = await happens(store, homeserver, clock, Steward(zone=LONDON), message("$1", "!quiet 22:00-07:00", room=room))
    assert "your own room" in told[-1]
    assert await store.read(lambda connection: hours_of(connection, room)) is None
