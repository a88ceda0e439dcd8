"""Makes versions of pads by itself: once a text has rested, or was being written in for long.

What waits for a version stands in the database, and goes with the version's commit. So after a crash it is made all the
same, and of two processes that make the same one, one finds it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

from bots.kernel.logs import where
from bots.pads.book import Gone
from bots.pads.versions import VersionBook

log = logging.getLogger(__name__)

#: Seconds between two looks for what is due.
_EVERY: Final = 30.0


class Keeper:
    """Runs beside the pages."""

    def __init__(self, versions: VersionBook, now: Callable[[], float] = time.time) -> None:
        """Makes versions of `versions`; `now` is the clock, in seconds since 1970."""
        self._versions, self._now = versions, now
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look, now and then."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Ends."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Makes the versions that are due."""
        for event_id in await self._versions.due(self._now()):
            # Taken back meanwhile: then there is nothing to be kept.
            with contextlib.suppress(Gone):
                await self._versions.keep(event_id, self._now())

    async def _work(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:
                log.warning("a version of a pad could not be kept; it is tried again", extra={"error": where(error)})
            await asyncio.sleep(_EVERY)
