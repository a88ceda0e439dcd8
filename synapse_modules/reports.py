"""Brings reports to the stewards' room: those of commands and those that Synapse has taken from clients' own menus.

Whatever brings a report is stored first; a message in the steward bot's name tells of it then, and of nothing that was
written. It is known by its number, which is stored before: so after a crash it is looked for, and is sent once. The bot
makes a card of it (`bots/steward/reports.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from synapse.events import EventBase
from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.acts.reports import KINDS, REPORT_KEY
from belisha.markers import MarkerReader
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import BOT_PREFIX
from belisha.policy.reports import is_urgent, words_for_card
from belisha.policy.rooms import Kind, Room
from synapse_modules import report_tables as tables
from synapse_modules.hooks import Hooks
from synapse_modules.own_messages import message_with
from synapse_modules.registry import Registry
from synapse_modules.report_tables import Done, Native, Report
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import room_of

#: How often it is looked for reports, in milliseconds.
EVERY_MS: Final = 2000
#: Of how many reports of one member the stewards are told within an hour; the others wait.
IN_AN_HOUR: Final = 10
_HOUR: Final = 3600
_AT_ONCE: Final = 50
_POLICY: Final = [(POLICY_TYPE, ""), ("m.room.encryption", ""), ("m.room.name", "")]


class Place(NamedTuple):
    """Where something was reported, as far as the stewards may know it."""

    kind: Kind | None
    name: str | None = None

    @property
    def is_group(self) -> bool:
        """Whether the bot is there, and the stewards may be told which room it is."""
        return self.kind in (Kind.OPEN, Kind.CLOSED)


class Reports:
    """Tells the stewards; in the process that does background work."""

    def __init__(
        self,
        api: ModuleApi,
        hooks: Hooks,
        registry: Registry,
        rooms: Rooms,
        markers: MarkerReader,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._markers = markers
        self._clock = clock

    async def catch_up(self) -> None:
        """Takes what is new, and tells the stewards what they were not told yet."""
        for sort in tables.NATIVE:
            await self._api.run_db_interaction("belisha_reports_taken", self._take, sort)
        for report in await self._api.run_db_interaction("belisha_reports_due", tables.due, _AT_ONCE):
            await self._tell(report)

    async def place(self, room_id: str | None) -> Place:
        """What sort of a room somebody reported something in."""
        state = await self._api.get_room_state(room_id, _POLICY) if room_id is not None else {}
        room: Room | None = room_of(state)
        named = state.get(("m.room.name", ""))
        name = named.content.get("name") if named is not None else None
        return Place(None if room is None else room.kind, name if isinstance(name, str) else None)

    async def facts(self, report: Report, done: list[Done]) -> dict[str, Any]:
        """What whoever looks after a report is told of it: of a room of named people neither who nor what nor where."""
        place = await self.place(report.room_id)
        known: dict[str, Any] = {
            "number": report.number,
            "kind": report.kind,
            "urgent": report.urgent,
            "at": report.at,
            "about": "item" if report.item else "member" if report.member else "room",
            "where": "group" if place.is_group else "nowhere" if report.room_id is None else "private",
            "done": [list(one) for one in done],
        }
        if place.is_group:
            known |= {"room_id": report.room_id, "room_name": place.name, "item": report.item}
        if (place.is_group or report.room_id is None) and report.member is not None:
            known["member"] = report.member
        return known

    def _take(self, txn: LoggingTransaction, sort: str) -> None:
        for native in tables.natives(txn, sort, _AT_ONCE):
            report = self._report_of(sort, native)
            again = report.item is not None and tables.is_open(txn, report.reporter, report.item)
            tables.add(txn, report._replace(due=report.due and not again))

    def _report_of(self, sort: str, native: Native) -> Report:
        about = native.sender if sort == "event" else native.member
        member = None if about is None else about[1:].partition(":")[0]
        reporter = native.user_id[1:].partition(":")[0]
        # A bot's messages are nothing that stewards could moderate.
        is_bots = member is not None and member.startswith(BOT_PREFIX)
        counts = not is_bots and reporter != member and (member is not None or sort == "room")
        return Report(
            f"{sort} {native.id}",
            native.id,
            reporter,
            member,
            native.room_id,
            native.item,
            KINDS[-1],
            is_urgent(native.words),
            native.at_ms // 1000,
            due=counts,
        )

    async def _tell(self, report: Report) -> None:
        now = int(self._clock())
        if not await self._is_serious(report):
            await self._api.run_db_interaction("belisha_report_told", tables.is_told, report.came_by, None, now)
            return
        if report.number is None:
            told = await self._api.run_db_interaction(
                "belisha_reports_of", tables.told_since, report.reporter, now - _HOUR
            )
            if told >= IN_AN_HOUR:
                return
            number = await self._api.run_db_interaction("belisha_report_number", tables.give_number, report.came_by)
            report, card = report._replace(number=number), None
        else:  # it may have been told: a crash came between
            card = await self._find(report)
        card = card or await self._send(report)
        await self._api.run_db_interaction("belisha_report_told", tables.is_told, report.came_by, card, now)

    async def _is_serious(self, report: Report) -> bool:
        """Whether the reporter is a member, and knows the room that they report."""
        members = await self._registry.members()
        if report.reporter not in members or (report.member is not None and report.member not in members):
            return False
        if report.native != "room":
            return True
        if (await self.place(report.room_id)).kind is Kind.OPEN:
            return True
        who = self._registry.user_id(report.reporter)
        knew: bool = await self._api.run_db_interaction("belisha_report_room", _was_there, str(report.room_id), who)
        return knew

    async def _send(self, report: Report) -> str:
        known = await self.facts(report, [])
        if known["where"] == "group" and (words := await self._words(report)) is not None:
            known["words"] = words
        body = f"Report {report.number} has come in." + (" It is urgent." if report.urgent else "")
        event: EventBase = await self._api.create_and_send_event_into_room(
            {
                "type": "m.room.message",
                "room_id": await self._rooms.stewards_room(),
                "sender": self._rooms.steward,
                "content": {"msgtype": "m.text", "body": body, REPORT_KEY: known},
            }
        )
        return event.event_id

    async def _words(self, report: Report) -> str | None:
        """What the reporter wrote, where it is fit for the stewards' room and quotes nothing."""
        words = await self._api.run_db_interaction("belisha_report_words", tables.words_of, report)
        return words_for_card(words, "\n".join(await self.texts(report)), self._markers)

    async def texts(self, report: Report) -> list[str]:
        """What the reported message says, and what its newest edit does; nothing where it was taken back."""
        event = None if report.item is None else await self._hooks.event(report.item)
        if event is None or event.internal_metadata.is_redacted():
            return []
        edit = await self._hooks.newest_edit(event.event_id)
        return [text for one in (event, edit) if one is not None and (text := _text(one.content)) is not None]

    async def _find(self, report: Report) -> str | None:
        """The message that tells of a report already."""
        found: str | None = await self._api.run_db_interaction(
            "belisha_report_find",
            message_with,
            await self._rooms.stewards_room(),
            self._rooms.steward,
            REPORT_KEY,
            {"number": report.number or 0},
        )
        return found


def _text(content: Any) -> str | None:
    new = content.get("m.new_content")
    said = (new if isinstance(new, dict) else content).get("body")
    return said if isinstance(said, str) else None


def _was_there(txn: LoggingTransaction, room_id: str, user_id: str) -> bool:
    txn.execute("SELECT 1 FROM local_current_membership WHERE room_id = ? AND user_id = ?", (room_id, user_id))
    return txn.fetchone() is not None
