"""The durable inbox: events are stored before Synapse is answered, and leave only when they are handled."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bots.kernel.events import Received
from bots.kernel.store import Store, inbox, said

_PENDING = inbox.c.state == "pending"


@dataclass(frozen=True, slots=True)
class Row:
    """A pending event."""

    received: int
    event_id: str
    json: str
    attempts: int
    not_before: float


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits, and since when."""

    pending: int
    failed: int
    oldest: float | None
    """Seconds that the oldest pending event has waited."""


class Inbox:
    """The table `inbox`, and `said` beside it."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        """Works on an open store.

        Args:
            store: Where the tables are.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._now = now
        upsert = sqlite.insert if store.is_sqlite else postgresql.insert
        self._insert = upsert(inbox).on_conflict_do_nothing(index_elements=["event_id"])
        self._say = upsert(said).on_conflict_do_nothing(index_elements=["key"])

    async def add(self, events: Sequence[Received]) -> None:
        """Stores and commits events in their order; those known by their id are left as they are."""
        if not events:
            return
        now = self._now()
        rows = [
            {"event_id": event.event_id, "room_id": event.room_id, "json": event.json, "received_at": now}
            for event in events
        ]
        async with self._store.writing() as connection:
            await connection.execute(self._insert, rows)

    async def waiting_rooms(self) -> dict[str, float]:
        """Each room where something is pending, with the time before which its first event must wait."""
        first = (
            sa.select(sa.func.min(inbox.c.received).label("received"))
            .where(_PENDING)
            .group_by(inbox.c.room_id)
            .subquery()
        )
        query = (
            sa.select(inbox.c.room_id, inbox.c.not_before)
            .join(first, first.c.received == inbox.c.received)
            .order_by(inbox.c.received)
        )
        async with self._store.reading() as connection:
            return {row.room_id: row.not_before for row in await connection.execute(query)}

    async def pending(self, room_id: str, limit: int) -> list[Row]:
        """The first pending events of a room, in the order of their arrival."""
        query = (
            sa.select(inbox.c.received, inbox.c.event_id, inbox.c.json, inbox.c.attempts, inbox.c.not_before)
            .where(_PENDING, inbox.c.room_id == room_id)
            .order_by(inbox.c.received)
            .limit(limit)
        )
        async with self._store.reading() as connection:
            return [Row(*row) for row in await connection.execute(query)]

    async def was_said(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys under which something was said before."""
        if not keys:
            return set()
        async with self._store.reading() as connection:
            return set(await connection.scalars(sa.select(said.c.key).where(said.c.key.in_(keys))))

    async def handled(self, rows: Sequence[int], *, said_now: Sequence[tuple[str, str]] = ()) -> None:
        """Marks events as handled and drops their content.

        Args:
            rows: The `received` numbers.
            said_now: What was said once: key and id of the event that was its occasion.
        """
        if not rows:
            return
        values = {"state": "handled", "json": None, "last_error": None}
        async with self._store.writing() as connection:
            await connection.execute(inbox.update().where(inbox.c.received.in_(rows)).values(values))
            if said_now:
                await connection.execute(self._say, [{"key": key, "event_id": event} for key, event in said_now])

    async def postpone(self, received: int, not_before: float, error: str, *, counts: bool) -> None:
        """Leaves an event pending until later; `counts` tells whether this was an attempt of its own."""
        values = {"not_before": not_before, "last_error": error, "attempts": inbox.c.attempts + int(counts)}
        async with self._store.writing() as connection:
            await connection.execute(inbox.update().where(inbox.c.received == received).values(values))

    async def failed(self, received: int, error: str) -> None:
        """Gives an event up; it keeps its content for whoever looks into it."""
        values = {"state": "failed", "last_error": error, "attempts": inbox.c.attempts + 1}
        async with self._store.writing() as connection:
            await connection.execute(inbox.update().where(inbox.c.received == received).values(values))

    async def depth(self) -> Depth:
        """Counts for the metrics."""
        waiting = sa.select(sa.func.count(), sa.func.min(inbox.c.received_at)).where(_PENDING)
        given_up = sa.select(sa.func.count()).where(inbox.c.state == "failed")
        async with self._store.reading() as connection:
            pending, oldest = (await connection.execute(waiting)).one()
            failed = await connection.scalar(given_up)
        return Depth(pending, failed or 0, None if oldest is None else max(0.0, self._now() - oldest))
