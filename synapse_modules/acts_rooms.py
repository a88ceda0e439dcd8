"""Acts on groups: their rules, freezing, moving them to a new room (rules R1 and P3)."""

from __future__ import annotations

from typing import Final

from belisha.policy.acts import decide_room_act
from belisha.policy.decision import refuse
from belisha.policy.rooms import Kind, Purpose, kind_of
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.parts import Parts
from synapse_modules.refusal import not_found, raise_if_refused, refused


class RoomActs:
    """What commands do to groups."""

    acts = ("room_policy", "room_upgrade", "room_freeze", "room_thaw")

    def __init__(self, parts: Parts) -> None:
        self._api = parts.api
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._policies = parts.policies
        self._upgrades = parts.upgrades

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        act, arguments = command.asked
        name = str(act.act)
        raise_if_refused(decide_room_act(act, command.sender, command.power))
        target = await self._rooms.named(arguments["room"]) if "room" in arguments else command.room_id
        before = await self._policies.read(target)
        if before.kind not in (Kind.OPEN, Kind.CLOSED):
            # Of a room of named people or somebody's own nothing is told, not even that it is there.
            raise refused(_NEEDS_A_GROUP) if target == command.room_id else not_found()
        await self._rooms.check_mute(command.sender.user_id, target, before.kind)
        if name == "room_upgrade":
            await self._upgrades.upgrade(target, settle=record.settle)
            return record.outcome
        async with self._policies.alone(target):
            await self._api.run_db_interaction("belisha_act", record.not_ended)
            self._registry.look_again()
            asker = await self._registry.person(command.sender.user_id)
            if name != "room_policy":
                raise_if_refused(decide_room_act(act, asker, command.power))
                frozen = name == "room_freeze"
                await self._policies.set_frozen(target, frozen=frozen, settle=record.settle)
                return record.outcome
            old = await self._policies.read(target)
            kind = kind_of(arguments["kind"])
            # An open group lists no organisations, so asking for one asks for none.
            organisations = tuple(arguments.get("organisations", () if kind is Kind.OPEN else old.organisations))
            raise_if_refused(decide_room_act(act, asker, command.power, old.organisations, organisations))
            purpose = Purpose(arguments.get("purpose", old.purpose))
            await self._policies.change(
                target, kind, organisations, purpose, settle=record.settle, command=command.events[0]
            )
        return record.outcome


_NEEDS_A_GROUP: Final = refuse("R1", "NO_CHANGE", "Please write this in a group, or name one by its address.")
