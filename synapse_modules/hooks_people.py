"""The private attributes of Synapse that end what an account may do: the second part of `hooks.py`, held the same way.

Checked with Synapse 1.163.2; each has its self-test at start-up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from synapse.http.site import SynapseRequest
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.types import create_requester
from synapse.util.async_helpers import concurrently_execute

from synapse_modules.hooks import require
from synapse_modules.refusal import Asked, asked

#: Asked with user id, method and path before a request is answered; raises where the answer is no.
Check = Callable[[str, str, str], Awaitable[None]]


class PeopleHooks:
    """Sessions, feeds, memberships and accounts in one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._auth: Any = api._auth
        self._store: Any = api._store
        self._auth_handler: Any = api._auth_handler
        hs = api._hs
        self._devices: Any = hs.get_device_handler()
        self._deactivation: Any = hs.get_deactivate_account_handler()
        self._feeds: tuple[tuple[Any, str], ...] = (
            (hs.get_sync_handler(), "wait_for_sync_for_user"),
            (hs.get_sliding_sync_handler(), "wait_for_sync_for_user"),
            (hs.get_event_stream_handler(), "get_stream"),
        )

    def self_test(self) -> None:
        """Checks that everything used here is there, and takes what it is given.

        Raises:
            HookMissing: naming what is missing.
        """
        require(
            (self._auth, "get_user_by_req", {"request", "allow_guest"}),
            *((feed, name, {"requester"}) for feed, name in self._feeds),
            (self._devices, "delete_all_devices_for_user", {"user_id"}),
            (self._devices, "delete_devices", {"user_id", "device_ids"}),
            (self._devices, "get_devices_by_user", {"user_id"}),
            (self._store, "get_device", {"user_id", "device_id"}),
            (self._auth_handler, "delete_access_tokens_for_user", {"user_id"}),
            (self._store, "get_external_ids_by_user", {"mxid"}),
            (self._store, "remove_user_external_id", {"auth_provider", "external_id", "user_id"}),
            (self._deactivation, "deactivate_account", {"user_id", "erase_data", "requester", "by_admin"}),
        )

    def check_requests(self, check: Check) -> None:
        """Asks `check` of every request that comes with an access token, before it is answered."""
        known = self._auth.get_user_by_req

        async def get_user(request: SynapseRequest, *arguments: Any, **named: Any) -> Any:
            requester = await known(request, *arguments, **named)
            path = (request.path or b"").decode("ascii", "replace")
            asked.set(Asked(requester.user.to_string()))
            await check(requester.user.to_string(), request.method.decode("ascii", "replace"), path)
            return requester

        self._auth.get_user_by_req = get_user

    def check_feeds(self, check: Check) -> None:
        """Asks `check` again when a waiting feed has something to say: a right may have ended meanwhile."""
        for feed, name in self._feeds:
            setattr(feed, name, _checked_after(getattr(feed, name), check))

    async def end_sessions(self, user_id: str) -> None:
        """Deletes every device, access token and pusher of an account."""
        await self._devices.delete_all_devices_for_user(user_id)
        await self._auth_handler.delete_access_tokens_for_user(user_id)

    async def identities(self, user_id: str) -> list[tuple[str, str]]:
        """By which providers an account was signed in to, each with its `sub` there."""
        return [(str(provider), str(sub)) for provider, sub in await self._store.get_external_ids_by_user(user_id)]

    async def forget_identity(self, user_id: str, provider: str, subject: str) -> None:
        """Has a provider's `sub` be nobody's; who is signed in stays so."""
        await self._store.remove_user_external_id(provider, subject, user_id)

    async def end_session(self, user_id: str, device_id: str) -> bool:
        """Deletes one device of an account, and its access token; whether there was one."""
        if await self._store.get_device(user_id, device_id) is None:
            return False
        await self._devices.delete_devices(user_id, [device_id])
        return True

    async def devices(self, user_id: str) -> list[dict[str, Any]]:
        """The devices of an account: id, name, and when it was last seen, in seconds since 1970; no addresses."""
        return [
            {
                "device_id": str(one["device_id"]),
                "name": one.get("display_name"),
                "seen": None if one.get("last_seen_ts") is None else int(one["last_seen_ts"]) // 1000,
            }
            for one in await self._devices.get_devices_by_user(user_id)
        ]

    async def deactivate(self, user_id: str) -> None:
        """Takes the password away for good; the account's name stays taken, and its messages stay."""
        await self._deactivation.deactivate_account(
            user_id, erase_data=False, requester=create_requester(user_id), by_admin=True
        )

    async def rooms_of(self, user_id: str) -> list[str]:
        """The ids of rooms that an account is in, is invited to or asks to be let into."""

        def read(txn: LoggingTransaction) -> list[str]:
            txn.execute(
                "SELECT room_id FROM local_current_membership"
                " WHERE user_id = ? AND membership IN ('join', 'invite', 'knock') ORDER BY room_id",
                (user_id,),
            )
            return [row[0] for row in txn.fetchall()]

        rooms: list[str] = await self._api.run_db_interaction("belisha_rooms_of", read)
        return rooms

    async def people_of(self, room_id: str) -> list[str]:
        """The user ids of who is in a room, is invited to it or asks to be let in."""

        def read(txn: LoggingTransaction) -> list[str]:
            txn.execute(
                "SELECT user_id FROM local_current_membership"
                " WHERE room_id = ? AND membership IN ('join', 'invite', 'knock') ORDER BY user_id",
                (room_id,),
            )
            return [row[0] for row in txn.fetchall()]

        people: list[str] = await self._api.run_db_interaction("belisha_people_of", read)
        return people

    async def accounts_in_rooms(self) -> list[str]:
        """The user ids of this server's accounts that are in any room."""

        def read(txn: LoggingTransaction) -> list[str]:
            txn.execute(
                "SELECT DISTINCT user_id FROM local_current_membership WHERE membership IN ('join', 'invite', 'knock')"
            )
            return [row[0] for row in txn.fetchall()]

        accounts: list[str] = await self._api.run_db_interaction("belisha_accounts_in_rooms", read)
        return accounts

    async def each(self, act: Callable[[Any], Awaitable[None]], items: Iterable[Any], at_once: int) -> None:
        """Does something with each of the items, several at once."""
        await concurrently_execute(act, items, at_once)


def _checked_after(feed: Callable[..., Awaitable[Any]], check: Check) -> Callable[..., Awaitable[Any]]:
    async def answer(requester: Any, *arguments: Any, **named: Any) -> Any:
        found = await feed(requester, *arguments, **named)
        await check(requester.user.to_string(), "GET", "/_matrix/client/v3/sync")
        return found

    return answer
