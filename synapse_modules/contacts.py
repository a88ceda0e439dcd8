"""Who may open a direct chat with whom (rule M1): the invited member's choice, and who was introduced to whom."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from synapse.module_api import ModuleApi

from belisha.policy.contact import DirectChats, decide_direct_chat
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person
from belisha.policy.rooms import Kind
from synapse_modules import registry_tables as tables
from synapse_modules.hooks import Hooks
from synapse_modules.refusal import raise_if_refused
from synapse_modules.registry import Registry
from synapse_modules.registry_errors import RegistryError
from synapse_modules.snapshot import room_of

#: Gives the ids of the rooms that everybody is in from the start: being in them is no acquaintance.
RoomIds = Callable[[], Awaitable[frozenset[str]]]

_GROUPS: Final = frozenset({Kind.OPEN, Kind.CLOSED})


class Contacts:
    """Checks invitations to rooms of named people."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry, of_the_start: RoomIds) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._of_the_start = of_the_start

    async def check(self, sender: Person, invited: Iterable[Person]) -> None:
        """Checks that each of the invited takes direct chats from who invites them.

        Args:
            sender: who invites.
            invited: the people invited; who invites may be among them.

        Raises:
            SynapseError: 403, which does not tell whose choice it was.
        """
        for person in invited:
            if person.is_bot or sender.is_bot or person.user_id == sender.user_id:
                continue
            choice = await self._registry.direct_chats(person.localpart)
            if choice is DirectChats.ANYONE:
                continue
            introduced = await self.are_introduced(sender.localpart, person.localpart)
            shares = not introduced and await self._share_a_group(sender.user_id, person.user_id)
            raise_if_refused(decide_direct_chat(choice, shares_group=shares, introduced=introduced))

    async def introduce(self, one: str, other: str, made_by: str) -> bool:
        """Writes down that two members were introduced to each other; says whether they were not before.

        Raises:
            RegistryError: where one of them is no member, or both are the same.
        """
        members = await self._registry.active_members()
        for localpart in (one, other):
            if localpart not in members:
                raise RegistryError(f"There is no active member “{localpart}”.")
        if one == other:
            raise RegistryError("Two different people are introduced to each other.")
        is_new: bool = await self._api.run_db_interaction(
            "belisha_introduce", tables.introduce, one, other, made_by, int(time.time())
        )
        return is_new

    async def are_introduced(self, one: str, other: str) -> bool:
        """Whether two members were introduced to each other."""
        found: bool = await self._api.run_db_interaction("belisha_introduced", tables.are_introduced, one, other)
        return found

    async def _share_a_group(self, one: str, other: str) -> bool:
        everybodys = await self._of_the_start()
        for room_id in await self._hooks.rooms_shared(one, other):
            if room_id in everybodys or other not in await self._hooks.joined(room_id):
                continue
            room = room_of(await self._api.get_room_state(room_id, [(POLICY_TYPE, "")]))
            if room is not None and room.kind in _GROUPS:
                return True
        return False
