"""Acts that tell leads, stewards and managers about members, and confirm them (rules M1, P2 and P3).

Those that only tell change nothing, so what they tell is written down nowhere: asked again, it is read again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction

from belisha.policy.decision import refuse
from belisha.policy.members import decide_members, decide_unfactored, sees_all
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person, Standing
from synapse_modules import activity, recertification_tables
from synapse_modules import registry_tables as tables
from synapse_modules.activity import Activity
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.parts import Parts
from synapse_modules.recertification import confirmable
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry_tables import Known, Member

#: How many members one answer names.
SHOWN: Final = 50
#: After how many days without a sign somebody counts as dormant, where no number is named.
DORMANT_DAYS: Final = 90


class MembersActs:
    """What is told of members, to who may know it at this moment."""

    acts = ("members_list", "members_dormant", "members_unfactored", "members_confirm")

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._holds = parts.about.recertification_days
        self._registry = parts.registry
        self._second_factor = parts.sign_in.second_factor
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Reads what a proved command asks for, or confirms members."""
        arguments = command.asked.arguments
        if command.asked.command.act == "members_confirm":
            return await self._confirm(command, record)
        reads = {
            "members_list": self._list,
            "members_dormant": self._dormant,
            "members_unfactored": self._unfactored,
        }
        read = reads[str(command.asked.command.act)]

        def both(txn: LoggingTransaction) -> Json:
            known = Known(*tables.read_all(txn))
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            return read(txn, asker, arguments, known)

        told: Json = await self._api.run_db_interaction("belisha_members", both)
        return {**record.outcome, **told}

    def _list(self, txn: LoggingTransaction, asker: Person, arguments: Mapping[str, Any], known: Known) -> Json:
        key = arguments.get("organisation") or asker.organisation
        raise_if_refused(decide_members(asker, key))
        organisation = known.organisations.get(str(key))
        if organisation is None or organisation.standing is Standing.REMOVED:
            raise refused(_NO_ORGANISATION)
        members = [one for one in known.members.values() if one.organisation == key]
        found = sorted((one for one in members if one.standing is not Standing.REMOVED), key=_by_name)
        page = int(arguments.get("page") or 1)
        shown = found[(page - 1) * SHOWN : page * SHOWN]
        days = activity.of(txn, [self._registry.user_id(one.localpart) for one in shown])
        return {
            "organisation": key,
            "frozen": organisation.standing is Standing.FROZEN,
            "count": len(found),
            "page": page,
            "members": [self._told(one, days, known) for one in shown],
        }

    def _dormant(self, txn: LoggingTransaction, asker: Person, arguments: Mapping[str, Any], known: Known) -> Json:
        raise_if_refused(decide_members(asker, None))
        days = int(arguments.get("days") or DORMANT_DAYS)
        until = activity.day_of(self._clock()) - days
        members = [
            one
            for one in known.members.values()
            if tables.is_active(one, known.organisations)
            and (sees_all(asker) or one.organisation == asker.organisation)
        ]
        seen = activity.of(txn, [self._registry.user_id(one.localpart) for one in members])

        def last(one: Member) -> int:
            found = seen.get(self._registry.user_id(one.localpart))
            # Who never signed in counts from the day on which the account was made.
            return until + 1 if found is None else found.since if found.last is None else found.last

        found = sorted((one for one in members if last(one) <= until), key=lambda one: (last(one), _by_name(one)))
        page = int(arguments.get("page") or 1)
        shown = found[(page - 1) * SHOWN : page * SHOWN]
        return {
            "days": days,
            "count": len(found),
            "page": page,
            "members": [self._told(one, seen, known) for one in shown],
        }

    def _unfactored(self, txn: LoggingTransaction, asker: Person, arguments: Mapping[str, Any], known: Known) -> Json:
        raise_if_refused(decide_unfactored(asker, asker.organisation))
        if not self._second_factor:
            raise refused(_NO_FACTORS)
        txn.execute("SELECT localpart FROM belisha_factor")
        have = {str(row[0]) for row in txn.fetchall()}
        found = sorted(
            (
                one
                for one in known.members.values()
                if one.localpart not in have
                and one.standing is not Standing.REMOVED
                and decide_unfactored(asker, one.organisation).allowed
            ),
            key=_by_name,
        )
        page = int(arguments.get("page") or 1)
        shown = found[(page - 1) * SHOWN : page * SHOWN]
        days = activity.of(txn, [self._registry.user_id(one.localpart) for one in shown])
        return {"count": len(found), "page": page, "members": [self._told(one, days, known) for one in shown]}

    async def _confirm(self, command: Command, record: Record) -> Json:
        """Confirms members of an organisation, all or those named; they are due again when that holds no more."""
        arguments, today = command.asked.arguments, activity.day_of(self._clock())

        def write(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            known = Known(*tables.read_all(txn))
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            key = str(arguments.get("organisation") or asker.organisation)
            raise_if_refused(decide_members(asker, key))
            organisation = known.organisations.get(key)
            if organisation is None or organisation.standing is Standing.REMOVED:
                raise refused(_NO_ORGANISATION)
            members, others = confirmable(key, known, self._named(arguments.get("members")))
            if others:
                raise refused(_NOT_THEIRS)
            recertification_tables.confirm(txn, [one.localpart for one in members], today)
            self._audit.append(
                txn, asker.user_id, kind="act", what="members_confirm", phase="done", rule="M1", organisation=key,
                count=len(members),
            )  # fmt: skip
            until = None if self._holds is None else activity.date_of(today + self._holds)
            return record.done(txn, organisation=key, count=len(members), until=until)

        outcome: Json = await self._api.run_db_interaction("belisha_confirm", write)
        return outcome

    def _named(self, addresses: list[str] | None) -> list[str] | None:
        """The localparts of this server's members; what names somebody elsewhere stays as it is, and is nobody's."""
        if addresses is None:
            return None
        ours = {address: self._registry.address(address) for address in addresses}
        suffix = self._registry.user_id("").removeprefix("@")
        return list(dict.fromkeys(full.removesuffix(suffix).removeprefix("@") for full in ours.values()))

    def _told(self, member: Member, days: Mapping[str, Activity], registry: Known) -> Json:
        known = days.get(self._registry.user_id(member.localpart))
        return {
            "member": f"@{member.localpart}",
            "name": member.name,
            "organisation": member.organisation,
            "organisation_name": registry.organisations[member.organisation].name,
            "roles": [role for role in member.roles if role != "member"],
            "since": None if known is None else activity.date_of(known.since),
            "last": None if known is None or known.last is None else activity.date_of(known.last),
            "frozen": (member.frozen_by or "operator") if member.standing is Standing.FROZEN else None,
        }


def _by_name(member: Member) -> tuple[str, str]:
    return member.name.casefold(), member.localpart


_NOT_THEIRS: Final = refuse(
    "M1",
    "NO_SUCH_MEMBER",
    "Somebody whom you named is no member of this organisation, or is frozen. Nobody was confirmed: please look it up.",
)
_NO_FACTORS: Final = refuse("M2", "NO_SECOND_FACTOR", "There is no second factor in this community.")
_NO_ORGANISATION: Final = refuse("M1", "NO_SUCH_ORGANISATION", "There is no organisation with this id.")
