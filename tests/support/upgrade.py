"""What tests of upgrades ask for and look at."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.support.community import Community
from tests.support.ledger import query
from tests.support.patience import until
from tests.support.server import request

Json = dict[str, Any]


def path_of(room: str, rest: str) -> str:
    """An address of a room in the client API."""
    return f"/_matrix/client/v3/rooms/{quote(room)}/{rest}"


async def state_of(here: Community, room: str, by: str) -> dict[tuple[str, str], Json]:
    """The whole state of a room, by type and key; `by` is in it."""
    status, events = await request(here[by], "GET", path_of(room, "state"))
    assert status == 200, events
    assert isinstance(events, list)
    return {(event["type"], event["state_key"]): event["content"] for event in events}


async def joined(here: Community, room: str, by: str) -> set[str]:
    """Who is in a room, by name."""
    status, body = await request(here[by], "GET", path_of(room, "joined_members"))
    assert status == 200, body
    return {user[1:].partition(":")[0] for user in body["joined"]}


async def upgrade(here: Community, room: str) -> str:
    """Upgrades a group by the local API and waits until everybody has gone over; the new room."""
    status, body = await here.server.local("POST", f"rooms/{quote(room)}/upgrade")
    assert status == 200, body
    await done(here, room)
    return str(body["new_room_id"])


async def done(here: Community, room: str) -> None:
    """Waits until an upgrade is finished."""

    async def is_done() -> bool:
        status, body = await here.server.local("GET", f"rooms/{quote(room)}/upgrade")
        return status == 200 and bool(body["done"])

    await until(is_done)


def successors(here: Community, room: str) -> list[str]:
    """The rooms whose creation names a room as the one before."""
    rows = query(
        here,
        "SELECT events.room_id, json FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " WHERE events.type = 'm.room.create'",
    )
    made = {row["room_id"]: json.loads(row["json"])["content"].get("predecessor", {}) for row in rows}
    return [new for new, predecessor in made.items() if predecessor.get("room_id") == room]
