"""Acts on reports: making one, looking after it, acting on whom it is about, closing it (rules M1, P1 and P3).

What is done is written down with the report, in one transaction: of two stewards at once one is told that the other was
quicker. What is done to a member is an act of moderation like any other (`acts_moderation.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from synapse.event_auth import get_user_power_level
from synapse.module_api import LoggingTransaction

from belisha.acts.reports import REPORT_ACTS
from belisha.policy.decision import refuse
from belisha.policy.membership import decide_standing
from belisha.policy.people import Person
from belisha.policy.reasons import decide_reason
from belisha.policy.reports import decide_handling, decide_reporting
from belisha.policy.rooms import Kind
from synapse_modules import report_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.acts_moderation import About, ModerationActs
from synapse_modules.command_events import Command
from synapse_modules.parts import Parts
from synapse_modules.refusal import raise_if_refused, refused
from synapse_modules.registry_tables import Known
from synapse_modules.report_tables import Report
from synapse_modules.snapshot import POWER_STATE

#: What is done to a member by an act on a report, and whether it is to be done in Matrix too.
_MODERATION: Final = {
    "warn": ("warn", False),
    "mute": ("mute", False),
    "redact": ("redact", True),
    "remove": ("kick", True),
}
_REPORT: Final = "report"


class ReportActs:
    """What commands, and taps on cards, do about reports."""

    acts = tuple(str(act.act) for act in REPORT_ACTS)

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        self._api = parts.api
        self._audit = parts.audit
        self._hooks = parts.hooks
        self._markers = parts.about.markers
        self._moderation = parts.moderation
        self._acts = ModerationActs(parts, clock)
        self._readers = parts.readers
        self._registry = parts.registry
        self._reports = parts.reports
        self._rooms = parts.rooms
        self._clock = clock

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        act = str(command.asked.command.act)
        if act == _REPORT:
            return await self._report(command, record)
        if not command.sender.roles & command.asked.command.roles:
            raise refused(_NOT_YOURS)  # before anything is looked up: who may not ask learns of no report
        act = act.removeprefix("report_")
        said = command.asked.arguments.get("answer" if act == "close" else "reason")
        if said is not None:
            raise_if_refused(decide_reason(said, self._markers))
        report = await self._of(command)
        if act in _MODERATION:
            return await self._moderate(command, record, report, act, said)
        return await self._settle(command, record, report, act)

    # --- Making one --------------------------------------------------------------------------------------------

    async def _report(self, command: Command, record: Record) -> Json:
        arguments = command.asked.arguments
        room_id, slash, event_id = str(arguments.get("message", "")).partition("/")
        if "message" not in arguments:
            room_id, event_id = command.room_id, str(command.target)
        elif not slash or not room_id.startswith("!"):
            raise refused(_NO_LINK)
        if "\0" in room_id + event_id:
            raise refused(_NO_ITEM)
        item = await self._readers.item(command.sender.user_id, room_id, event_id)
        if item is None:
            raise refused(_NO_ITEM)
        raise_if_refused(decide_reporting(command.sender, await self._registry.person(item.source)))
        report = Report(
            f"command {command.events[0]}",
            None,
            command.sender.localpart,
            Person(item.source).localpart,
            room_id,
            item.event_id,
            arguments["kind"],
            bool(arguments.get("urgent")),
            int(self._clock()),
        )

        def write(txn: LoggingTransaction) -> Json:
            record.not_ended(txn)
            again = tables.is_open(txn, report.reporter, item.event_id)
            if not again:
                tables.add(txn, report)
            return record.done(txn, again=again)

        outcome: Json = await self._api.run_db_interaction("belisha_report", write)
        return outcome

    # --- Looking after one -------------------------------------------------------------------------------------

    async def _of(self, command: Command) -> Report:
        """The report that a command is about: by its number, or by the card that it answers or taps.

        Raises:
            SynapseError: 403 where there is none, or it is asked for where others read it.
        """
        in_stewards_room = command.room_id == await self._rooms.stewards_room()
        if not in_stewards_room and command.room.kind is not Kind.SERVICE:
            raise refused(_NOT_HERE)
        number = command.asked.arguments.get("number")
        find = (tables.by_number, number) if number is not None else (tables.by_card, str(command.target))
        report: Report | None = await self._api.run_db_interaction("belisha_report_of", *find)
        if report is None or (number is None and not in_stewards_room):
            raise refused(_NO_REPORT)
        return report

    async def _settle(self, command: Command, record: Record, report: Report, act: str) -> Json:
        ended: list[Json] = []
        in_group = (await self._reports.place(report.room_id)).is_group

        def decide(txn: LoggingTransaction, known: Known) -> tuple[()]:
            record.not_ended(txn)
            asker = known.person(command.sender.user_id)
            raise_if_refused(decide_standing(asker))
            more = self._note(txn, asker, int(self._clock()), report, act, known, in_group=in_group)
            ended.append(record.done(txn, **more))
            return ()

        await self._registry.change_as_decided(decide)
        return ended[-1]

    async def _moderate(self, command: Command, record: Record, report: Report, act: str, reason: str | None) -> Json:
        kind, is_in_matrix = _MODERATION[act]
        place = await self._reports.place(report.room_id)
        raise_if_refused(
            decide_handling(
                act,
                command.sender,
                report.member,
                has_item=report.item is not None,
                in_group=place.is_group,
                done={},
            )
        )
        user_id = self._registry.user_id(str(report.member))
        room_id = report.room_id if place.is_group and act != "warn" else None
        if act == "remove":
            await self._check_removal(user_id, str(room_id))
        power = 0 if room_id is None else await self._power(user_id, room_id)
        about = About(user_id, room_id, power, report.item if act == "redact" else None)
        known = await self._registry.members()

        def also(txn: LoggingTransaction, asker: Person, now: int) -> Json:
            more = self._note(txn, asker, now, report, act, None, in_group=place.is_group)
            reporter = known.get(report.reporter)
            return more | {"reporter_room": None if reporter is None else reporter.service_room}

        outcome = await self._acts.write(command, record, about, kind, is_in_matrix=is_in_matrix, also=also)
        if is_in_matrix:
            await self._moderation.carry_out(command.events[0], reason)
        return outcome

    def _note(
        self,
        txn: LoggingTransaction,
        asker: Person,
        now: int,
        report: Report,
        act: str,
        known: Known | None,
        *,
        in_group: bool,
    ) -> Json:
        """Decides once more, with what was done until now, and writes the act down; what the bot is told of it."""
        number = int(report.number or 0)
        before = tables.done(txn, [number])[number]
        raise_if_refused(
            decide_handling(
                act,
                asker,
                report.member,
                has_item=report.item is not None,
                in_group=in_group,
                done={one.act: one.by for one in before},
            )
        )
        tables.note(txn, number, act, asker.localpart, now, len(before))
        self._audit.append(txn, asker.user_id, kind="report", what=act, rule="M1", item=report.came_by.split(" ", 1)[1])
        told: Json = {"number": number, "done": [*map(list, before), [act, asker.localpart, now]]}
        if known is not None:
            reporter = known.members.get(report.reporter)
            told["reporter_room"] = None if reporter is None else reporter.service_room
        return told

    async def _check_removal(self, user_id: str, room_id: str) -> None:
        if room_id in await self._rooms.founding_rooms():
            raise refused(_FOUNDING)
        if user_id not in await self._hooks.joined(room_id):
            raise refused(_NOT_IN_IT)

    async def _power(self, user_id: str, room_id: str) -> int:
        return int(get_user_power_level(user_id, await self._api.get_room_state(room_id, POWER_STATE)))


_NOT_YOURS: Final = refuse("P3", "NOT_YOURS", "Only stewards and managers look after reports. Please ask one of them.")
_NOT_HERE: Final = refuse(
    "P3",
    "NOT_HERE",
    "Please write this in the stewards' room, as the answer to a report, or in your own room.",
)
_NO_REPORT: Final = refuse(
    "P3", "NO_REPORT", "There is no such report. Please answer or tap its card, or name its number with --number."
)
_NO_LINK: Final = refuse(
    "P3", "NO_LINK", "Please give the whole link to the message: in Element, “Share” in its menu, then the link."
)
_NO_ITEM: Final = refuse(
    "M1", "NO_ITEM", "There is no such message that you can read, or it was taken back. Please look it up again."
)
_FOUNDING: Final = refuse(
    "M1", "NO_CHANGE", "Every member is in this room, so nobody is removed from it. Mute or freeze the member instead."
)
_NOT_IN_IT: Final = refuse("M1", "NOT_IN_IT", "This member is not in that group, so there is nobody to remove.")
