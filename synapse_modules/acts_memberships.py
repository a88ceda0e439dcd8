"""Acts by which members join and leave groups and invite others, as their own clients would (rules M1 and P3)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from synapse.module_api import LoggingTransaction
from synapse.module_api.errors import SynapseError

from belisha.acts.groups import MOST_PEOPLE
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import refuse
from belisha.policy.rooms import Kind
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.notice import without_quotations
from synapse_modules.parts import Parts
from synapse_modules.refusal import PREFIX, as_client, not_found, refused
from synapse_modules.snapshot import room_of
from synapse_modules.upgrade_rows import UpgradeRows

_GROUPS: Final = (Kind.OPEN, Kind.CLOSED)
_JOIN_RULES: Final = ("m.room.join_rules", "")


class MembershipActs:
    """What commands do to memberships. Each may be repeated: what is so already is left as it is."""

    acts = ("group_join", "group_leave", "group_invite")

    def __init__(self, parts: Parts) -> None:
        self._api = parts.api
        self._hooks = parts.hooks
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._memberships = UpgradeRows(parts.api).memberships

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        act = {"group_join": self._join, "group_leave": self._leave, "group_invite": self._invite}
        told = await act[str(command.asked.command.act)](command)

        def settle(txn: LoggingTransaction) -> Json:
            return record.done(txn, **told)

        outcome: Json = await self._api.run_db_interaction("belisha_act_done", settle)
        return outcome

    async def _join(self, command: Command) -> Json:
        """Joins where the member may, else asks to be let in; what they may not find is not there."""
        member = command.sender.user_id
        target = await self._rooms.named(command.asked.arguments["room"])
        state = await self._api.get_room_state(target, [(POLICY_TYPE, ""), _JOIN_RULES])
        room, rules = room_of(state), state.get(_JOIN_RULES)
        rule = rules.content.get("join_rule") if rules is not None else None
        before = (await self._memberships(target)).get(member)
        if (
            room is None
            or room.kind not in _GROUPS
            or not (rule in ("public", "knock") or before in ("join", "invite"))
        ):
            raise not_found()
        if before not in ("join", "knock"):
            action = "join" if before == "invite" or rule == "public" else "knock"
            await as_client(self._hooks.act_as(member, member, target, action))
            before = action
        return {"room_id": target, "membership": before}

    async def _leave(self, command: Command) -> Json:
        member, arguments = command.sender.user_id, command.asked.arguments
        target = await self._rooms.named(arguments["room"]) if "room" in arguments else command.room_id
        room = room_of(await self._api.get_room_state(target, [(POLICY_TYPE, "")]))
        before = (await self._memberships(target)).get(member)
        if room is None or room.kind not in _GROUPS or before in (None, "ban"):
            raise refused(_NO_GROUP) if target == command.room_id else not_found()
        if before != "leave":
            await as_client(self._hooks.act_as(member, member, target, "leave"))
        return {}

    async def _invite(self, command: Command) -> Json:
        """Invites each who is named and not there yet; of the others it is told why not, by their places."""
        members = list(dict.fromkeys(command.asked.arguments["members"]))
        if len(members) > MOST_PEOPLE:
            raise refused(TOO_MANY)
        if command.room.kind not in _GROUPS:
            raise refused(_NO_GROUP)
        there = await self._memberships(command.room_id)
        invited = 0
        refusals: list[tuple[int, SynapseError]] = []
        for place, address in enumerate(members):
            user_id = self._registry.address(address)
            if there.get(user_id) in ("join", "invite"):
                continue
            try:
                await as_client(self._hooks.act_as(command.sender.user_id, user_id, command.room_id, "invite"))
                invited += 1
            except SynapseError as error:
                if error.code != HTTPStatus.FORBIDDEN or error.errcode == f"{PREFIX}CANNOT_DECIDE":
                    raise
                refusals.append((place, error))
        if refusals and not invited:
            raise refusals[0][1]  # nobody was invited: it is refused like any other command
        return {"invited": invited, "refused": [[place, without_quotations(error.msg)] for place, error in refusals]}


_NO_GROUP: Final = refuse("R1", "NO_CHANGE", "Please write this in a group, or name one by its address.")
TOO_MANY: Final = refuse("M1", "TOO_MANY", f"Please name at most {MOST_PEOPLE} members at once.")
