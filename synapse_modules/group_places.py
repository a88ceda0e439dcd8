"""Keeps the community's Space: it lists every group that members can find, and no other (rule R3).

A place in a space tells every member that a room is there. So a group that nobody may ask to be let into has none.
"""

from __future__ import annotations

from typing import Any, Final

from synapse.events import EventBase
from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.rooms import is_listed
from synapse_modules.hooks import Hooks
from synapse_modules.refusal import FAILURES
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import room_of

_CHILD: Final = "m.space.child"
_JOIN_RULES: Final = "m.room.join_rules"


class GroupPlaces:
    """The places of groups in the community's Space, kept by the steward bot."""

    def __init__(self, api: ModuleApi, hooks: Hooks, rooms: Rooms) -> None:
        self._api = api
        self._hooks = hooks
        self._rooms = rooms
        self._missed = False

    def concerns(self, event: EventBase) -> bool:
        """Whether a place may change by an event."""
        is_ours = event.type == "m.room.member" and event.state_key == self._rooms.steward
        return is_ours or event.type in (POLICY_TYPE, _JOIN_RULES)

    async def follow(self, room_id: str) -> None:
        """Gives a room its place, or takes it away; where that fails, `catch_up` looks at every group."""
        try:
            if await self._rooms.are_there():
                await self._keep(room_id, await self._rooms.community_room(), await self._rooms.founding_rooms())
        except FAILURES:
            self._missed = True
            raise

    async def catch_up(self) -> None:
        """Looks at every group where something was missed."""
        if self._missed:
            await self.look_through()

    async def look_through(self) -> None:
        """Looks at every group."""
        self._missed = True
        space, founding = await self._rooms.community_room(), await self._rooms.founding_rooms()
        for room_id in await self._api.run_db_interaction("belisha_places", _rooms_with, self._rooms.steward, space):
            await self._keep(room_id, space, founding)
        self._missed = False

    async def _keep(self, room_id: str, space: str, founding: frozenset[str]) -> None:
        if room_id in founding:
            return
        state = await self._api.get_room_state(room_id, [(POLICY_TYPE, ""), (_JOIN_RULES, "")])
        room, rule = room_of(state), state.get((_JOIN_RULES, ""))
        if room is not None and room.replaced:
            return  # an upgrade gives the new room its place
        if room is not None and room.archived:
            await self._api.public_room_list_manager.remove_room_from_public_room_list(room_id)
        is_there = self._rooms.steward in await self._hooks.joined(room_id)
        wanted: dict[str, Any] = {}
        if is_there and room is not None and rule is not None and is_listed(room, rule.content.get("join_rule")):
            wanted = {"via": [self._api.server_name]}
        place = (await self._api.get_room_state(space, [(_CHILD, room_id)])).get((_CHILD, room_id))
        if bool(wanted) != bool(place is not None and place.content):
            await self._rooms.send_state(space, _CHILD, room_id, wanted)


def _rooms_with(txn: LoggingTransaction, steward: str, space: str) -> list[str]:
    """The rooms that a bot is in, and those that a space lists."""
    txn.execute(
        "SELECT room_id FROM local_current_membership WHERE user_id = ? AND membership = 'join'"
        " UNION SELECT state_key FROM current_state_events WHERE room_id = ? AND type = ?",
        (steward, space, _CHILD),
    )
    return sorted(row[0] for row in txn.fetchall())
