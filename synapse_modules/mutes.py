"""Asks the registry what holds for a member now, muted or banned, and the policy what is open to them (rule M1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from synapse.events import EventBase
from synapse.module_api import StateMap

from belisha.events import MalformedEvent, UnknownLabel, relabel_act
from belisha.policy.muted import NEEDED, Restriction, Said, decide_banned, decide_muted, decide_muted_act, muted_until
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Room
from belisha.policy.types import RELABEL
from synapse_modules.hooks import Hooks
from synapse_modules.ledger import target_of
from synapse_modules.refusal import raise_if_refused
from synapse_modules.registry import Registry


class Mutes:
    """What is not open to who is muted or banned."""

    def __init__(self, hooks: Hooks, registry: Registry, clock: Callable[[], float] = time.time) -> None:
        self._hooks = hooks
        self._registry = registry
        self._clock = clock

    async def check_event(self, event: EventBase, state: StateMap[EventBase], room: Room) -> None:
        """Refuses an event of who is muted in its room.

        Raises:
            SynapseError: 403 with the reason, and until when.
        """
        until = await self._until(event.sender, event.room_id, room.kind)
        if until is None:
            return
        if event.type != "m.room.member":
            # Who is not in the room is told nothing of what holds in it.
            self._hooks.check_may_send(event, state)
        said = Said(
            event.type,
            is_own_membership=event.type == "m.room.member" and event.get_state_key() == event.sender,
            is_about_own=await self._is_about_own(event),
            says_more=bool(set(event.content) - NEEDED.get(event.type, frozenset())),
        )
        raise_if_refused(decide_muted(until, said))

    async def check_act(self, user_id: str, room_id: str | None, kind: Kind) -> None:
        """Refuses anything else that who is muted would do to a room, or to make one (None).

        Raises:
            SynapseError: 403 with the reason, and until when.
        """
        raise_if_refused(decide_muted_act(await self._until(user_id, room_id, kind)))

    async def check_entering(self, target: Person, room_id: str, membership: str) -> None:
        """Refuses to let in who was banned by those who moderate.

        Raises:
            SynapseError: 403 with the reason.
        """
        restrictions = await self._restrictions(target.user_id)
        raise_if_refused(decide_banned(restrictions, room_id, membership, self._clock()))

    async def _until(self, user_id: str, room_id: str | None, kind: Kind) -> int | None:
        return muted_until(await self._restrictions(user_id), room_id, kind, self._clock())

    async def _restrictions(self, user_id: str) -> Sequence[Restriction]:
        member = (await self._registry.members()).get(Person(user_id).localpart)
        is_ours = member is not None and self._registry.user_id(member.localpart) == user_id
        return member.restrictions if member is not None and is_ours else ()

    async def _is_about_own(self, event: EventBase) -> bool:
        if event.type == "m.room.redaction":
            item = target_of(event)
        elif event.type == RELABEL:
            try:
                item = relabel_act(event.content).item
            except (MalformedEvent, UnknownLabel):
                return False
        else:
            return False
        target = await self._hooks.event(item) if isinstance(item, str) else None
        return target is not None and target.sender == event.sender
