"""Tells the bots where a chain of deliveries begins: Synapse's push alone loses events, and does not say so.

What is to be sent to an application service waits in Synapse's memory. A process that is killed, or a database that
fails at the wrong moment, loses what waited, which in every room lies behind the last event that was delivered. So each
chain without a gap has an id: it is in a table before the first delivery, and in a header of every delivery. Where the
id is another than before, the bots read their rooms from the last event they know.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from synapse.http.site import SynapseRequest
from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_modules.api_resource import Handler
from synapse_modules.guards import require
from synapse_modules.refusal import FAILURES, not_found

logger = logging.getLogger(__name__)

HEADER: Final = "Org-Belisha-Instance"
WRITE_EVERY_MS: Final = 5_000
#: What runs between taking events out of memory and having them in the database; where it fails, they are lost.
_MUST_WORK: Final = ("get_appservice_state", "create_appservice_txn")


class Deliveries:
    """The id of the present chain, and what the bots may ask about the order of arrival."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._store: Any = api._store
        self._appservices: Any = api._hs.get_application_service_api()
        self.sends: bool = api._hs.config.worker.should_notify_appservices
        self._instance = ""
        self._written = ""

    def fit(self) -> None:
        """Has every delivery of this process carry the id.

        Raises:
            HookMissing: this Synapse delivers in another way.
        """
        require(
            (self._appservices, "put_json", {"uri", "json_body", "headers"}),
            (self._store, "get_appservice_state", {"service"}),
            (self._store, "create_appservice_txn", {"service", "events"}),
            (self._store, "get_position_for_event", {"event_id"}),
        )
        if not self.sends:
            return
        put = self._appservices.put_json

        async def put_json(uri: str, json_body: Any, *arguments: Any, **named: Any) -> Any:
            headers = {**(named.pop("headers", None) or {}), HEADER: [await self.instance()]}
            return await put(uri, json_body, *arguments, headers=headers, **named)

        self._appservices.put_json = put_json
        for name in _MUST_WORK:
            setattr(self._store, name, self._ending_the_chain(getattr(self._store, name)))

    def _ending_the_chain(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def checked(*arguments: Any, **named: Any) -> Any:
            try:
                return await function(*arguments, **named)
            except FAILURES:
                logger.warning("Events for the bots were lost on their way; the bots will read them")
                self._instance = self._written = ""
                raise

        return checked

    async def instance(self) -> str:
        """The id of the present chain, in the table before it is told to anybody."""
        while not self._written:
            self._instance = new = self._instance or secrets.token_urlsafe(12)
            await self._api.run_db_interaction("belisha_instance", _write, new)
            if self._instance == new:
                self._written = new
        return self._written

    async def write(self) -> None:
        """Sees that the table holds the present id, so that bots who ask learn of a gap before the next delivery."""
        try:
            await self.instance()
        except FAILURES as error:
            logger.error("Cannot write the instance, trying again: %s", type(error).__name__)

    def handlers(self) -> dict[str, Handler]:
        """What the bots may ask, and nobody else."""
        return {"GET instance": self._tell_instance, "GET position": self._tell_position}

    async def _tell_instance(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        await self._only_bots(request)
        return {"instance": await self._api.run_db_interaction("belisha_instance", _read)}

    async def _tell_position(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """The token for `/messages` that stands behind an event in the order of arrival.

        The tokens that clients get stand in the order of the room's graph, in which an event that arrived later can
        come earlier.
        """
        await self._only_bots(request)
        try:
            position = await self._store.get_position_for_event(path[0] if path else "")
        except FAILURES:
            raise not_found() from None
        return {"token": f"s{position.stream}"}

    async def _only_bots(self, request: SynapseRequest) -> None:
        requester = await self._api.get_user_by_req(request)
        if requester.app_service_id is None:
            raise not_found()


def _write(txn: LoggingTransaction, instance: str) -> None:
    txn.execute(
        "INSERT INTO belisha_instance (id, instance) VALUES (1, ?)"
        " ON CONFLICT (id) DO UPDATE SET instance = excluded.instance",
        (instance,),
    )


def _read(txn: LoggingTransaction) -> str | None:
    txn.execute("SELECT instance FROM belisha_instance WHERE id = 1")
    row = txn.fetchone()
    return str(row[0]) if row else None
