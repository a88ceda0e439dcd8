"""Thins what is done, so that the database does not grow for ever.

What was handled keeps its id, so that it is known when it comes again; after a month nothing older is taken at all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from bots.kernel.inbox import Inbox
from bots.kernel.logs import where
from bots.kernel.questions import is_over
from bots.kernel.store import Store
from bots.kernel.tables import form, inbox, outbox, progress, question, room

log = logging.getLogger(__name__)

KEPT_S = 30 * 86400.0
_EVERY_S = 3600.0
_AT_ONCE = 5000


class Thinning:
    """Deletes old rows, a few at a time."""

    def __init__(self, store: Store, box: Inbox, *, now: Callable[[], float] = time.time) -> None:
        """Works on an open store.

        Args:
            store: The store.
            box: The inbox on it.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._inbox = box
        self._now = now

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            try:
                thinned = await self.thin()
                log.info("old rows were deleted", extra={"rows": thinned})
            except Exception as error:
                log.error("old rows cannot be deleted", extra={"error": where(error)})
            await asyncio.sleep(_EVERY_S)

    async def thin(self) -> int:
        """Deletes what is old and done; how many rows."""
        before = self._now() - KEPT_S
        if not await self._store.write(lambda connection: self._may_thin(connection, before)):
            return 0
        newer = inbox.alias()
        is_newest = ~sa.exists().where(newer.c.room_id == inbox.c.room_id, newer.c.received > inbox.c.received)
        # The newest one of each room is where catch-up begins.
        handled = sa.select(inbox.c.received).where(
            inbox.c.state == "handled", inbox.c.received_at < before, ~is_newest
        )
        sent = sa.select(outbox.c.number).where(
            outbox.c.state == "sent", outbox.c.created_at < before, outbox.c.once.is_(None)
        )
        unanswered = sa.select(question.c.effect_id).where(is_over(self._now()))
        handed_in = sa.select(form.c.occasion).where(form.c.at < before)
        return sum(
            [
                await self._delete(inbox.c.received, handled),
                await self._delete(outbox.c.number, sent),
                await self._delete(question.c.effect_id, unanswered),
                await self._delete(form.c.occasion, handed_in),
            ]
        )

    def _may_thin(self, connection: sa.Connection, before: float) -> bool:
        now = self._inbox.alone(connection)
        marked = connection.scalar(sa.select(sa.func.count()).where(room.c.catch_up_since.is_not(None)))
        if now.rooms_due or marked:
            return False  # what is still to be read may be older
        # From now on older events are known to have been here.
        connection.execute(progress.update().values(thinned_until=max(before, now.thinned_until)))
        return True

    async def _delete(self, key: sa.Column[Any], rows: sa.Select[tuple[Any]]) -> int:
        thinned = 0
        while True:
            async with self._store.writing() as connection:
                some = rows.limit(_AT_ONCE)
                deleted = (await connection.execute(sa.delete(key.table).where(key.in_(some)))).rowcount
            thinned += deleted
            if deleted < _AT_ONCE:
                return thinned
