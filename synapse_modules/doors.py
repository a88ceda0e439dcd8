"""Closes doors that Synapse leaves open: what a former member still reads, and what an administrator may ask (M1, M2).

Like `hooks`, this touches private parts of Synapse, each checked at the start.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from synapse.api.errors import AuthError
from synapse.http.site import SynapseRequest
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError
from synapse.rest.admin.users import WhoisRestServlet
from synapse.rest.client.events import EventRestServlet
from synapse.rest.client.notifications import NotificationsServlet
from synapse.rest.client.room import RoomEventContextServlet, RoomEventServlet, RoomMemberListRestServlet
from synapse.types import UserID

from synapse_modules.guards import Guard, require
from synapse_modules.hooks import Hooks
from synapse_modules.refusal import PREFIX, or_no

_OF_THE_PAST: Final = (
    RoomEventServlet,
    RoomEventContextServlet,
    EventRestServlet,
    NotificationsServlet,
    RoomMemberListRestServlet,
)
_ADMIN_CLOSED: Final = "The admin API is closed here. Please use the `belisha` command on the server."


def admin_closed() -> SynapseError:
    """The answer to every request of Synapse's admin API (rule M2)."""
    return SynapseError(HTTPStatus.FORBIDDEN, _ADMIN_CLOSED, f"{PREFIX}ADMIN_CLOSED", {"org.belisha.rule": "M2"})


class Doors:
    """What is wrapped in one Synapse process; to be closed before the listeners start, as Synapse does with modules."""

    def __init__(self, api: ModuleApi, hooks: Hooks) -> None:
        self._hooks = hooks
        self._store: Any = api._store
        self._auth: Any = api._auth
        self._events: Any = api._hs.get_event_handler()
        self._contexts: Any = api._hs.get_room_context_handler()
        self._messages: Any = api._hs.get_message_handler()

    def close(self) -> None:
        """Closes what is not a guard.

        Raises:
            HookMissing: this Synapse has one of them elsewhere.
        """
        require(
            (WhoisRestServlet, "on_GET", {"request", "user_id"}),
            (self._store, "is_server_admin", {"user"}),
            (self._auth, "is_server_admin", {"requester"}),
        )
        # A flag in the database is no authority: it would open addresses of rooms, others' profiles and more (rule M2).
        self._store.is_server_admin = self._auth.is_server_admin = _nobody
        WhoisRestServlet.on_GET = _closed  # type: ignore[method-assign,assignment]  # closed on purpose

    def guards(self) -> tuple[Guard, ...]:
        """What can be closed for everybody where this Synapse lacks it."""
        return (
            Guard(
                "past",
                "Nobody can follow a link to a message, list notifications, or list who is in a room.",
                (
                    (self._events, "get_event", {"user", "room_id", "event_id"}),
                    (self._contexts, "get_event_context", {"requester", "room_id", "event_id"}),
                    (self._messages, "get_state_events", {"requester", "room_id"}),
                    (self._store, "get_push_actions_for_user", {"user_id"}),
                ),
                tuple((one, "on_GET") for one in _OF_THE_PAST),
                self._close_the_past,
            ),
        )

    def _close_the_past(self) -> None:
        """Single events, their surroundings, old notifications and state are for those in the room now (rule M1).

        `forget_rooms_on_leave` closes the timeline; these answer by an id or a token that a former member knows.
        """
        get_event, get_context = self._events.get_event, self._contexts.get_event_context
        get_state = self._messages.get_state_events
        get_notifications = self._store.get_push_actions_for_user

        async def get_present_event(user: UserID, room_id: str | None, event_id: str, **named: Any) -> Any:
            found = await get_event(user, room_id, event_id, **named)
            if found is None or user.to_string() not in await or_no(self._hooks.joined, found.event.room_id):
                return None
            return found

        async def get_present_context(requester: Any, room_id: str, *arguments: Any, **named: Any) -> Any:
            if requester.user.to_string() not in await or_no(self._hooks.joined, room_id):
                return None
            return await get_context(requester, room_id, *arguments, **named)

        async def get_present_state(requester: Any, room_id: str, *arguments: Any, **named: Any) -> Any:
            if requester.user.to_string() not in await or_no(self._hooks.joined, room_id):
                raise AuthError(HTTPStatus.FORBIDDEN, "You are not in this room.")
            return await get_state(requester, room_id, *arguments, **named)

        async def get_present_notifications(user_id: str, *arguments: Any, **named: Any) -> list[Any]:
            rooms = await or_no(self._hooks.joined_rooms, user_id)
            return [
                action for action in await get_notifications(user_id, *arguments, **named) if action.room_id in rooms
            ]

        self._events.get_event = get_present_event
        self._contexts.get_event_context = get_present_context
        self._messages.get_state_events = get_present_state
        self._store.get_push_actions_for_user = get_present_notifications


async def _nobody(_who: object) -> bool:
    """Whether this is a server administrator: nobody is."""
    return False


async def _closed(_servlet: WhoisRestServlet, _request: SynapseRequest, user_id: str) -> Any:
    raise admin_closed()
