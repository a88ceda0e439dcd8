"""What tests read of the ledger, and how they wait for what follows from an act."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from tests.support.community import Community
from tests.support.server import request

Json = dict[str, Any]

_COLUMNS = "event_id, room_id, source, given, label, raised_from, redacted, acts_until, pending, badge_due"


def relabel(item: str, label: str, **more: Any) -> Json:
    """A relabel act, as any client can send it."""
    return {"m.relates_to": {"rel_type": "m.reference", "event_id": item}, "label": label, **more}


def rows(community: Community) -> dict[str, Json]:
    """The ledger, by item."""
    return {row["event_id"]: row for row in query(community, f"SELECT {_COLUMNS} FROM belisha_item")}  # noqa: S608 - a constant


def query(community: Community, statement: str, *values: object) -> list[Json]:
    """Reads the server's database."""
    database = sqlite3.connect(f"file:{community.server.data / 'homeserver.db'}?mode=ro", uri=True, timeout=30)
    database.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in database.execute(statement, values).fetchall()]
    finally:
        database.close()


def change(community: Community, statement: str, *values: object) -> None:
    """Changes the server's database behind its back."""
    with sqlite3.connect(community.server.data / "homeserver.db", timeout=30) as database:
        database.execute(statement, values)


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """The first true answer of a condition."""
    deadline = time.monotonic() + seconds
    while not (answer := await condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)
    return answer


async def settled(community: Community, item: str) -> Json:
    """An item's row as soon as nothing about it is under way."""

    async def is_settled() -> Json | None:
        row = rows(community).get(item)
        return row if row and row["acts_until"] and row["pending"] is None and row["badge_due"] is None else None

    answer: Json = await until(is_settled)
    return answer


async def related(community: Community, item: str, kind: str, rel_type: str, by: str = "ana") -> list[Json]:
    """What refers to an item, oldest first."""
    path = f"/_matrix/client/v1/rooms/{quote(community.rooms[kind])}/relations/{quote(item)}/{rel_type}"
    status, body = await request(community[by], "GET", f"{path}?limit=50&dir=f")
    assert status == 200, body
    return list(body["chunk"])
