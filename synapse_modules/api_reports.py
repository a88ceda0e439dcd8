"""The portal's API about reports: which there are, and what was reported, for two stewards each (rules P1 and P2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from synapse.module_api import LoggingTransaction

from belisha.acts.reports import REPORT_ACTS
from belisha.policy.acts import Subject
from belisha.policy.moderation import decide_moderation, moderates_as
from belisha.policy.people import Person
from belisha.policy.reports import decide_handling, decide_looking
from synapse_modules import report_tables as tables
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed, not_found, raise_if_refused
from synapse_modules.report_tables import Done, Report

_ABOVE: Final = frozenset({"steward", "manager"})
_SHOWN: Final = 50
#: What is done about a report, and of that, what is done to its member.
_ACTS: Final = {str(one.act).removeprefix("report_"): one for one in REPORT_ACTS if one.act != "report"}
_TO_MEMBERS: Final = frozenset({"warn", "mute", "redact", "remove"})


class ReportAnswers:
    """Answers to the portal, on behalf of a member who was found to be one."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._hooks = parts.hooks
        self._ledger = parts.ledger
        self._registry = parts.registry
        self._reports = parts.reports
        self._rooms = parts.rooms
        self._clock = clock

    async def all(self, person: Person) -> dict[str, Any]:
        """The newest reports, the open ones first; for others than stewards and managers there are none.

        Raises:
            SynapseError: 404 for others.
        """
        if not (person.belongs and person.roles & _ABOVE):
            raise not_found()

        def read(txn: LoggingTransaction) -> tuple[list[Report], dict[int, list[Done]]]:
            found = tables.newest(txn, _SHOWN)
            return found, tables.done(txn, [int(one.number or 0) for one in found])

        reports, done = await self._api.run_db_interaction("belisha_reports_shown", read)
        return {"reports": [await self._reports.facts(one, done[int(one.number or 0)]) for one in reports]}

    async def one(self, person: Person, number: object, *, look: bool) -> dict[str, Any]:
        """One report, and what was reported where this steward has asked to see it; `look` asks for it now.

        Raises:
            SynapseError: 404 where there is none, or it is not for them; 403 where two others have seen it.
        """
        if not isinstance(number, int) or not 0 < number < 1_000_000_000:
            raise malformed("`number` is the number of a report.")
        if not (person.belongs and person.roles & _ABOVE):
            raise not_found()
        report: Report | None = await self._api.run_db_interaction("belisha_report_of", tables.by_number, number)
        if report is None or report.member == person.localpart:
            raise not_found()

        def read(txn: LoggingTransaction) -> tuple[list[Done], list[str]]:
            tables.alone(txn, number)
            seen = tables.viewers(txn, number)
            if look and report.item is not None:
                raise_if_refused(decide_looking(person, report.member, seen))
                if person.localpart not in seen:
                    tables.look(txn, number, person.localpart, int(self._clock()))
                    seen = [*seen, person.localpart]
                    self._audit.append(
                        txn, person.user_id, kind="report", what="look", rule="P1", item=str(report.item)
                    )
            return tables.done(txn, [number])[number], seen

        done, seen = await self._api.run_db_interaction("belisha_report_look", read)
        may_look = report.item is not None and decide_looking(person, report.member, seen).allowed
        answer = {**await self._reports.facts(report, done), "may_look": may_look, "seen_by": len(seen)}
        answer["acts"] = await self._possible(person, report, done)
        is_seen = may_look and person.localpart in seen
        return {**answer, "shown": await self._shown(report) if is_seen else None}

    async def _possible(self, person: Person, report: Report, done: list[Done]) -> list[str]:
        """What this person could do about it now; each is decided about once more when it is asked for."""
        in_group = (await self._reports.place(report.room_id)).is_group
        so_far = {one.act: one.by for one in done}
        found = [
            act
            for act in _ACTS
            if decide_handling(
                act, person, report.member, has_item=report.item is not None, in_group=in_group, done=so_far
            ).allowed
        ]
        # Of a room of named people it is not told whom a report is about, so neither by what is missing here.
        is_told = in_group or report.room_id is None
        if is_told and report.member is not None and not await self._may_moderate(person, report.member):
            found = [act for act in found if act not in _TO_MEMBERS]
        if "remove" in found and not await self._can_be_removed(report):
            found.remove("remove")
        if "redact" in found and await self._is_gone(report):
            found.remove("redact")
        return found

    async def _may_moderate(self, person: Person, localpart: str) -> bool:
        member = (await self._registry.members()).get(localpart)
        if member is None:
            return False
        act = _ACTS["warn"]
        role = moderates_as(act, person, member.organisation, 0, in_group=False)
        subject = Subject(localpart, member.organisation, frozenset(member.roles))
        return decide_moderation(act, person, role, subject, 0).allowed

    async def _can_be_removed(self, report: Report) -> bool:
        room_id, user_id = str(report.room_id), self._registry.user_id(str(report.member))
        return room_id not in await self._rooms.founding_rooms() and user_id in await self._hooks.joined(room_id)

    async def _is_gone(self, report: Report) -> bool:
        event = await self._hooks.event(str(report.item))
        return event is None or event.internal_metadata.is_redacted()

    async def _shown(self, report: Report) -> dict[str, Any]:
        """The reported item as it is now; nothing of what stands around it."""
        event = await self._hooks.event(str(report.item))
        if event is None or event.internal_metadata.is_redacted():
            return {"texts": [], "gone": True, "source": None, "sent_at": None, "label": None, "sealed": False}
        row = await self._ledger.row_for(event)
        return {
            "texts": await self._reports.texts(report),
            "gone": False,
            "source": event.sender,
            "sent_at": event.origin_server_ts // 1000,
            "label": None if row is None else str(row.effective),
            "sealed": event.type == "m.room.encrypted",
        }
