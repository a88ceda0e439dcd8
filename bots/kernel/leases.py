"""Who works in which lane: one process at a time, however many replicas there are.

On PostgreSQL a lease is the lock of the lane's row, held by an open transaction on a connection of its own: when a
replica dies, its connections end, and so do its leases, without any clock. SQLite has one process, and needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bots.kernel.store import Store
from bots.kernel.tables import lease

_KNOWN = 10_000

Ours = Callable[[sa.Connection], Collection[str]]


@dataclass(slots=True)
class _Held:
    connection: AsyncConnection
    users: int = 0


class Leases:
    """The leases of this process."""

    def __init__(self, store: Store, at_once: int = 24) -> None:
        """Prepares connections.

        Args:
            store: The open store.
            at_once: How many leases can be held side by side.
        """
        self._store = store
        self._engine: AsyncEngine | None = None if store.is_sqlite else store.leases(at_once)
        self._held: dict[str, _Held] = {}
        self._taking = asyncio.Lock()
        self._known: set[str] = set()
        """Lanes that have a row."""

    @asynccontextmanager
    async def hold(self, lane: str) -> AsyncIterator[bool]:
        """Holds a lane for the block; False where another replica holds it. Within a process it is shared."""
        if self._engine is None:
            yield True
            return
        async with self._taking:
            held = self._held.get(lane) or await self._take(self._engine, lane)
            if held is not None:
                held.users += 1
                self._held[lane] = held
        try:
            yield held is not None
        finally:
            if held is not None:
                await self._let_go(lane, held)

    async def _let_go(self, lane: str, held: _Held) -> None:
        held.users -= 1
        if not held.users:
            del self._held[lane]
            await asyncio.shield(held.connection.close())

    @asynccontextmanager
    async def within(self, lanes: Collection[str]) -> AsyncIterator[Ours]:
        """For one transaction in many lanes: gives what tells, inside it, which of them are ours until its end.

        Those are the lanes that it holds already, and those that nobody does. Meanwhile nothing else of this process
        takes a lane.
        """
        if self._engine is None:
            yield lambda _connection: lanes
            return
        async with self._taking:
            await self._make_known(lanes)
            shared = {lane: held for lane in lanes if (held := self._held.get(lane)) is not None}
            for held in shared.values():
                held.users += 1
            free = [lane for lane in lanes if lane not in shared]
            query = sa.select(lease.c.lane).where(lease.c.lane.in_(free)).with_for_update(skip_locked=True)
            try:
                yield lambda connection: {*shared, *connection.scalars(query)}
            finally:
                for lane, held in shared.items():
                    await self._let_go(lane, held)

    async def _make_known(self, lanes: Collection[str]) -> None:
        """Sees that the lanes have rows."""
        if new := [{"lane": lane} for lane in sorted(set(lanes) - self._known)]:
            async with self._store.writing() as connection:
                await connection.execute(self._store.insert(lease, "lane"), new)
            if len(self._known) > _KNOWN:
                self._known.clear()
            self._known.update(row["lane"] for row in new)

    async def _take(self, engine: AsyncEngine, lane: str) -> _Held | None:
        await self._make_known([lane])
        connection = await engine.connect()
        try:
            query = sa.select(lease.c.lane).where(lease.c.lane == lane).with_for_update(skip_locked=True)
            if await connection.scalar(query) is not None:
                return _Held(connection)
        except BaseException:
            await connection.close()
            raise
        await connection.close()
        return None

    async def close(self) -> None:
        """Lets go of everything."""
        if self._engine is not None:
            await self._engine.dispose()
