"""What the portal counts of its visitors: that they opened it, and that they signed in; once a day each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date

import sqlalchemy as sa

from belisha.metrics.days import day_of
from bots.kernel.logs import where
from bots.kernel.store import Store
from bots.metrics.book import Doing, FactBook

log = logging.getLogger(__name__)


class Seen:
    """Counts visits; a page that was made is shown whether or not it could be counted."""

    def __init__(self, store: Store, book: FactBook, now: Callable[[], float] = time.time) -> None:
        """Prepares.

        Args:
            store: The bots' store, open.
            book: Where facts go.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._book = book
        self._now = now
        self._day: date | None = None
        self._today: set[tuple[str, str]] = set()

    async def note(self, action: str, user_id: str) -> None:
        """Counts that a member did something, the first time on a day; later ones cost nothing."""
        now = self._now()
        at, this = int(now * 1000), (action, user_id)
        today = day_of(at, self._book.zone)
        if today != self._day:
            self._day, self._today = today, set()
        if this in self._today:
            return
        # With the same key as what the module tells of sessions: a sign-in counts once a day wherever it is made.
        doing = Doing(action, user_id, at, (user_id, "", "", today.isoformat()))
        try:
            await self._store.write(lambda connection: self._book.add(connection, doing, now))
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.warning("a visit was not counted", extra={"error": where(error), "action": action})
            return
        self._today.add(this)
