"""Announcements as the steward bot sees them: a button, and one reminder after three days, also after downtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bots.kernel.effects import OUTCOME
from bots.kernel.lanes import Backoff
from bots.kernel.rules import Rule
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.steward import Steward
from tests.bots.support import Homeserver, Json, grounded, settled
from tests.bots.test_schedule import Clock, at
from tests.support.patience import until

ROOM, OWN, EVENT = "!news:belisha.localhost", "!own:belisha.localhost", "$said"
QUICK = Backoff(first=0.02, longest=0.1, attempts=3)
TEXT = "The gate closes at six"


def manager(text: str, event_id: str) -> Json:
    base = {"event_id": event_id, "room_id": OWN, "type": "m.room.message", "sender": "@mona:belisha.localhost"}
    return base | {"content": {"msgtype": "m.text", "body": text}, "origin_server_ts": 1}


def prepared(homeserver: Homeserver) -> None:
    homeserver.policies[OWN] = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER"}
    asker = {"belongs": True, "organisation": "harbour", "roles": ["manager"], "power": 0, "service_room": OWN}
    homeserver.askers["@mona:belisha.localhost"] = asker
    homeserver.acts = [(200, {"outcome": "done", "act": "announce", "room_id": ROOM, "event_id": EVENT})]


class Announcing(Steward):
    """The steward without what it does by the day: the clock jumps here."""

    rules: Mapping[str, Rule] = {}


async def announced(store: Store, homeserver: Homeserver, clock: Clock) -> None:
    """`!announce`, confirmed, carried out and told of."""
    prepared(homeserver)
    async with grounded(store, homeserver, Announcing(), now=clock, backoff=QUICK) as arrive:
        await arrive(manager(f"!announce {TEXT}", "$asked"))
        await settled(store)
        assert not [one for one in homeserver.done if one[0] == "acts"], "it is asked first whether it is meant"
        await arrive(manager("yes", "$yes"))
        await told(store, homeserver, "Done: it is announced")


async def told(store: Store, homeserver: Homeserver, words: str) -> list[tuple[str, Any]]:
    async def has_come() -> list[tuple[str, Any]]:
        return [one for one in homeserver.sent.values() if words in str(one[1].get("body"))]

    found = await until(has_come)
    await settled(store)
    return found


async def jobs(store: Store) -> list[tuple[str, float]]:
    async with store.reading() as connection:
        rows = await connection.execute(sa.select(job.c.name, job.c.due).where(job.c.state == "pending"))
        return [(row.name, row.due) for row in rows if not row.name.startswith(OUTCOME)]


async def test_it_gets_its_button_and_a_day_for_the_reminder(store: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-01 10:00")
    await announced(store, homeserver, clock)
    buttons = [
        (room, content["m.relates_to"])
        for room, content in homeserver.sent.values()
        if content.get("m.relates_to", {}).get("event_id") == EVENT
    ]
    assert buttons == [(ROOM, {"rel_type": "m.annotation", "event_id": EVENT, "key": "✅"})]
    assert await jobs(store) == [(f"remind {EVENT}", at("2026-06-04 10:00"))]


async def test_who_has_not_acknowledged_it_is_reminded_once(store: Store, homeserver: Homeserver) -> None:
    """In parts, after a time in which neither bots nor Synapse were there."""
    clock = Clock("2026-06-01 10:00")
    await announced(store, homeserver, clock)
    clock.now = at("2026-06-09 10:00")
    homeserver.unacknowledged = [
        (500, {"errcode": "M_UNKNOWN", "error": "down"}),
        (403, {"errcode": "ORG.BELISHA.CANNOT_DECIDE", "error": "not now"}),
        (200, {"room_id": ROOM, "rooms": ["!ana:x", "!ben:x"], "next": "ben"}),
        (200, {"room_id": ROOM, "rooms": ["!finn:x"], "next": None}),
    ]
    async with grounded(store, homeserver, Announcing(), now=clock, backoff=QUICK):

        async def time_passes() -> bool:
            clock.now += 1
            return not await jobs(store)

        await until(time_passes)
        await settled(store)
    found = [(room, content) for room, content in homeserver.sent.values() if "ask you to read" in str(content)]
    assert sorted(room for room, _content in found) == ["!ana:x", "!ben:x", "!finn:x"]
    assert all(f"/{EVENT}?via=" in content["formatted_body"] for _room, content in found)
    assert all(TEXT not in str(content) for _room, content in found), "what it says stays where it was said"
    clock.now += 30 * 86400
    async with grounded(store, homeserver, Announcing(), now=clock, backoff=QUICK):
        await settled(store)
    assert sum("ask you to read" in str(content) for _room, content in homeserver.sent.values()) == 3


async def test_of_what_was_taken_back_nobody_is_reminded(store: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-01 10:00")
    await announced(store, homeserver, clock)
    homeserver.unacknowledged = [(404, {"errcode": "ORG.BELISHA.NOT_FOUND", "error": "nothing here"})]
    clock.now = at("2026-06-04 10:00")
    async with grounded(store, homeserver, Announcing(), now=clock, backoff=QUICK):

        async def is_done() -> bool:
            return not await jobs(store)

        await until(is_done)
        await settled(store)
    assert not any("ask you to read" in str(content) for _room, content in homeserver.sent.values())


async def test_whom_the_module_refuses_is_told_and_nothing_is_announced(store: Store, homeserver: Homeserver) -> None:
    clock = Clock("2026-06-01 10:00")
    prepared(homeserver)
    homeserver.acts = [(403, {"errcode": "ORG.BELISHA.ABOVE_CEILING", "error": "That is too strict for this room."})]
    async with grounded(store, homeserver, Announcing(), now=clock, backoff=QUICK) as arrive:
        await arrive(manager(f"!announce TLP:AMBER {TEXT}", "$asked"), manager("yes", "$yes"))
        await told(store, homeserver, "That is too strict for this room.")
    assert await jobs(store) == []
