"""Handles what needs nothing of the network: the next events of all rooms together, in one transaction.

Most events are of that kind, and a transaction for each room costs several times what its events do. What is left,
since it must ask Synapse, is no event, or has made a handler raise, is for its room's own lane.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa

from bots.kernel.batches import Batches, Overtaken, Prepared
from bots.kernel.inbox import Inbox
from bots.kernel.leases import Leases, Ours
from bots.kernel.store import Store

_AT_ONCE = 200  # events in one transaction: handlers hold up what arrives for as long as it takes
_ROOMS = 500
_CULPRITS = 8  # so often it is tried again without the room where a handler raised
_AGAIN_S = 0.001


class _RaisedIn(Exception):
    """A handler raised; the transaction is rolled back."""

    def __init__(self, room_id: str, events: int) -> None:
        super().__init__(room_id)
        self.room_id = room_id
        self.events = events


@dataclass(slots=True)
class _Swept:
    """What came of one transaction."""

    handled: int = 0
    full: bool = False
    left: set[str] = field(default_factory=set)


class Sweep:
    """What is done before any room's lane is worked in."""

    def __init__(
        self,
        store: Store,
        box: Inbox,
        leases: Leases,
        batches: Batches,
        *,
        at_work: Collection[str],
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the work.

        Args:
            store: The open store.
            box: Where events wait.
            leases: Who else works where.
            batches: How events are handled.
            at_work: The rooms whose lanes are worked in at this moment: they are let alone.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._inbox = box
        self._leases = leases
        self._batches = batches
        self._at_work = at_work
        self._now = now
        self.for_lanes: dict[str, int] = {}
        """Rooms whose next event is for their lane; with how many are to be handled one at a time, as a handler raised.

        Whoever works in the lane takes the room out.
        """

    async def due(self) -> dict[str, float]:
        """Handles what it can, and tells each room that is left, with the time before which its lane must wait."""
        waiting = await self._inbox.waiting_rooms()
        now = self._now()
        rooms = [
            room
            for room, not_before in waiting.items()
            if not_before <= now and room not in self._at_work and room not in self.for_lanes
        ]
        if not rooms:
            return waiting
        full = await self._sweep(rooms[:_ROOMS])
        again = self._now() + _AGAIN_S
        for place, room in enumerate(rooms):
            if place >= _ROOMS:
                waiting[room] = again
            elif room in self.for_lanes:
                continue
            elif full:
                waiting[room] = again
            else:
                del waiting[room]
        return waiting

    async def _sweep(self, rooms: list[str]) -> bool:
        """Handles what it can, again without a room where a handler raises.

        Returns:
            Whether there may be more, in rooms that are not left to their lanes.
        """
        for _ in range(_CULPRITS):
            try:
                async with self._leases.within(rooms) as ours:
                    swept = await self._store.write(partial(self._in_transaction, ours, rooms))
            except _RaisedIn as raised:
                self.for_lanes[raised.room_id] = raised.events
                rooms = [room for room in rooms if room != raised.room_id]
            except Overtaken:
                break
            else:
                self.for_lanes |= dict.fromkeys(swept.left, 0)
                self._batches.committed(swept.handled)
                return swept.full
        self.for_lanes |= dict.fromkeys(rooms, 0)
        return False

    def _in_transaction(self, which: Ours, rooms: Collection[str], connection: sa.Connection) -> _Swept:
        ours = which(connection)
        swept = _Swept(left=set(rooms) - set(ours))
        if not ours:
            return swept
        rows = self._inbox.next_of(connection, ours, _AT_ONCE)
        swept.full = len(rows) == _AT_ONCE
        batch: list[Prepared] = []
        for room_id, row in rows:
            if room_id in swept.left:
                continue
            try:
                prepared = self._batches.prepare(row)
            except Exception:
                prepared = None  # in its lane it holds up nobody but its room
            if prepared is None or row.attempts or row.not_before > self._now():
                swept.left.add(room_id)
            else:
                batch.append(prepared)
        for one in batch:
            try:
                self._batches.handle(connection, one)
            except Exception as error:
                room_id = one.event.room_id
                raise _RaisedIn(room_id, sum(other.event.room_id == room_id for other in batch)) from error
        self._batches.mark(connection, batch)
        swept.handled = len(batch)
        return swept
