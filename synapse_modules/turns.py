"""Lets a few things happen at a time, and nobody wait behind all that somebody else has asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from synapse.logging.context import PreserveLoggingContext, make_deferred_yieldable
from twisted.internet.defer import Deferred


class Turns:
    """So many turns at once, at most one of them any one person's; who waits goes behind who has waited longer."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._busy: set[str] = set()
        self._waiting: dict[str, deque[Deferred[None]]] = {}

    @asynccontextmanager
    async def of(self, who: str) -> AsyncIterator[None]:
        """Waits for a turn of that person, and gives it back."""
        if self._free and who not in self._busy:
            self._free -= 1
            self._busy.add(who)
        else:
            turn: Deferred[None] = Deferred()
            self._waiting.setdefault(who, deque()).append(turn)
            await make_deferred_yieldable(turn)
        try:
            yield
        finally:
            self._free += 1
            self._busy.discard(who)
            self._pass_on()

    def _pass_on(self) -> None:
        who = next((who for who in self._waiting if who not in self._busy), None) if self._free else None
        if who is None:
            return
        waiting = self._waiting.pop(who)
        turn = waiting.popleft()
        if waiting:
            self._waiting[who] = waiting  # behind everybody else
        self._free -= 1
        self._busy.add(who)
        with PreserveLoggingContext():
            turn.callback(None)
