"""Recertification: leads confirm their members every 90 days; who is left out is warned, and then frozen (rule M1).

A bot says that a day has come, and is told what there is to say. What is due follows from this server's clock and its
own rows: a bot that asks too often, or in between, changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
        self._holds = parts.about.recertification_days
        self._registry = parts.registry
        self._steward = parts.about.steward[1:].partition(":")[0]
        self._clock = clock
        self._api = parts.api

    async def turn(self) -> Json:
        """Goes on with each organisation's round, as far as this day allows; what is to be told about.

        That is the `rounds`, and in the first days of it, whom it `begins` with who would have been due already.
        """
        told: list[Json] = []
        begins: list[Json] = []
        holds = self._holds
        if holds is None:
            return await self._api.run_db_interaction("belisha_recertification_off", self._stop)

        def decide(txn: LoggingTransaction, known: Known) -> tuple[Member, ...]:
            told.clear()
            begins.clear()
            today = activity.day_of(self._clock())
            begun = rows.begun(txn, today)
            really = self._confirmed(txn, known)
            confirmed = _at_the_earliest(really, known, begun, holds)
            current = {key: one for key, one in rows.rounds(txn, today) if one.ended is None}
            frozen: list[Member] = []
            for key in known.organisations:
                frozen += self._go_on(txn, key, current.get(key), confirmed, known, today, holds)
            after = known._replace(members={**known.members, **{one.localpart: one for one in frozen}})
            told.extend(
                self._told(key, one, confirmed, after, holds) for key, one in rows.rounds(txn, today - policy.TOLD)
            )
            if today - begun < policy.NOTICE:
                begins.extend(self._begins(really, confirmed, known, begun, holds))
            return tuple(frozen)

        await self._registry.change_as_decided(decide)
        return {"rounds": told, "begins": begins}

    async def left_to(self, member: Member) -> list[tuple[str, int]]:
        """Whose members this member is asked to confirm now: each organisation's name, and how many are left."""
        holds = self._holds
        if holds is None:
            return []

        def read(txn: LoggingTransaction) -> list[tuple[str, int]]:
            today = activity.day_of(self._clock())
            current = [(key, one) for key, one in rows.rounds(txn, today) if one.ended is None]
            known = Known(*tables.read_all(txn)) if current else Known({}, {})
            mine = [(key, one) for key, one in current if key in known.organisations and _answers(member, key, known)]
            if not mine:
                return []
            confirmed = _at_the_earliest(self._confirmed(txn, known), known, rows.begun(txn, today), holds)
            left = [(key, policy.unconfirmed(_due(key, confirmed, known), one.asked, holds)) for key, one in mine]
            return [(known.organisations[key].name, len(who)) for key, who in left]

        found: list[tuple[str, int]] = await self._api.run_db_interaction("belisha_recertification_left", read)
        return found

    def _stop(self, txn: LoggingTransaction) -> Json:
        """Recertification is switched off: whatever was begun ends, and nobody is frozen by it."""
        if count := rows.stop(txn, activity.day_of(self._clock())):
            self._audit.append(txn, None, kind="act", what="recertification", phase="off", rule="M1", count=count)
        return {"rounds": [], "begins": []}

    def _begins(
        self, really: Mapping[str, int], confirmed: Mapping[str, int], known: Known, begun: int, holds: int
    ) -> Iterable[Json]:
        """The organisations whose members would have been due before, had it not only just begun."""
        for key, organisation in known.organisations.items():
            able = answerers(key, known) if organisation.standing is Standing.ACTIVE else []
            due = _due(key, confirmed, known)
            if able and any(really[one] < confirmed[one] for one in due):
                yield {
                    "organisation": key,
                    "name": organisation.name,
                    "begun": activity.date_of(begun),
                    "first": activity.date_of(min(due.values()) + holds),
                    "days": holds,
                    "answerers": self._answerers(able),
                }

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
        holds: int,
    ) -> list[Member]:
        """Goes on with one organisation; those whom that freezes, as they are then."""
        # Where nobody can answer, nobody is frozen for want of an answer; a round begins anew when somebody can.
        may_answer = known.organisations[key].standing is Standing.ACTIVE and answerers(key, known)
        due = _due(key, confirmed, known) if may_answer else {}
        after = policy.advance(current, due, today, holds)
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

    def _told(self, key: str, current: Round, confirmed: Mapping[str, int], known: Known, holds: int) -> Json:
        """What a bot says of a round: to whom, about whom, and until when."""
        open_ = current.ended is None
        members = [one for one in known.members.values() if one.organisation == key] if open_ else []
        shown = sorted((one for one in members if one.standing is Standing.ACTIVE), key=lambda one: one.name.casefold())
        left = policy.unconfirmed(_due(key, confirmed, known), current.asked, holds) if open_ else ()
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
            "answerers": self._answerers(answerers(key, known)),
        }

    def _answerers(self, members: Sequence[Member]) -> list[Json]:
        return [
            {
                "user_id": self._registry.user_id(one.localpart),
                "service_room": one.service_room,
                "organisation": one.organisation,
                "roles": list(one.roles),
            }
            for one in members
        ]

    @staticmethod
    def _named(member: Member) -> Json:
        return {"member": f"@{member.localpart}", "name": member.name, "service_room": member.service_room}


def _at_the_earliest(really: Mapping[str, int], known: Known, begun: int, holds: int) -> dict[str, int]:
    """The days from which accounts count, so that a community that only begins with it is not asked all at once."""
    return {
        name: max(day, policy.baseline(known.members[name].organisation, begun, holds)) for name, day in really.items()
    }


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


def _answers(member: Member, key: str, known: Known) -> bool:
    return member.localpart in {one.localpart for one in answerers(key, known)}


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
