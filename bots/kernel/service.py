"""The application service's HTTP side: transactions are stored before they are answered."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from aiohttp import web
from mautrix.appservice import AppService, ASStateStore
from mautrix.client.state_store import MemoryStateStore

from bots.kernel.config import Config
from bots.kernel.events import MalformedEvent, Received, receive
from bots.kernel.inbox import Inbox
from bots.kernel.logs import where
from bots.kernel.metrics import Metrics
from bots.kernel.outbox import Outbox
from bots.kernel.store import Store
from bots.kernel.tables import room

log = logging.getLogger(__name__)

#: Gives more text for Prometheus, read in a transaction.
Numbers = Callable[[sa.Connection], bytes]

# A hundred events of 64 KiB, escaped, and what rides along. aiohttp's own limit is 1 MiB, above which
# Synapse would repeat a large transaction for ever.
_LARGEST = 64 * 1024 * 1024
# Which chain of deliveries a transaction belongs to: the module of Synapse says so.
_INSTANCE = "Org-Belisha-Instance"


class _StateInMemory(MemoryStateStore, ASStateStore):
    """mautrix writes `mx-state.json` into the working folder where it is given no store."""

    def __init__(self) -> None:
        MemoryStateStore.__init__(self)
        ASStateStore.__init__(self)


class BotsService(AppService):
    """Takes transactions from Synapse into the inbox.

    mautrix answers before its handlers have run, and drops transaction ids it has seen, although Synapse's
    start again at 1 on SQLite; here the answer follows the commit, and events are known by their own ids.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        inbox: Inbox,
        metrics: Metrics,
        *,
        stored: Callable[[bool], None],
        waiting_for: Callable[[], str],
        numbers: Sequence[Numbers] = (),
    ) -> None:
        """Prepares the routes; `start` listens.

        Args:
            config: Addresses and tokens.
            store: The open store.
            inbox: Where events are stored.
            metrics: Counters.
            stored: Called after each commit that may have brought something new, with whether the chain of deliveries
                is another than before.
            waiting_for: What keeps this process from being ready; empty when it is.
            numbers: What else is shown to Prometheus, of what is in the store.
        """
        super().__init__(
            server=config.homeserver,
            domain=config.server_name,
            as_token=config.as_token(),
            hs_token=config.hs_token(),
            bot_localpart=config.bots.steward,
            id=config.appservice_id,
            state_store=_StateInMemory(),
            aiohttp_params={"client_max_size": _LARGEST},
        )
        self._store = store
        self._inbox = inbox
        self._outbox = Outbox(store)
        self._metrics = metrics
        self._stored = stored
        self._waiting_for = waiting_for
        self._numbers = numbers
        self.app.router.add_get("/healthz", self._healthz)
        self.app.router.add_get("/readyz", self._readyz)
        self.app.router.add_get("/metrics", self._metrics_page)

    def _check_token(self, request: web.Request) -> bool:
        """Compares in constant time. Tokens in the address are not read: addresses end up in logs."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(errors="replace"), self.hs_token.encode()):
            return True
        self._metrics.rejected.labels(reason="token").inc()
        return False

    async def _http_handle_transaction(self, request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            return _error(401, "M_MISSING_TOKEN", "The request carries no token.")
        if not self._check_token(request):
            return _error(403, "M_FORBIDDEN", "This is not the token of the homeserver these bots belong to.")
        instance = request.headers.get(_INSTANCE)
        if not instance:
            self._metrics.rejected.labels(reason="instance").inc()
            log.error("Synapse runs without the present module: restart it")
            return _error(503, "M_UNKNOWN", "The delivery does not say which chain it belongs to. Restart Synapse.")
        try:
            events = _events(await request.read())
        except MalformedEvent as error:
            self._metrics.rejected.labels(reason="malformed").inc()
            log.warning("a malformed transaction was refused", extra={"reason": str(error)})
            return _error(400, "M_BAD_JSON", str(error))
        try:
            broken = await self._inbox.add(events, instance)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            self._metrics.rejected.labels(reason="store").inc()
            log.error("a transaction was not stored", extra={"error": where(error), "events": len(events)})
            return _error(503, "M_UNKNOWN", "The bots could not store this just now. Send it again.")
        self._metrics.received.inc(len(events))
        if broken:
            self._metrics.breaks.inc()
        self._stored(broken)
        return web.json_response({})

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _request: web.Request) -> web.Response:
        waiting_for = self._waiting_for()
        if waiting_for:
            return web.json_response({"ready": False, "waiting_for": waiting_for}, status=503)
        return web.json_response({"ready": True})

    async def _metrics_page(self, _request: web.Request) -> web.Response:
        query = sa.select(sa.func.count()).where(room.c.catch_up_since.is_not(None))
        async with self._store.reading() as connection:
            marked = await connection.scalar(query) or 0
        page = self._metrics.page(await self._inbox.depth(), await self._outbox.depth(), marked)
        for numbers in self._numbers:
            page += await self._store.read(numbers)
        return web.Response(body=page, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _events(body: bytes) -> list[Received]:
    """Reads a transaction.

    Raises:
        MalformedEvent: With a sentence that says what is wrong with it.
    """
    try:
        transaction = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("The body is not JSON.") from error
    if not isinstance(transaction, dict):
        raise MalformedEvent("The body is not an object.")
    events = transaction.get("events")
    if not isinstance(events, list):
        raise MalformedEvent("The body holds no list of events.")
    return [receive(event) for event in events]


def _error(status: int, errcode: str, sentence: str) -> web.Response:
    return web.json_response({"errcode": errcode, "error": sentence}, status=status)
