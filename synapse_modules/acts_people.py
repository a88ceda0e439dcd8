"""Acts on people: freezing and thawing members and organisations, and a member's own choices (rules M1 and P3)."""

from __future__ import annotations

import time
from typing import Final

from synapse.module_api import LoggingTransaction

from belisha.commands.reading import Asked
from belisha.policy.acts import Subject, decide_member_act, decide_organisation_act, freezes_as
from belisha.policy.contact import DirectChats
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person, Standing
from synapse_modules import moderation_tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.moderation_tables import Entry
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry import Member, Organisation
from synapse_modules.registry_tables import Known


class PeopleActs:
    """What commands do to members and organisations."""

    acts = ("member_freeze", "member_thaw", "organisation_freeze", "organisation_thaw", "direct_chats")

    def __init__(self, parts: Parts) -> None:
        self._registry = parts.registry
        self._rights = parts.rights

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        if command.asked.command.act == "direct_chats":
            return await self._choose_direct_chats(command, record)
        return await self._change_standing(command, record)

    async def _choose_direct_chats(self, command: Command, record: Record) -> Json:
        choice = DirectChats(command.asked.arguments["choice"])
        await self._registry.set_direct_chats(command.sender.localpart, choice, record.settle)
        return record.outcome

    async def _change_standing(self, command: Command, record: Record) -> Json:
        act = str(command.asked.command.act)
        after_of = self._member_after if act.startswith("member_") else self._organisation_after

        def decide(txn: LoggingTransaction, known: Known) -> tuple[Member | Organisation, ...]:
            record.not_ended(txn)
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            before, after = after_of(command.asked, asker, known)
            record.settle(txn)
            if isinstance(after, Member) and after != before:
                self._note(txn, command, asker, after)
            return () if after == before else (after,)

        for changed in await self._registry.change_as_decided(decide):
            await self._rights.carry_out(changed.localpart if isinstance(changed, Member) else None)
        return record.outcome

    @staticmethod
    def _note(txn: LoggingTransaction, command: Command, asker: Person, after: Member) -> None:
        """Writes freezing and thawing into the log of what was done to a member."""
        act, now = ("freeze" if after.standing is Standing.FROZEN else "thaw"), int(time.time())
        role = freezes_as(command.asked.command, asker, after.organisation)
        held = moderation_tables.in_force(txn, after.localpart, "freeze", None, now)
        moderation_tables.undo(txn, held, asker.localpart, now)
        entry = Entry(
            command.events[0], act, after.localpart, asker.localpart, str(role), None, now, place=command.place
        )
        moderation_tables.add(txn, entry)

    def _member_after(self, asked: Asked, asker: Person, known: Known) -> tuple[Member, Member]:
        address = asked.arguments["member"]
        localpart, _, server = address.removeprefix("@").partition(":")
        before = known.members.get(localpart)
        is_ours = not server or self._registry.user_id(localpart) == address
        if before is None or before.standing is Standing.REMOVED or not is_ours:
            raise refused(_NO_MEMBER)
        standing = _standing_after(asked)
        role = freezes_as(asked.command, asker, before.organisation)
        after = before._replace(standing=standing, frozen_by=role if standing is Standing.FROZEN else None)
        subject = Subject(localpart, before.organisation, frozenset(before.roles), before.standing, before.frozen_by)
        is_last = known.leaves_no_manager(known._replace(members={**known.members, localpart: after}))
        raise_if_refused(decide_member_act(asked.command, asker, subject, standing, is_last_manager=is_last))
        # Frozen again by somebody above, it is theirs to thaw; by a lead, it stays with those above.
        return before, before if role == "lead" and before.standing is standing else after

    def _organisation_after(self, asked: Asked, asker: Person, known: Known) -> tuple[Organisation, Organisation]:
        before = known.organisations.get(asked.arguments["organisation"])
        if before is None or before.standing is Standing.REMOVED:
            raise refused(_NO_ORGANISATION)
        after = before._replace(standing=_standing_after(asked))
        is_last = known.leaves_no_manager(known._replace(organisations={**known.organisations, before.id: after}))
        theirs = [one for one in known.members.values() if one.organisation == before.id]
        has_managers = any("manager" in one.roles for one in theirs if one.standing is not Standing.REMOVED)
        raise_if_refused(
            decide_organisation_act(asked.command, asker, before.id, has_managers=has_managers, is_last_manager=is_last)
        )
        return before, after


def _standing_after(asked: Asked) -> Standing:
    return Standing.FROZEN if str(asked.command.act).endswith("_freeze") else Standing.ACTIVE


_NO_MEMBER: Final = refuse("M1", "NO_SUCH_MEMBER", "There is no member with this address. Please look it up again.")
_NO_ORGANISATION: Final = refuse("M1", "NO_SUCH_ORGANISATION", "There is no organisation with this id.")
