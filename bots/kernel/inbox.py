"""The durable inbox: events are stored before Synapse is answered, and leave only when they are handled."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bots.kernel.events import Received
from bots.kernel.store import Store
from bots.kernel.tables import inbox, progress, room

PENDING = inbox.c.state == "pending"
#: What may be handled: in a room that is marked, only what came before the chain of deliveries broke.
_HANDLEABLE = PENDING & (room.c.catch_up_since.is_(None) | (inbox.c.received <= room.c.catch_up_since))
_WITH_ROOM = inbox.outerjoin(room, room.c.room_id == inbox.c.room_id)
_ROW = (
    *(inbox.c.received, inbox.c.event_id, inbox.c.json),
    *(inbox.c.attempts, inbox.c.not_before, inbox.c.handled_by),
)
_ONE_AFTER_THE_OTHER = 0x62656C6A  # any number, the same in every process


@dataclass(frozen=True, slots=True)
class Row:
    """A pending event."""

    received: int
    event_id: str
    json: str
    attempts: int
    not_before: float
    handled_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits, and since when."""

    pending: int
    failed: int
    oldest: float | None
    """Seconds that the oldest of what is pending has waited."""


class Inbox:
    """The table `inbox`, with what is known of the chain of deliveries."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        """Works on an open store.

        Args:
            store: Where the tables are.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self.now = now
        self._add_event = store.insert(inbox, "event_id")
        self._add_room = store.insert(room, "room_id")

    async def add(self, events: Sequence[Received], instance: str | None = None) -> bool:
        """Stores and commits events in their order; those known by their id are left as they are.

        Args:
            events: What was delivered.
            instance: The chain of deliveries it came by.

        Returns:
            Whether the chain is a new one, so that something between it and the last may be lost.
        """
        return await self._store.write(lambda connection: self._store_events(connection, events, instance))

    def _store_events(self, connection: sa.Connection, events: Sequence[Received], instance: str | None) -> bool:
        now = self.alone(connection)
        broken = instance is not None and now.instance != instance
        if broken:
            self.mark(connection, instance)
        fresh = [event for event in events if event.sent_at >= now.thinned_until]
        if fresh:
            since = 0 if broken or now.rooms_due else None
            rooms = [
                {"room_id": room_id, "catch_up_since": since, "generation": now.generation + int(broken)}
                for room_id in dict.fromkeys(event.room_id for event in fresh)
            ]
            connection.execute(self._add_room, rooms)
            connection.execute(self._add_event, self._rows(fresh))
        return broken

    def _rows(self, events: Iterable[Received]) -> list[dict[str, object]]:
        now = self.now()
        return [
            {"event_id": event.event_id, "room_id": event.room_id, "json": event.json, "received_at": now}
            for event in events
        ]

    def alone(self, connection: sa.Connection) -> sa.Row[*tuple[Any, ...]]:
        """Has the transaction be the only one that stores events, and tells where things stand.

        Otherwise a lower number could be committed after a higher one, and what came before a break be taken for
        what came after it.
        """
        if not self._store.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AFTER_THE_OTHER)))
        query = sa.select(progress.c.instance, progress.c.generation, progress.c.rooms_due, progress.c.thinned_until)
        return connection.execute(query).one()

    def mark(self, connection: sa.Connection, instance: str | None) -> None:
        """Marks every room: something that came after the last event stored may be missing."""
        newest = sa.select(sa.func.coalesce(sa.func.max(inbox.c.received), 0)).scalar_subquery()
        generation = sa.select(progress.c.generation).scalar_subquery()
        values = {"instance": instance, "generation": progress.c.generation + 1, "rooms_due": True}
        connection.execute(progress.update().values(values))
        marked = {"catch_up_since": sa.func.coalesce(room.c.catch_up_since, newest), "generation": generation}
        connection.execute(room.update().values(marked))

    def mark_if_new(self, connection: sa.Connection, instance: str) -> None:
        """Marks every room where the chain of deliveries is another than the last."""
        if self.alone(connection).instance != instance:
            self.mark(connection, instance)

    async def start_over(self) -> None:
        """Marks every room because this process has just started."""
        await self._store.write(lambda connection: self.mark(connection, self.alone(connection).instance))

    async def waiting_rooms(self) -> dict[str, float]:
        """Each room where something can be handled, with the time before which its first event must wait."""
        first = (
            sa.select(sa.func.min(inbox.c.received).label("received"))
            .select_from(_WITH_ROOM)
            .where(_HANDLEABLE)
            .group_by(inbox.c.room_id)
            .subquery()
        )
        query = (
            sa.select(inbox.c.room_id, inbox.c.not_before)
            .join(first, first.c.received == inbox.c.received)
            .order_by(inbox.c.received)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {row.room_id: row.not_before for row in rows}

    async def pending(self, room_id: str, limit: int) -> list[Row]:
        """The first events of a room that can be handled, in their order."""
        query = (
            sa.select(*_ROW)
            .select_from(_WITH_ROOM)
            .where(_HANDLEABLE, inbox.c.room_id == room_id)
            .order_by(inbox.c.received)
            .limit(limit)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [_row(row) for row in rows]

    def next_of(self, connection: sa.Connection, rooms: Collection[str], limit: int) -> list[tuple[str, Row]]:
        """The first events of these rooms that can be handled, in their order, each with its room."""
        query = (
            sa.select(inbox.c.room_id, *_ROW)
            .select_from(_WITH_ROOM)
            .where(_HANDLEABLE, inbox.c.room_id.in_(rooms))
            .order_by(inbox.c.received)
            .limit(limit)
        )
        return [(row[0], _row(row[1:])) for row in connection.execute(query)]

    async def postpone(self, received: int, not_before: float, error: str) -> None:
        """Leaves an event pending until later, without counting it as an attempt."""
        values = {"not_before": not_before, "last_error": error}
        async with self._store.writing() as connection:
            await connection.execute(inbox.update().where(inbox.c.received == received, PENDING).values(values))

    async def give_up(self, received: int, error: str) -> None:
        """Parks an event; it keeps its content for whoever looks into it."""
        values = {"state": "failed", "last_error": error, "attempts": inbox.c.attempts + 1}
        async with self._store.writing() as connection:
            await connection.execute(inbox.update().where(inbox.c.received == received, PENDING).values(values))

    async def depth(self) -> Depth:
        """Counts for the metrics."""
        waiting = sa.select(sa.func.count(), sa.func.min(inbox.c.received_at)).where(PENDING)
        given_up = sa.select(sa.func.count()).where(inbox.c.state == "failed")
        async with self._store.reading() as connection:
            pending, oldest = (await connection.execute(waiting)).one()
            failed = await connection.scalar(given_up)
        return Depth(pending, failed or 0, None if oldest is None else max(0.0, self.now() - oldest))


def _row(values: Sequence[Any]) -> Row:
    received, event_id, text, attempts, not_before, handled_by = values
    return Row(received, event_id, text, attempts, not_before, frozenset(filter(None, handled_by.split(","))))
