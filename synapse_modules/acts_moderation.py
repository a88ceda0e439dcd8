"""Acts of moderation: warning, muting, removing, banning, redacting, and what was done before (rules M1 and P3).

Each is decided about and written down in one transaction, with how its command ended; what is to be done in Matrix
besides follows from the row (`moderation.py`). No reason is kept: it is told to the member, and to nobody later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from synapse.event_auth import get_user_power_level
from synapse.module_api import LoggingTransaction

from belisha.policy.acts import Subject
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.moderation import decide_moderation, decide_undoing, moderates_as
from belisha.policy.people import Person
from belisha.policy.reasons import decide_reason
from belisha.policy.rooms import Kind
from synapse_modules import moderation_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.moderation_tables import Entry
from synapse_modules.parts import Parts
from synapse_modules.refusal import not_found, raise_if_refused, refused
from synapse_modules.registry import Member
from synapse_modules.registry_tables import Known
from synapse_modules.snapshot import POWER_STATE

#: How many entries of the log are told at once.
SHOWN: Final = 20
#: What each act writes down, and whether it is to be done in Matrix too.
_KINDS: Final = {
    "member_warn": ("warn", False),
    "member_mute": ("mute", False),
    "member_unmute": ("unmute", False),
    "member_kick": ("kick", True),
    "member_ban": ("ban", True),
    "member_unban": ("unban", True),
    "item_redact": ("redact", True),
}
#: What an act ends, and what it takes the place of.
_ENDS: Final = {"unmute": "mute", "unban": "ban", "mute": "mute", "ban": "ban"}


class About(NamedTuple):
    """What an act is about: a member, in a room or (None) everywhere; an item, where it is one of theirs."""

    user_id: str
    room_id: str | None
    power: int = 0
    item: str | None = None
    asker_power: int = 0
    """Of who asks, in that room: none where they are not in it."""


def _nothing_more(_txn: LoggingTransaction, _asker: Person, _now: int) -> Json:
    return {}


class ModerationActs:
    """What commands of those who moderate do to members."""

    acts = (*_KINDS, "moderation_log")

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._hooks = parts.hooks
        self._markers = parts.about.markers
        self._moderation = parts.moderation
        self._policies = parts.policies
        self._readers = parts.readers
        self._registry = parts.registry
        self._rooms = parts.rooms
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        if command.asked.command.act == "moderation_log":
            return await self._tell(command, record)
        kind, is_in_matrix = _KINDS[str(command.asked.command.act)]
        reason = command.asked.arguments.get("reason")
        if reason is not None:
            raise_if_refused(decide_reason(reason, self._markers))
        about = await self._about(command, kind)
        outcome = await self.write(command, record, about, kind, is_in_matrix=is_in_matrix)
        if is_in_matrix:
            await self._moderation.carry_out(command.events[0], reason)
        return outcome

    async def _about(self, command: Command, kind: str) -> About:
        """Whom and which room a command is about.

        Raises:
            SynapseError: 403 or 404 where there is none, or it cannot be done there.
        """
        arguments = command.asked.arguments
        if kind == "redact":
            item = await self._readers.item(command.sender.user_id, command.room_id, str(command.target))
            if item is None:
                raise refused(_NO_ITEM)
            power = await self._power(item.source, command.room_id)
            return About(item.source, command.room_id, power, item.event_id, command.power)
        user_id = self._registry.user_id(self._localpart(arguments["member"]))
        if kind == "warn" or arguments.get("everywhere"):
            if "group" in arguments:
                raise refused(_ONE_OF_BOTH)
            return About(user_id, None)
        room_id, asker_power = await self._group(command)
        if kind in ("kick", "ban", "unban") and room_id in await self._rooms.founding_rooms():
            raise refused(_FOUNDING)
        if kind == "kick" and user_id not in await self._hooks.joined(room_id):
            raise refused(_NOT_IN_IT)
        return About(user_id, room_id, await self._power(user_id, room_id), asker_power=asker_power)

    def _localpart(self, address: str) -> str:
        localpart, _, server = address.removeprefix("@").partition(":")
        if server and self._registry.user_id(localpart) != address:
            raise refused(_NO_MEMBER)
        return localpart

    async def _group(self, command: Command) -> tuple[str, int]:
        """The group that a command is about, and the power in it of who asks.

        Raises:
            SynapseError: 404 where there is none, or none that they may ask about.
        """
        named = command.asked.arguments.get("group")
        room_id = command.room_id if named is None else await self._rooms.named(named)
        kind = (await self._policies.read(room_id)).kind
        if kind not in (Kind.OPEN, Kind.CLOSED):
            # Of a room of named people or somebody's own nothing is told, not even that it is there.
            raise refused(_NEEDS_A_GROUP) if named is None else not_found()
        sender = command.sender
        is_in = room_id == command.room_id or sender.user_id in await self._hooks.joined(room_id)
        act = command.asked.command
        if not is_in and not sender.roles & (act.roles | ({"lead"} if "lead" in (act.others or "") else set())):
            raise not_found()  # whoever could do it in no other group than theirs learns of no other
        await self._rooms.check_mute(sender.user_id, room_id, kind)
        return room_id, await self._power(sender.user_id, room_id) if is_in else 0

    async def _power(self, user_id: str, room_id: str) -> int:
        return int(get_user_power_level(user_id, await self._api.get_room_state(room_id, POWER_STATE)))

    async def write(
        self,
        command: Command,
        record: Record,
        about: About,
        kind: str,
        *,
        is_in_matrix: bool,
        also: Callable[[LoggingTransaction, Person, int], Json] = _nothing_more,
    ) -> Json:
        """Decides, on the registry as it is, and writes down what is decided and how the command ended.

        Args:
            command: what is asked for.
            record: where its end is written.
            about: whom and what it is about.
            kind: what is written down.
            is_in_matrix: whether it is to be done in Matrix too.
            also: what is decided and written besides, by whom, when; and told of how it ended.
        """
        ended: list[Json] = []
        act, now = command.asked.command, int(self._clock())

        def decide(txn: LoggingTransaction, known: Known) -> tuple[()]:
            record.not_ended(txn)
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            member = known.members.get(Person(about.user_id).localpart)
            if member is None:
                raise refused(_NO_MEMBER)
            in_group = about.room_id is not None
            role = moderates_as(act, asker, member.organisation, about.asker_power, in_group=in_group)
            subject = Subject(member.localpart, member.organisation, frozenset(member.roles))
            raise_if_refused(decide_moderation(act, asker, role, subject, about.power))
            more = also(txn, asker, now)
            seconds = command.asked.arguments.get("time")
            until = None if seconds is None else now + int(seconds)
            entry = Entry(command.events[0], kind, member.localpart, asker.localpart, str(role), about.room_id, now,
                          until, about.item, pending=is_in_matrix, place=command.place)  # fmt: skip
            if kind == "unban" and not tables.is_banned(txn, str(about.room_id), about.user_id):
                raise refused(_NOT_BANNED)
            _end_what_holds(txn, entry, now)
            tables.add(txn, entry)
            ids = {"room": about.room_id or "", "item": command.events[0], "role": str(role)}
            self._audit.append(txn, about.user_id, kind="moderation", what=kind, rule="M1", **ids)
            ended.append(record.done(txn, **_told(entry, member), **more))
            return ()

        await self._registry.change_as_decided(decide)
        return ended[-1]

    async def _tell(self, command: Command, record: Record) -> Json:
        """What was done to a member, to who may moderate at this moment."""
        localpart = self._localpart(command.asked.arguments["member"])
        if not command.sender.roles & command.asked.command.roles:
            raise refused(_NOT_YOURS)
        if localpart not in await self._registry.members():
            raise refused(_NO_MEMBER)

        def read(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            entries, count = tables.of_member(txn, localpart, SHOWN)
            return record.done(txn, entries=[entry.told() for entry in entries], count=count)

        outcome: Json = await self._api.run_db_interaction("belisha_moderation_log", read)
        return outcome


def _end_what_holds(txn: LoggingTransaction, entry: Entry, now: int) -> None:
    """Ends what an act undoes, or takes the place of.

    Raises:
        SynapseError: 403 where there is nothing to undo, or it is not theirs to undo.
    """
    if entry.act not in _ENDS:
        return
    held = tables.in_force(txn, entry.member, _ENDS[entry.act], entry.room_id, now)
    for one in held:
        raise_if_refused(decide_undoing(entry.by_role, one.by_role))
    if not held and entry.act == "unmute":
        raise refused(_NOT_MUTED)
    tables.undo(txn, held, entry.by_member, now)


def _told(entry: Entry, member: Member) -> dict[str, Any]:
    """What the bot is told, so that it can tell the member."""
    return {"member_room": member.service_room, "room_id": entry.room_id, "until": entry.until}


_NO_MEMBER: Final = refuse("M1", "NO_SUCH_MEMBER", "There is no member with this address. Please look it up again.")
_NO_ITEM: Final = refuse(
    "M1", "NO_ITEM", "There is no such message here that you can read, or it was taken back. Please answer the message."
)
_NEEDS_A_GROUP: Final = refuse(
    "M1", "NO_GROUP", "Please write this in the group that it is about, or name the group with --group."
)
_ONE_OF_BOTH: Final = refuse("M1", "NO_GROUP", "Please write --everywhere or --group, and not both.")
_NOT_IN_IT: Final = refuse("M1", "NOT_IN_IT", "This member is not in that group, so there is nobody to remove.")
_FOUNDING: Final = refuse(
    "M1", "NO_CHANGE", "Every member is in this room, so nobody is removed from it. Mute or freeze the member instead."
)
_NOT_MUTED: Final = refuse(
    "M1", "NOT_MUTED", "This member is not muted there. What holds everywhere ends with --everywhere, and only so."
)
_NOT_BANNED: Final = refuse("M1", "NOT_BANNED", "This member is not banned from that group.")
_NOT_YOURS: Final = refuse("P3", "NOT_YOURS", "Only stewards and managers see this. Please ask one of them.")
