"""Tells the bots where a chain of deliveries begins: Synapse's push alone loses events, and does not say so.

What is to be sent to an application service waits in Synapse's memory. A process that is killed, or a database that
fails at the wrong moment, loses what waited, which in every room lies behind the last event that was delivered. And
what is to be sent at the very moment in which Synapse takes up sending again is left lying, for what comes later to
pass it by. So each chain without a gap has an id: it is in a table before the first delivery, and in a header of every
delivery. Where the id is another than before, the bots read their rooms from the last event they know.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from synapse.appservice import ApplicationService, ApplicationServiceState, AppServiceTransaction
from synapse.http.site import SynapseRequest
from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_modules.api_resource import Handler
from synapse_modules.guards import require
from synapse_modules.refusal import FAILURES, not_found

logger = logging.getLogger(__name__)

HEADER: Final = "Org-Belisha-Instance"
_WRITE_EVERY_MS: Final = 5_000


class Deliveries:
    """The id of the present chain, and what the bots may ask about the order of arrival."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._store: Any = api._store
        self._appservices: Any = api._hs.get_application_service_api()
        self.sends: bool = api._hs.config.worker.should_notify_appservices
        self._instance = ""
        self._written = ""
        self._is_down: dict[str, bool] = {}  # of each service, as its sender has seen it last
        self._known: dict[str, int] = {}  # the newest delivery left lying that has ended a chain
        self._waiting: dict[str, int] = {}  # the oldest delivery that waited at the last look

    def fit(self) -> None:
        """Has every delivery of this process carry the id, and the table hold the present one.

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
        get_state, create = self._store.get_appservice_state, self._store.create_appservice_txn

        async def get_noted_state(service: ApplicationService) -> ApplicationServiceState | None:
            state: ApplicationServiceState | None = await get_state(service)
            self._is_down[service.id] = state is ApplicationServiceState.DOWN
            return state

        async def create_in_order(*arguments: Any, **named: Any) -> AppServiceTransaction:
            delivery: AppServiceTransaction = await create(*arguments, **named)
            await self._look_before(delivery)
            return delivery

        self._store.get_appservice_state = self._ending_the_chain(get_noted_state)
        self._store.create_appservice_txn = self._ending_the_chain(create_in_order)
        self._api.looping_background_call(
            self.write, _WRITE_EVERY_MS, desc="belisha_instance", run_on_all_instances=True
        )

    def _ending_the_chain(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def checked(*arguments: Any, **named: Any) -> Any:
            try:
                return await function(*arguments, **named)
            except FAILURES:
                self._end_the_chain()
                raise

        return checked

    def _end_the_chain(self) -> None:
        logger.warning("Events for the bots were lost on their way; the bots will read them")
        self._instance = self._written = ""

    async def _look_before(self, delivery: AppServiceTransaction) -> None:
        """Ends the chain where a delivery is about to be sent that has overtaken another.

        Who sends asks whether the service is up, then stores the delivery. In between Synapse may have delivered all
        that waited, and found the service up: what is stored then is sent by nobody, until something fails again.
        """
        if self._is_down.get(delivery.service.id):
            return  # it waits for its turn
        waiting = await self._api.run_db_interaction("belisha_waiting", _waiting_before, delivery)
        if waiting is not None:
            self._left_lying(delivery.service.id, waiting)

    def _left_lying(self, service_id: str, number: int) -> None:
        if number > self._known.get(service_id, 0):
            self._known[service_id] = number
            self._end_the_chain()

    async def _look_for_the_last(self) -> None:
        """Ends the chain where the same delivery waits as at the last look, though its service is up."""
        waiting: dict[str, int] = await self._api.run_db_interaction("belisha_waiting", _waiting)
        for service_id, number in waiting.items():
            if self._waiting.get(service_id) == number:
                self._left_lying(service_id, number)
        self._waiting = waiting

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
            await self._look_for_the_last()
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


def _waiting_before(txn: LoggingTransaction, delivery: AppServiceTransaction) -> int | None:
    """The newest delivery that waits before one, of the same service."""
    txn.execute(
        "SELECT MAX(txn_id) FROM application_services_txns WHERE as_id = ? AND txn_id < ?",
        (delivery.service.id, delivery.id),
    )
    (newest,) = txn.fetchone() or (None,)
    return None if newest is None else int(newest)


def _waiting(txn: LoggingTransaction) -> dict[str, int]:
    """The oldest delivery that waits, of each service that is up."""
    txn.execute(
        "SELECT as_id, MIN(txn_id) FROM application_services_txns WHERE NOT EXISTS"
        " (SELECT 1 FROM application_services_state AS now"
        " WHERE now.as_id = application_services_txns.as_id AND now.state = ?) GROUP BY as_id",
        (ApplicationServiceState.DOWN.value,),
    )
    return {row[0]: int(row[1]) for row in txn.fetchall()}


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
