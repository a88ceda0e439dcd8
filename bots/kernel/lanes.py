"""Works in many lanes side by side and in each one after the other; what fails is put aside for a moment."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bots.kernel.leases import Leases
from bots.kernel.logs import where

log = logging.getLogger(__name__)

_ASIDE = 1.0
_TOGETHER = 0.005


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before another attempt, in seconds."""

    first: float = 1.0
    longest: float = 60.0
    attempts: int = 6
    """How often something may fail by its own fault before it is given up."""

    def delay(self, earlier: int) -> float:
        """The pause after so many earlier attempts."""
        return min(self.longest, self.first * 2.0 ** min(earlier, 16))


class Lanes:
    """A loop that finds lanes in which something is due, and starts one task in each."""

    def __init__(
        self,
        due: Callable[[], Awaitable[dict[str, float]]],
        work: Callable[[str], Awaitable[None]],
        leases: Leases,
        *,
        at_once: int = 8,
        idle: float = 30.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the loop.

        Args:
            due: Each lane in which something waits, with the time before which it is not to be worked in.
            work: Does what is due in one lane.
            leases: Who else works.
            at_once: How many lanes are worked in side by side.
            idle: Seconds after which to look again without having been woken.
            now: The clock, in seconds since 1970.
        """
        self._due = due
        self._work = work
        self._leases = leases
        self._at_once = at_once
        self._idle = idle
        self._now = now
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._aside: dict[str, float] = {}

    def wake(self) -> None:
        """Tells that something new may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    pause = await self._start()
                except Exception as error:
                    log.error("what is due cannot be read", extra={"error": where(error)})
                    pause = _ASIDE
                await self._sleep(pause)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _start(self) -> float:
        """Starts work where it is due, and tells how long it will not be elsewhere."""
        pause = self._idle
        due = await self._due()
        now = self._now()
        self._aside = {lane: until for lane, until in self._aside.items() if until > now}
        for lane, not_before in due.items():
            if lane in self._busy:
                continue
            due_in = max(not_before, self._aside.get(lane, 0.0)) - now
            if due_in > 0:
                pause = min(pause, due_in)
            elif len(self._busy) < self._at_once:  # whoever is done first wakes us
                task = asyncio.create_task(self._in_lane(lane))
                self._busy[lane] = task
                task.add_done_callback(lambda _task, lane=lane: self._done(lane))  # type: ignore[misc]  # of a default, no type is inferred
        return pause

    def _done(self, lane: str) -> None:
        del self._busy[lane]
        # Lanes that end side by side are looked at together.
        asyncio.get_running_loop().call_later(_TOGETHER, self._wake.set)

    async def _in_lane(self, lane: str) -> None:
        try:
            async with self._leases.hold(lane) as ours:
                if ours:
                    await self._work(lane)
                else:
                    self._put_aside(lane)
        except Exception as error:
            log.error("work in a lane failed, trying again", extra={"lane": lane, "error": where(error)})
            self._put_aside(lane)

    def _put_aside(self, lane: str) -> None:
        self._aside[lane] = self._now() + _ASIDE
