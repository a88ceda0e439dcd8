"""The private parts of Synapse that upgrades need: its route, and what moves along with a room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi, parse_json_object_from_request
from synapse.rest.client.room_upgrade_rest_servlet import RoomUpgradeRestServlet

from synapse_modules.guards import Guard

#: User id, room id, room version; the new room's id.
Ask = Callable[[str, str, object], Awaitable[str]]

_ROUTE: Final = (RoomUpgradeRestServlet, "on_POST")


class UpgradeHooks:
    """What is wrapped and what is called."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._room_member: Any = api._hs.get_room_member_handler()
        self._store: Any = api._store
        #: Whether this Synapse has all that an upgrade needs.
        self.fits = False

    def guard(self, ask: Ask) -> Guard:
        """The route of clients, taken over."""
        return Guard(
            "upgrades",
            "No room can be upgraded.",
            (
                (*_ROUTE, {"request", "room_id"}),
                (self._room_member, "transfer_room_state_on_room_upgrade", {"old_room_id", "room_id"}),
                (self._store, "get_ban_event_ids_in_room", {"room_id"}),
                (self._store, "get_latest_event_ids_in_room", {"room_id"}),
            ),
            (_ROUTE,),
            lambda: self._take_over(ask),
        )

    def _take_over(self, ask: Ask) -> None:
        async def on_post(_servlet: Any, request: SynapseRequest, room_id: str) -> tuple[int, dict[str, Any]]:
            requester = await self._api.get_user_by_req(request)
            body = parse_json_object_from_request(request)
            new = await ask(requester.user.to_string(), room_id, body.get("new_version"))
            return HTTPStatus.OK, {"replacement_room": new}

        setattr(*_ROUTE, on_post)
        self.fits = True

    async def newest_event(self, room_id: str) -> str:
        """The id of the last event of a room."""
        return str(min(await self._store.get_latest_event_ids_in_room(room_id)))

    async def banned(self, room_id: str) -> list[str]:
        """The user ids that are banned from a room, strangers too."""
        event_ids = await self._store.get_ban_event_ids_in_room(room_id)
        events = await self._store.get_events(event_ids) if event_ids else {}
        return sorted(str(event.state_key) for event in events.values())

    async def carry_addresses(self, old: str, new: str) -> None:
        """Moves aliases and the place in the directory, and everybody's own tags, push rules and direct chats."""
        await self._room_member.transfer_room_state_on_room_upgrade(old, new)
