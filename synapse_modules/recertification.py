"""Recertification: leads confirm their members every 90 days; who is left out is warned, and then frozen (rule M1).

A bot says that a day has come, and is told what there is to say. What is due follows from this server's clock and its
own rows: a bot that asks too often, or in between, changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from synapse.module_api import LoggingTransaction

from belisha.policy import recertification as policy
from belisha.policy.acts import MODERATION
from belisha.policy.people import Standing
from belisha.policy.recertification import FROZEN_BY, Round
from synapse_modules import activity, moderation_tables
from synapse_modules import recertification_tables as rows
from synapse_modules import registry_tables as tables
from synapse_modules.moderation_tables import Entry
from synapse_modules.parts import Parts
from synapse_modules.registry_tables import Known, Member

Json = dict[str, Any]

#: How many members a lead's question names.
NAMED: Final = 100


class Recertification:
    """Does what a day brings, and tells of it."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._audit = parts.audit
        self._registry = parts.registry
        self._steward = parts.about.steward[1:].partition(":")[0]
        self._clock = clock

    async def turn(self) -> Json:
        """Goes on with each organisation's round, as far as this day allows; the rounds that are to be told about."""
        told: list[Json] = []

        def decide(txn: LoggingTransaction, known: Known) -> tuple[Member, ...]:
            told.clear()
            today = activity.day_of(self._clock())
            confirmed = self._confirmed(txn, known)
            current = {key: one for key, one in rows.rounds(txn, today) if one.ended is None}
            frozen: list[Member] = []
            for key in known.organisations:
                frozen += self._go_on(txn, key, current.get(key), confirmed, known, today)
            after = known._replace(members={**known.members, **{one.localpart: one for one in frozen}})
            told.extend(self._told(key, one, confirmed, after) for key, one in rows.rounds(txn, today - policy.TOLD))
            return tuple(frozen)

        await self._registry.change_as_decided(decide)
        return {"rounds": told}

    def _confirmed(self, txn: LoggingTransaction, known: Known) -> dict[str, int]:
        """The day of each account's last confirmation; who never was counts from the day the account was made."""
        user_ids = {self._registry.user_id(localpart): localpart for localpart in known.members}
        made = {user_ids[user_id]: found.since for user_id, found in activity.of(txn, list(user_ids)).items()}
        confirmed = rows.confirmed(txn)
        return {localpart: max(day, confirmed.get(localpart, 0)) for localpart, day in made.items()}

    def _go_on(
        self,
        txn: LoggingTransaction,
        key: str,
        current: Round | None,
        confirmed: Mapping[str, int],
        known: Known,
        today: int,
    ) -> list[Member]:
        """Goes on with one organisation; those whom that freezes, as they are then."""
        # Where nobody can answer, nobody is frozen for want of an answer; a round begins anew when somebody can.
        may_answer = known.organisations[key].standing is Standing.ACTIVE and answerers(key, known)
        due = _due(key, confirmed, known) if may_answer else {}
        after = policy.advance(current, due, today)
        if after is None or after == current:
            return []
        rows.put_round(txn, key, after)
        phase = "ended" if after.ended is not None else "warned" if after.warned is not None else "asked"
        self._audit.append(
            txn, None, kind="act", what="recertification", phase=phase, rule="M1", organisation=key,
            count=len(after.frozen),
        )  # fmt: skip
        now = int(self._clock())
        for localpart in after.frozen:
            entry = Entry(f"{FROZEN_BY} {today} {localpart}", "freeze", localpart, self._steward, FROZEN_BY, None, now)
            moderation_tables.add(txn, entry)
        gone = (known.members[localpart] for localpart in after.frozen)
        return [one._replace(standing=Standing.FROZEN, frozen_by=FROZEN_BY) for one in gone]

    def _told(self, key: str, current: Round, confirmed: Mapping[str, int], known: Known) -> Json:
        """What a bot says of a round: to whom, about whom, and until when."""
        open_ = current.ended is None
        members = [one for one in known.members.values() if one.organisation == key] if open_ else []
        shown = sorted((one for one in members if one.standing is Standing.ACTIVE), key=lambda one: one.name.casefold())
        left = policy.unconfirmed(_due(key, confirmed, known), current.asked) if open_ else ()
        return {
            "organisation": key,
            "name": known.organisations[key].name if key in known.organisations else key,
            "asked": activity.date_of(current.asked),
            "warned": None if current.warned is None else activity.date_of(current.warned),
            "ended": None if current.ended is None else activity.date_of(current.ended),
            "freezes": activity.date_of(current.freezes),
            "count": len(shown),
            "members": [self._named(one) for one in shown[:NAMED]],
            "unconfirmed": [self._named(known.members[one]) for one in left],
            "frozen": [self._named(known.members[one]) for one in current.frozen if one in known.members],
            "answerers": [
                {"user_id": self._registry.user_id(one.localpart), "service_room": one.service_room,
                 "organisation": one.organisation, "roles": list(one.roles)}
                for one in answerers(key, known)
            ],
        }  # fmt: skip

    @staticmethod
    def _named(member: Member) -> Json:
        return {"member": f"@{member.localpart}", "name": member.name, "service_room": member.service_room}


def _due(key: str, confirmed: Mapping[str, int], known: Known) -> dict[str, int]:
    """The accounts of an organisation that can become due: they may act, and moderate nobody."""
    return {
        one.localpart: confirmed[one.localpart]
        for one in known.members.values()
        if one.organisation == key
        and one.localpart in confirmed
        and tables.is_active(one, known.organisations)
        and not MODERATION & set(one.roles)
    }


def answerers(key: str, known: Known) -> list[Member]:
    """Who confirms the members of an organisation: its leads; where it has none who may act, the managers."""
    able = [one for one in known.members.values() if one.service_room and tables.is_active(one, known.organisations)]
    leads = [one for one in able if one.organisation == key and "lead" in one.roles]
    return leads or [one for one in able if "manager" in one.roles]


def confirmable(key: str, known: Known, named: Collection[str] | None) -> tuple[list[Member], list[str]]:
    """The members of an organisation that are confirmed by one act, and those named who cannot be."""
    members = {
        one.localpart: one
        for one in known.members.values()
        if one.organisation == key and one.standing is Standing.ACTIVE
    }
    if named is None:
        return list(members.values()), []
    return [members[one] for one in named if one in members], [one for one in named if one not in members]
