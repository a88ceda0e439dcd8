"""The private parts of Synapse behind devices and push, which no callback reaches; `hooks.py` has all others.

Checked with Synapse 1.163.2. Each is a guard: where its self-test fails, its routes are closed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.rest.client.devices import DeviceRestServlet
from synapse.rest.client.login import LoginRestServlet
from synapse.rest.client.pusher import PushersSetRestServlet
from synapse.rest.client.sendtodevice import SendToDeviceRestServlet
from synapse.types import JsonDict
from synapse.util.json import json_decoder

from synapse_modules.guards import Guard


class Pusher(NamedTuple):
    """Where one device's notifications go."""

    user_id: str
    app_id: str
    pushkey: str
    kind: str
    data: JsonDict


class Checks(NamedTuple):
    """What is asked before Synapse acts; each raises where the answer is no.

    Attributes:
        to_device: (sender, type, messages) of a request to send to devices.
        device: (proposed id, proposed name) gives the name of a device; the id is None where the server makes one.
        pusher: (kind, data) gives the data that a pusher is kept with.
        may_push: (kind, data) whether a pusher that is kept may run.
    """

    to_device: Callable[[str, str, object], Awaitable[None]]
    device: Callable[[str | None, object], str]
    pusher: Callable[[object, object], JsonDict]
    may_push: Callable[[object, object], bool]


class ChannelHooks:
    """Devices' messages, devices' names and pushers of one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._messages: Any = _part(api, "get_device_message_handler")
        self._devices: Any = _part(api, "get_device_handler")
        self._pool: Any = _part(api, "get_pusherpool")
        self._factory: Any = getattr(self._pool, "pusher_factory", None)

    def guards(self, checks: Checks) -> tuple[Guard, ...]:
        """The guards that ask `checks`."""
        proposed = {"user_id", "device_id", "initial_device_display_name"}
        return (
            Guard(
                "to_device",
                "Keys and verifications cannot be sent from device to device.",
                ((self._messages, "send_device_message", {"requester", "message_type", "messages"}),),
                ((SendToDeviceRestServlet, "on_PUT"),),
                lambda: self._check_to_device(checks),
            ),
            Guard(
                "device_names",
                "Nobody can sign in anew or rename a device.",
                (
                    (self._devices, "check_device_registered", proposed),
                    (self._devices, "upsert_device", {"user_id", "device_id", "display_name"}),
                    (self._devices, "update_device", {"user_id", "device_id", "content"}),
                ),
                ((LoginRestServlet, "on_POST"), (DeviceRestServlet, "on_PUT")),
                lambda: self._name_devices(checks),
            ),
            Guard(
                "pushers",
                "Nobody can turn on push notifications.",
                (
                    (self._pool, "add_or_update_pusher", {"user_id", "kind", "data"}),
                    (self._pool, "remove_pusher", {"app_id", "pushkey", "user_id"}),
                    (self._factory, "create_pusher", {"pusher_config"}),
                ),
                ((PushersSetRestServlet, "on_POST"),),
                lambda: self._check_pushers(checks),
            ),
        )

    async def rooms_of(self, user_id: str) -> frozenset[str]:
        """The ids of the rooms that an account is joined to, from the database, which no other process is ahead of."""

        def read(txn: LoggingTransaction) -> frozenset[str]:
            txn.execute(
                "SELECT room_id FROM local_current_membership WHERE user_id = ? AND membership = 'join'", (user_id,)
            )
            return frozenset(row[0] for row in txn.fetchall())

        rooms: frozenset[str] = await self._api.run_db_interaction("belisha_rooms_joined", read)
        return rooms

    async def pushers(self) -> list[Pusher]:
        """Every pusher that is kept."""

        def read(txn: LoggingTransaction) -> list[Pusher]:
            txn.execute("SELECT user_name, app_id, pushkey, kind, data FROM pushers")
            return [
                Pusher(user_id, app_id, pushkey, kind, json_decoder.decode(data or "{}"))
                for user_id, app_id, pushkey, kind, data in txn.fetchall()
            ]

        found: list[Pusher] = await self._api.run_db_interaction("belisha_pushers", read)
        return found

    async def remove_pusher(self, pusher: Pusher) -> None:
        """Ends a pusher for good."""
        await self._pool.remove_pusher(pusher.app_id, pusher.pushkey, pusher.user_id)

    def _check_to_device(self, checks: Checks) -> None:
        send = self._messages.send_device_message

        async def send_checked(requester: Any, message_type: str, messages: Any) -> None:
            await checks.to_device(requester.user.to_string(), message_type, messages)
            await send(requester, message_type, messages)

        self._messages.send_device_message = send_checked

    def _name_devices(self, checks: Checks) -> None:
        devices = self._devices
        register, upsert, update = devices.check_device_registered, devices.upsert_device, devices.update_device

        async def register_named(
            user_id: str, device_id: str | None, initial_device_display_name: object = None, *rest: Any, **named: Any
        ) -> str:
            name = checks.device(device_id, initial_device_display_name)
            registered: str = await register(user_id, device_id, name, *rest, **named)
            return registered

        async def upsert_named(user_id: str, device_id: str, display_name: object = None) -> bool:
            created: bool = await upsert(user_id, device_id, checks.device(device_id, display_name))
            return created

        async def update_named(user_id: str, device_id: str, content: JsonDict) -> None:
            if content.get("display_name") is not None:
                content = {**content, "display_name": checks.device(None, content["display_name"])}
            await update(user_id, device_id, content)

        devices.check_device_registered = register_named
        devices.upsert_device, devices.update_device = upsert_named, update_named

    def _check_pushers(self, checks: Checks) -> None:
        add, create = self._pool.add_or_update_pusher, self._factory.create_pusher

        async def add_checked(user_id: str, kind: str, *rest: Any, data: Any, **named: Any) -> Any:
            return await add(user_id, kind, *rest, data=checks.pusher(kind, data), **named)

        def create_checked(pusher_config: Any) -> Any:
            # Asked for those that a start finds in the database too: none runs before the list is held to.
            return create(pusher_config) if checks.may_push(pusher_config.kind, pusher_config.data) else None

        self._pool.add_or_update_pusher, self._factory.create_pusher = add_checked, create_checked


def _part(api: ModuleApi, getter: str) -> Any:
    """A part of Synapse; None where this version has no such getter, which the self-test then finds."""
    get = getattr(api._hs, getter, None)
    return get() if get is not None else None
