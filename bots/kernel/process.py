"""Puts the process together: store, service, bots, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import aiohttp

from belisha import alive
from bots.charts import artist
from bots.kernel.batches import Actor
from bots.kernel.bot import Bot
from bots.kernel.by_form import ByForm
from bots.kernel.config import Config
from bots.kernel.ground import Ground
from bots.kernel.leases import Leases
from bots.kernel.matrix import BotClient, Refused, Unreachable
from bots.kernel.rooms import Rooms
from bots.kernel.service import BotsService, Numbers
from bots.kernel.store import Store

log = logging.getLogger(__name__)

NAMESPACE = "belisha_"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0

Beside = Callable[[Store, aiohttp.ClientSession, ByForm], AbstractAsyncContextManager[None]]


class StartError(Exception):
    """The process cannot start; `str()` is one line for a person."""


class Process:
    """The running bots."""

    def __init__(
        self, config: Config, bots: Sequence[Bot], beside: Sequence[Beside] = (), numbers: Sequence[Numbers] = ()
    ) -> None:
        """Prepares everything that needs neither network nor database.

        Args:
            config: The checked configuration.
            bots: The bots, in the order in which they are asked about each event.
            beside: What runs as long as the bots do, on the same store; it may hand in what members ask for by a form.
            numbers: What `/metrics` shows besides the kernel's own.
        """
        self._config = config
        self._beside = beside
        self._numbers = numbers
        self._bots = bots
        self._waiting_for = "the database"

    async def run(self) -> None:
        """Works until SIGTERM or SIGINT.

        Raises:
            StartError: The port is taken.
            StoreError: The database cannot be used.
        """
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        async with AsyncExitStack() as stack:
            telling = asyncio.create_task(alive.keep_telling())  # from the first moment to the last: both may take long
            stack.callback(telling.cancel)
            store = Store(self._config.database)
            stack.push_async_callback(store.close)
            await store.open()
            store.hold()
            artist.clear()
            session = await stack.enter_async_context(aiohttp.ClientSession())
            leases = Leases(store)
            stack.push_async_callback(leases.close)
            actors = [self._actor(bot, session) for bot in self._bots]
            ground = Ground(self._config, store, leases, actors, is_ours=self.is_ours)
            await ground.begin()
            service = BotsService(
                self._config,
                store,
                ground.inbox,
                ground.metrics,
                stored=ground.stored,
                waiting_for=lambda: self._waiting_for,
                numbers=self._numbers,
            )
            stack.push_async_callback(service.stop)
            await self._listen(service)
            for other in self._beside:
                await stack.enter_async_context(other(store, session, ground.by_form))
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in (self._announce(actors), *ground.work())]
                await stop.wait()
                log.info("stopping")
                for task in tasks:
                    task.cancel()

    def is_ours(self, user_id: str) -> bool:
        """Whether a user id is in the namespace of the bots."""
        localpart, _, server = user_id.removeprefix("@").partition(":")
        return localpart.startswith(NAMESPACE) and server == self._config.server_name

    def _actor(self, bot: Bot, session: aiohttp.ClientSession) -> Actor:
        localpart: str = getattr(self._config.bots, bot.name)
        user_id = self._config.user_id(localpart)
        client = BotClient(self._config.homeserver, user_id, self._config.as_token(), session)
        return Actor(bot, client, Rooms(client))

    async def _listen(self, service: BotsService) -> None:
        listen = self._config.listen
        try:
            await service.start(listen.host, listen.port)
        except OSError as error:
            raise StartError(
                f"The bots cannot listen on {listen.host}:{listen.port}: {error.strerror}. "
                "Stop what uses that port, or choose another as listen.port."
            ) from error

    async def _announce(self, actors: Sequence[Actor]) -> None:
        """Makes the accounts, and has Synapse send what waits."""
        self._waiting_for = "the homeserver's answer"
        for actor in actors:
            await _insist("registering a bot", actor.client.register)
        await _insist("the ping", lambda: actors[0].client.ping(self._config.appservice_id))
        self._waiting_for = ""
        log.info("ready")


async def _insist(what: str, ask: Callable[[], Awaitable[None]]) -> None:
    """Repeats a request until it is answered: Synapse may start after the bots, and need its time."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await ask()
        except Unreachable as error:
            log.info("waiting for the homeserver", extra={"for": what, "reason": str(error)})
        except Refused as error:
            log.error(
                "the homeserver refuses the bots: run `belisha render`, then restart it",
                extra={"for": what, "reason": str(error)},
            )
        await asyncio.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 1.5)
