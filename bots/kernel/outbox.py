"""The durable outbox: effects are stored with what caused them, and leave only when they are performed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bots.kernel import quiet
from bots.kernel.bot import Context
from bots.kernel.effects import (
    MAILED,
    BadEffect,
    Effect,
    Hook,
    Letter,
    Mail,
    Picture,
    Schedule,
    Send,
    Unschedule,
    body_of,
    lane_of,
    transaction_id,
)
from bots.kernel.events import Event
from bots.kernel.inbox import Depth
from bots.kernel.store import Store
from bots.kernel.tables import job, outbox

_PENDING = outbox.c.state == "pending"


@dataclass(frozen=True, slots=True)
class Pending:
    """An effect to be performed."""

    number: int
    effect_id: str
    bot: str
    lane: str
    kind: str
    body: dict[str, Any]
    attempts: int
    created_at: float
    not_before: float


def was_said(context: Context, bot: str, once: str) -> bool:
    """Whether a bot has asked for something under a key before (`Send.once`); for handlers, in their transaction."""
    query = sa.select(outbox.c.number).where(outbox.c.once == f"{bot} {once}")
    return context.database.execute(query).first() is not None


def was_sent(context: Context, bot: str, once: str) -> bool | None:
    """Whether what a bot has asked for under a key has been performed; None where it never asked."""
    query = sa.select(outbox.c.state).where(outbox.c.once == f"{bot} {once}")
    state = context.database.execute(query).scalar_one_or_none()
    return None if state is None else state == "sent"


def is_underway(context: Context, bot: str, once: str) -> bool:
    """Whether what a bot has asked for under a key is still to be performed, or the bot still to hear how it ended.

    For handlers, in their transaction. What was given up is underway no more.
    """
    found = sa.select(outbox.c.state, outbox.c.effect_id).where(outbox.c.once == f"{bot} {once}")
    row = context.database.execute(found).one_or_none()
    if row is None or row.state != "sent":
        return row is not None and row.state == "pending"
    news = sa.select(job.c.number).where(job.c.bot == bot, job.c.name == f"{MAILED}{row.effect_id}")
    return context.database.execute(news.where(job.c.state == "pending")).first() is not None


class Outbox:
    """The table `outbox`, and the jobs that are asked for by the way."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time, zone: ZoneInfo | None = None) -> None:
        """Works on an open store.

        Args:
            store: Where the tables are.
            now: The clock, in seconds since 1970.
            zone: The community's time zone, in which members' quiet hours hold; UTC where none is given.
        """
        self._zone = zone or ZoneInfo("UTC")
        self._store = store
        self._now = now
        self._add = store.insert(outbox)
        self._add_job = store.insert(job)
        self.planned = False
        """Whether a job was stored that somebody may have to be woken for; who wakes them sets it back."""

    def store(
        self, connection: sa.Connection, bot: str, context: Context, effects: Sequence[Effect], event: Event | None
    ) -> None:
        """Stores what a handler asked for, in the transaction that marks its occasion as done.

        Raises:
            BadEffect: It asked for what cannot be.
        """
        rows, ids = [], dict[int, str]()
        for position, effect in enumerate(effects):
            if isinstance(effect, Schedule | Unschedule):
                _set_job(connection, bot, effect)
                self.planned = self.planned or isinstance(effect, Schedule)
                continue
            once = effect.once if isinstance(effect, Send | Picture | Mail | Letter | Hook) else None
            ids[position] = context.effect_id(position) if once is None else transaction_id(context.me, once, 0)
            if isinstance(effect, Send) and effect.waits and self._waits(connection, bot, effect, ids[position]):
                continue
            earlier = {place: known for place, known in ids.items() if place < position}
            rows.append(
                {
                    "effect_id": ids[position],
                    "once": None if once is None else f"{bot} {once}",
                    "bot": bot,
                    "lane": lane_of(effect, event.room_id if event else None),
                    "kind": type(effect).__name__.lower(),
                    "body": json.dumps(body_of(effect, earlier, event.event_id if event else None)),
                    "created_at": self._now(),
                }
            )
        if rows:
            connection.execute(self._add, rows)

    def _waits(self, connection: sa.Connection, bot: str, effect: Send, effect_id: str) -> bool:
        """Keeps a message until its reader's quiet hours end; whether it is within them."""
        now = self._now()
        end = None if effect.room is None else quiet.until(connection, effect.room, now, self._zone)
        if effect.room is None or end is None:
            return False
        arguments = json.dumps(quiet.kept(effect, effect.room, effect_id))
        connection.execute(
            self._add_job, {"bot": bot, "name": f"{quiet.LATER}{effect_id}", "due": end, "arguments": arguments}
        )
        return True

    async def waiting_lanes(self) -> dict[str, float]:
        """Each lane where something is to be sent, with the time before which its first effect must wait."""
        first = (
            sa.select(sa.func.min(outbox.c.number).label("number")).where(_PENDING).group_by(outbox.c.lane).subquery()
        )
        query = (
            sa.select(outbox.c.lane, outbox.c.not_before)
            .join(first, first.c.number == outbox.c.number)
            .order_by(outbox.c.number)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {row.lane: row.not_before for row in rows}

    async def pending(self, lane: str, limit: int) -> list[Pending]:
        """The first effects of a lane, in their order."""
        columns = [outbox.c[name] for name in Pending.__dataclass_fields__]
        query = sa.select(*columns).where(_PENDING, outbox.c.lane == lane).order_by(outbox.c.number).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(query).mappings().all())
        return [Pending(**{**row, "body": json.loads(row["body"])}) for row in rows]

    async def outcome(self, effect_id: str) -> tuple[str, str | None]:
        """The state of an effect, `unknown` where there is none, and the event that it made."""
        query = sa.select(outbox.c.state, outbox.c.result).where(outbox.c.effect_id == effect_id)
        async with self._store.reading() as connection:
            found = (await connection.execute(query)).one_or_none()
        return (found.state, found.result) if found else ("unknown", None)

    async def sent(self, number: int, result: str | None, job_after: Mapping[str, Any] | None = None) -> None:
        """Marks an effect as performed and drops its content; with it, a job that follows from it is stored."""
        values = {"state": "sent", "body": None, "result": result, "last_error": None}
        change = outbox.update().where(outbox.c.number == number, _PENDING).values(values)

        def mark(connection: sa.Connection) -> None:
            if connection.execute(change).rowcount and job_after is not None:
                connection.execute(self._add_job, dict(job_after))

        await self._store.write(mark)

    async def note(self, number: int, body: Mapping[str, Any]) -> None:
        """Keeps how far an effect of several steps has come, instead of what it was."""
        await self._set(number, {"body": json.dumps(body)})

    async def postpone(self, number: int, not_before: float, error: str, *, counts: bool) -> None:
        """Leaves an effect pending until later; `counts` tells whether it failed by its own fault."""
        attempts = outbox.c.attempts + int(counts)
        await self._set(number, {"not_before": not_before, "last_error": error, "attempts": attempts})

    async def give_up(self, number: int, error: str) -> None:
        """Parks an effect; it keeps its content for another attempt."""
        await self._set(number, {"state": "failed", "last_error": error, "attempts": outbox.c.attempts + 1})

    async def _set(self, number: int, values: dict[str, Any]) -> None:
        change = outbox.update().where(outbox.c.number == number, _PENDING).values(values)
        await self._store.write(lambda connection: connection.execute(change))

    async def depth(self) -> Depth:
        """Counts for the metrics."""
        waiting = sa.select(sa.func.count(), sa.func.min(outbox.c.created_at)).where(_PENDING)
        given_up = sa.select(sa.func.count()).where(outbox.c.state == "failed")
        async with self._store.reading() as connection:
            pending, oldest = (await connection.execute(waiting)).one()
            failed = await connection.scalar(given_up)
        return Depth(pending, failed or 0, None if oldest is None else max(0.0, self._now() - oldest))


def _set_job(connection: sa.Connection, bot: str, effect: Schedule | Unschedule) -> None:
    of_that_name = (job.c.bot == bot) & (job.c.name == effect.name) & (job.c.state == "pending")
    ruled = connection.execute(job.delete().where(of_that_name).returning(job.c.rule)).scalar()
    if ruled is not None:
        raise BadEffect(f"the job {effect.name} comes by a rule")
    if isinstance(effect, Schedule):
        row = {"bot": bot, "name": effect.name, "due": effect.at, "arguments": json.dumps(dict(effect.arguments))}
        connection.execute(job.insert(), row)
