"""Who may read and write a pad at this moment: what the portal asks while pages of it are open (rules P1 and P2).

A pad belongs to a message of its source in a group. Who can read that message reads the pad, and its label is the
message's; who may send messages there now writes in it. So whatever ends a right, changes a label or takes the message
back holds for the pad in the next answer.
"""

from __future__ import annotations

from typing import Any, Final

from synapse.event_auth import get_named_level, get_send_level, get_user_power_level
from synapse.events import EventBase
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError
from synapse.types import StateMap

from belisha.commands.declaration import GROUPS
from belisha.policy.archived import ARCHIVED
from belisha.policy.frozen import FROZEN_GROUP
from belisha.policy.rooms import Room
from belisha.policy.upgrade import REPLACED
from synapse_modules.mutes import Mutes
from synapse_modules.parts import Parts
from synapse_modules.readers import Readers
from synapse_modules.refusal import malformed
from synapse_modules.registry import Registry
from synapse_modules.snapshot import POWER_STATE

#: How many members one question may name: as many as may have one pad open.
AT_MOST: Final = 200
_MESSAGE: Final = "m.room.message"
_REDACT: Final = 50  # where the room says nothing else (Matrix client-server API, m.room.power_levels)
_POWERLESS: Final = "You may read in this group, and not write in it."

Json = dict[str, Any]


class Pads:
    """Answers for those who have a pad open."""

    def __init__(self, parts: Parts) -> None:
        self._api: ModuleApi = parts.api
        self._readers: Readers = parts.readers
        self._registry: Registry = parts.registry
        self._recoveries = parts.recoveries
        self._hooks = parts.hooks
        self._upgrades = parts.upgrades
        self._mutes = Mutes(parts.hooks, parts.registry)

    async def of(self, body: Json) -> Json:
        """What each of several members may do with the pad that belongs to a message.

        Args:
            body: `room_id`, `event_id`, and `user_ids`, a list.

        Returns:
            `label` and `ceiling` (null where none of them can read it), `source`, and `members`, in the order of the
            question: null for who cannot read it, else `name`, `organisation`, `organisation_name`, `recovered_at`,
            `closed` (why they cannot write in it now, or null), `redacts` (whether they may take back what others
            write in the group) and `moved_to` (the room that has taken the place of the pad's, where they are in that
            too, or null).

        Raises:
            SynapseError: 400 for another body.
        """
        room_id, event_id, user_ids = body.get("room_id"), body.get("event_id"), body.get("user_ids")
        is_list = isinstance(user_ids, list) and all(isinstance(one, str) for one in user_ids)
        if not isinstance(room_id, str) or not isinstance(event_id, str) or not is_list or not user_ids:
            raise malformed("`room_id` and `event_id` name a message, and `user_ids` those who would read it.")
        if len(user_ids) > AT_MOST:
            raise malformed(f"`user_ids` is a list of at most {AT_MOST}.")
        told: Json = {"label": None, "ceiling": None, "source": None, "members": []}
        for user_id in user_ids:
            told["members"].append(await self._one(user_id, room_id, event_id, told))
        return told

    async def _one(self, user_id: str, room_id: str, event_id: str, told: Json) -> Json | None:
        if "\0" in room_id + event_id or not user_id.startswith("@"):
            return None
        person = await self._registry.person(user_id)
        if person.is_bot or not person.belongs:
            return None
        item = await self._readers.item(user_id, room_id, event_id)
        if item is None or item.event_id != event_id or item.room.kind not in GROUPS:
            return None
        member = (await self._registry.members()).get(person.localpart)
        if member is None:
            return None
        told |= {"label": str(item.label), "ceiling": str(item.room.ceiling), "source": item.source}
        return {
            "name": member.name,
            "organisation": member.organisation,
            "organisation_name": self._registry.organisation_name(member.organisation) or member.organisation,
            "recovered_at": await self._recoveries.since(person.localpart),
            **await self._writes(user_id, room_id, item.room),
            "moved_to": await self._moved_to(user_id, room_id) if item.room.replaced else None,
        }

    async def _moved_to(self, user_id: str, room_id: str) -> str | None:
        """Where they go on; who did not go over is told of no other room."""
        moved = await self._upgrades.successor(room_id)
        return moved[0] if moved is not None and user_id in await self._hooks.joined(moved[0]) else None

    async def _writes(self, user_id: str, room_id: str, room: Room) -> Json:
        state = await self._api.get_room_state(room_id, POWER_STATE)
        redacts = get_user_power_level(user_id, state) >= get_named_level(state, "redact", _REDACT)
        return {"closed": await self._closed(user_id, room_id, room, state), "redacts": redacts}

    async def _closed(self, user_id: str, room_id: str, room: Room, state: StateMap[EventBase]) -> str | None:
        """Why somebody cannot write there; None where they can."""
        for is_so, told in ((room.frozen, FROZEN_GROUP), (room.replaced, REPLACED), (room.archived, ARCHIVED)):
            if is_so:
                return told.reason
        try:
            await self._mutes.check_act(user_id, room_id, room.kind)
        except SynapseError as refusal:
            return refusal.msg
        needed = get_send_level(_MESSAGE, None, state.get(("m.room.power_levels", "")))
        return None if get_user_power_level(user_id, state) >= needed else _POWERLESS
