"""Quiet hours: what can wait is a job until they end, so that it holds up nothing else in the member's room."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bots.kernel.effects import Send
from bots.kernel.rules import Rule, next_due
from bots.kernel.tables import job, quiet

#: Begins the names of jobs that are messages; the kernel sends them, whatever bot they are of.
LATER: Final = "later "


def hours_of(connection: sa.Connection, room_id: str) -> tuple[str, str] | None:
    """When the member of a room wants quiet, such as `22:00` and `07:00`; None for never."""
    row = connection.execute(sa.select(quiet.c.begins, quiet.c.ends).where(quiet.c.room_id == room_id)).one_or_none()
    return None if row is None else (row.begins, row.ends)


def set_hours(connection: sa.Connection, room_id: str, hours: tuple[str, str] | None) -> None:
    """Changes that."""
    connection.execute(quiet.delete().where(quiet.c.room_id == room_id))
    if hours is not None:
        connection.execute(quiet.insert().values(room_id=room_id, begins=hours[0], ends=hours[1]))


def let_out(connection: sa.Connection, room_id: str, now: float, zone: ZoneInfo) -> None:
    """Has what waits for a room come when its present quiet hours end: at once, where there are none now."""
    due = until(connection, room_id, now, zone) or now
    waiting = sa.select(job.c.number, job.c.arguments).where(job.c.name.startswith(LATER), job.c.state == "pending")
    mine = [row.number for row in connection.execute(waiting) if json.loads(row.arguments)["room"] == room_id]
    connection.execute(job.update().where(job.c.number.in_(mine)).values(due=due))


def until(connection: sa.Connection, room_id: str, now: float, zone: ZoneInfo) -> float | None:
    """When the quiet ends that a room's member has now, in seconds since 1970; None where it is not quiet."""
    hours = hours_of(connection, room_id)
    return None if hours is None else end_of(hours, now, zone)


def end_of(hours: tuple[str, str], now: float, zone: ZoneInfo) -> float | None:
    """When quiet hours end that it is in now; None where it is in none. Times are those on the wall."""
    begins, ends = (time.fromisoformat(one) for one in hours)
    here = datetime.fromtimestamp(now, zone).time()
    is_within = begins <= here < ends if begins < ends else here >= begins or here < ends
    return next_due(Rule(ends), now, zone) if is_within else None


def kept(send: Send, room_id: str, effect_id: str) -> dict[str, Any]:
    """What a message's job keeps of it."""
    return {
        "room": room_id,
        "type": send.type,
        "content": dict(send.content),
        "once": send.once or f"{LATER}{effect_id}",
    }


def sent_now(arguments: Mapping[str, Any]) -> Send:
    """The message that a job kept."""
    return Send(arguments["content"], type=arguments["type"], room=arguments["room"], once=arguments["once"])
