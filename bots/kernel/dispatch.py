"""Takes pending events to the bots, in order within each room, and marks them after their last effect."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bots.kernel.bot import Bot, Context, Needs
from bots.kernel.effects import Effect, transaction_id
from bots.kernel.events import Event, MalformedEvent, joins, parse
from bots.kernel.inbox import Inbox, Row
from bots.kernel.logs import where
from bots.kernel.matrix import BotClient, Refused, Unreachable
from bots.kernel.metrics import Metrics
from bots.kernel.rooms import Rooms

log = logging.getLogger(__name__)

_AT_ONCE = 8  # rooms in work
_BATCH = 50  # events read ahead within a room
_IDLE = 30.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before another attempt, in seconds."""

    first: float = 1.0
    longest: float = 60.0
    attempts: int = 6
    """How often a handler may raise before its event is given up."""

    def delay(self, earlier: int) -> float:
        """The pause after so many earlier attempts."""
        return min(self.longest, self.first * 2.0 ** min(earlier, 16))


class Actor(NamedTuple):
    """A bot with its account."""

    bot: Bot
    client: BotClient
    rooms: Rooms


class Dispatcher:
    """The loop between inbox and bots."""

    def __init__(
        self,
        inbox: Inbox,
        actors: Sequence[Actor],
        *,
        is_ours: Callable[[str], bool],
        metrics: Metrics,
        backoff: Backoff | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the loop.

        Args:
            inbox: Where events wait.
            actors: The bots, in the order in which they are asked about each event.
            is_ours: Whether a user id belongs to a bot.
            metrics: Counters.
            backoff: Pauses after errors.
            now: The clock, in seconds since 1970.
        """
        self._inbox = inbox
        self._actors = actors
        self._is_ours = is_ours
        self._metrics = metrics
        self._backoff = backoff or Backoff()
        self._now = now
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._unreachable = 0

    def wake(self) -> None:
        """Tells that something was stored."""
        self._wake.set()

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    pause = await self._start_rooms()
                except Exception as error:
                    log.error("the inbox cannot be read", extra={"error": where(error)})
                    pause = self._backoff.first
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

    async def _start_rooms(self) -> float:
        """Starts work in the rooms that are due, and tells how long nothing else will be."""
        pause = _IDLE
        for room_id, not_before in (await self._inbox.waiting_rooms()).items():
            if room_id in self._busy:
                continue
            if (due_in := not_before - self._now()) > 0:
                pause = min(pause, due_in)
            elif len(self._busy) < _AT_ONCE:
                task = asyncio.create_task(self._work(room_id))
                self._busy[room_id] = task
                task.add_done_callback(lambda _task, room_id=room_id: self._done(room_id))  # type: ignore[misc]
        return pause

    def _done(self, room_id: str) -> None:
        del self._busy[room_id]
        self._wake.set()

    async def _work(self, room_id: str) -> None:
        try:
            for row in await self._inbox.pending(room_id, _BATCH):
                if row.not_before > self._now() or not await self._try(room_id, row):
                    return
        except Exception as error:
            # The database failed, not a handler: what was done is done again under the same transaction ids.
            log.error("an event cannot be marked", extra={"error": where(error)})
            await asyncio.sleep(self._backoff.first)

    async def _try(self, room_id: str, row: Row) -> bool:
        """Handles one event; tells whether the room's next one may follow."""
        try:
            with self._metrics.handling.time():
                said_now = await self._handle(parse(row.json))
        except Unreachable as error:
            pause = error.retry_after or self._backoff.delay(self._unreachable)
            self._unreachable += 1
            log.warning("Synapse cannot be asked, trying again", extra={"reason": str(error), "seconds": pause})
            await self._postpone(row, pause, str(error), counts=False)
            return False
        except Exception as error:
            return await self._after_error(room_id, row, error)
        self._unreachable = 0
        await self._inbox.handled([row.received], said_now=said_now)
        self._metrics.handled.inc()
        return True

    async def _after_error(self, room_id: str, row: Row, error: Exception) -> bool:
        told = str(error) if isinstance(error, Refused) else where(error)
        about = {"room": room_id, "event": row.event_id, "error": told, "attempt": row.attempts + 1}
        if isinstance(error, MalformedEvent) or row.attempts + 1 >= self._backoff.attempts:
            log.error("an event is given up", extra=about)
            await self._inbox.failed(row.received, told)
            self._metrics.failed.inc()
            return True
        log.warning("an event could not be handled, trying again", extra=about)
        await self._postpone(row, self._backoff.delay(row.attempts), told, counts=True)
        return False

    async def _postpone(self, row: Row, pause: float, told: str, *, counts: bool) -> None:
        self._metrics.retried.inc()
        await self._inbox.postpone(row.received, self._now() + pause, told, counts=counts)

    async def _handle(self, event: Event) -> list[tuple[str, str]]:
        """Lets each bot handle the event; returns what was said once, to be stored with the mark."""
        said_now: list[tuple[str, str]] = []
        for actor in self._actors:
            if not actor.client.registered:
                await actor.client.register()
            effects = await self._effects(actor, event)
            keys = [effect.once for effect in effects if effect.once]
            said = await self._inbox.was_said(keys)
            for position, effect in enumerate(effects):
                if effect.once not in said:
                    await _send(actor.client, event, effect, position)
            said_now += [(key, event.event_id) for key in keys if key not in said]
        return said_now

    async def _effects(self, actor: Actor, event: Event) -> Sequence[Effect]:
        me = actor.client.user_id
        # Bots that answered bots would do so for ever; that one of them has joined is news to it alone.
        if self._is_ours(event.sender) and not joins(event, me):
            return ()
        needs = actor.bot.needs(event, me)
        if needs is None:
            return ()
        return actor.bot.handle(event, await self._context(actor, event.room_id, needs))

    async def _context(self, actor: Actor, room_id: str, needs: Needs) -> Context:
        context = Context(me=actor.client.user_id)
        if needs.policy:
            context = replace(context, policy=await actor.rooms.policy(room_id, needs))
        if needs.audience:
            context = replace(context, audience=await actor.rooms.audience(room_id))
        if needs.people:
            everybody = await actor.rooms.people(room_id)
            members = {user: name for user, name in everybody.items() if not self._is_ours(user)}
            context = replace(context, people=members)
        return context


async def _send(client: BotClient, event: Event, effect: Effect, position: int) -> None:
    occasion, position = (effect.once, 0) if effect.once else (event.event_id, position)
    await client.send(event.room_id, effect.type, effect.content, transaction_id(client.user_id, occasion, position))
