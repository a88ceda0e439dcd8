"""The ground under the bots, put together: what comes in, what is done with it, what goes out, and when."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from bots.charts.artist import Artist
from bots.kernel.batches import Actor
from bots.kernel.by_form import ByForm
from bots.kernel.catch_up import CatchUp
from bots.kernel.config import Config
from bots.kernel.handling import Handling
from bots.kernel.inbox import Inbox
from bots.kernel.lanes import Backoff, Lanes
from bots.kernel.leases import Leases
from bots.kernel.letters import Mailing
from bots.kernel.mail import Mailer
from bots.kernel.matrix import Refused, Unreachable
from bots.kernel.metrics import Metrics
from bots.kernel.outbox import Outbox
from bots.kernel.retention import Thinning
from bots.kernel.schedule import Jobs
from bots.kernel.sending import Sending
from bots.kernel.store import Store
from bots.kernel.webhook import Webhook

log = logging.getLogger(__name__)

_IDLE_ALONE = 10.0
_IDLE_AMONG_REPLICAS = 1.0  # what another replica has stored, or left behind, tells nobody


class Ground:
    """All loops over one store."""

    def __init__(
        self,
        config: Config,
        store: Store,
        leases: Leases,
        actors: Sequence[Actor],
        *,
        is_ours: Callable[[str], bool],
        backoff: Backoff | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the loops.

        Args:
            config: The checked configuration.
            store: The open store.
            leases: Who works where.
            actors: The bots, in the order in which they are asked about each event.
            is_ours: Whether a user id belongs to a bot.
            backoff: Pauses after errors.
            now: The clock, in seconds since 1970.
        """
        self._config = config
        self._actors = actors
        self._pinging: asyncio.Task[None] | None = None
        self.metrics = Metrics(config.data)
        self.inbox = Inbox(store, now)
        self.outbox = Outbox(store, now, ZoneInfo(config.time_zone))
        clients = {actor.bot.name: actor.client for actor in actors}
        idle = _IDLE_ALONE if store.is_sqlite else _IDLE_AMONG_REPLICAS
        mailing = Mailing(store, actors, Mailer(config.mail, config.server_name), now=now)
        sending = Sending(
            self.outbox,
            clients,
            mailing,
            self.metrics,
            webhook=Webhook(config.escalation.webhook),
            draw=Artist().draw,
            backoff=backoff,
            now=now,
            due=lambda: self._timing.wake(),
        )
        self._sending = Lanes(self.outbox.waiting_lanes, sending.work, leases, idle=idle, now=now)
        handling = Handling(
            store,
            self.inbox,
            self.outbox,
            leases,
            actors,
            is_ours=is_ours,
            metrics=self.metrics,
            handled=self._handled,
            backoff=backoff,
            now=now,
        )
        self._handling = Lanes(handling.due, handling.work, leases, idle=idle, now=now)
        self._jobs = Jobs(
            store,
            self.outbox,
            actors,
            self.metrics,
            ZoneInfo(config.time_zone),
            done=self._sending.wake,
            backoff=backoff,
            now=now,
        )
        self._timing = Lanes(self._jobs.waiting_lanes, self._jobs.work, leases, at_once=4, idle=idle, now=now)
        self._catch_up = CatchUp(
            store,
            self.inbox,
            list(clients.values()),
            leases,
            self.metrics,
            ready=self._handling.wake,
            ping=self._ping,
        )
        self._thinning = Thinning(store, self.inbox, now=now)
        self.by_form = ByForm(store, self.outbox, actors, is_ours=is_ours, done=self._handled, now=now)

    async def begin(self) -> None:
        """Writes down what the loops find when they start."""
        await self.inbox.start_over()
        await self._jobs.set_up()

    def work(self) -> Sequence[Coroutine[Any, Any, None]]:
        """The loops, each to be run as a task."""
        loops = (self._handling, self._sending, self._timing, self._catch_up, self._thinning)
        return [loop.run() for loop in loops]

    def stored(self, broken: bool) -> None:
        """Tells that events were stored."""
        self._handling.wake()
        if broken:
            self._catch_up.wake()

    def _handled(self) -> None:
        """Effects wait, and perhaps a job that an event brought: that is not to wait till jobs are looked for again."""
        self._sending.wake()
        if self.outbox.planned:
            self.outbox.planned = False
            self._timing.wake()

    def _ping(self) -> None:
        """Has Synapse send at once what waits: after an outage it would try only after minutes."""
        if self._pinging is None or self._pinging.done():
            self._pinging = asyncio.create_task(self._ping_now())

    async def _ping_now(self) -> None:
        try:
            await self._actors[0].client.ping(self._config.appservice_id)
        except (Unreachable, Refused) as error:
            log.info("Synapse was not pinged", extra={"reason": str(error)})
