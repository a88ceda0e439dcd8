"""Tells the stewards, in their room, of acts that have no end in the audit log, or that a crash has cut short (A1).

Each is told once: which were told is written down. What an act was about is not said, since that may be a room of
named people; the record has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.audit import Record, open_acts
from synapse_modules.audit import Audit
from synapse_modules.rooms import Rooms

#: How often it is looked for them, in milliseconds.
EVERY_MS: Final = 15_000
#: How long an act may be under way, in seconds, before its end is missed.
_UNDER_WAY: Final = 600
_CUT_SHORT: Final = "cut short"
_HEADING: Final = (
    "The audit log has acts that did not come to their end: the server, or its database, stopped in the middle of them."
)
_REMEDY: Final = (
    "What they had begun is undone or finished at the start after it. Please have whoever runs the server look at these"
    " records (belisha audit verify, belisha audit tail), and see whether all is as you want it."
)


def wording(records: list[Record]) -> str:
    """What the stewards read."""
    lines = (
        f"• {one.said.get('what')}, {datetime.fromtimestamp(one.at, UTC):%Y-%m-%d %H:%M} UTC: "
        f"record {one.number} of the chain {one.writer}"
        for one in records
    )
    return "\n".join((_HEADING, *lines, _REMEDY))


class OpenActs:
    """Finds and tells; in the process that does background work."""

    def __init__(self, api: ModuleApi, audit: Audit, rooms: Rooms, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._audit = audit
        self._rooms = rooms
        self._clock = clock

    async def without_end(self) -> list[Record]:
        """Acts that have had no end for long."""
        return self._late(await self._audit.acts())

    def _late(self, acts: list[Record]) -> list[Record]:
        late = self._clock() - _UNDER_WAY
        return [one for one in open_acts(acts) if one.at < late]

    async def tell(self) -> None:
        """Tells the stewards of those that they do not know."""
        acts = await self._audit.acts()
        found = self._late(acts) + [one for one in acts if one.said.get("phase") == _CUT_SHORT]
        if not found:
            return
        known: set[tuple[str, int]] = await self._api.run_db_interaction("belisha_acts_told", _told)
        new = [one for one in found if (one.writer, one.number) not in known]
        if not new:
            return
        await self._api.create_and_send_event_into_room(
            {
                "type": "m.room.message",
                "room_id": await self._rooms.stewards_room(),
                "sender": self._rooms.steward,
                "content": {"msgtype": "m.notice", "body": wording(new)},
            }
        )
        # Afterwards: a crash in between tells them twice, and never not at all.
        await self._api.run_db_interaction("belisha_acts_tell", _tell, new)


def _told(txn: LoggingTransaction) -> set[tuple[str, int]]:
    txn.execute("SELECT writer, number FROM belisha_act_told")
    return {(str(row[0]), int(row[1])) for row in txn.fetchall()}


def _tell(txn: LoggingTransaction, records: list[Record]) -> None:
    for one in records:
        txn.execute(
            "INSERT INTO belisha_act_told (writer, number) VALUES (?, ?) ON CONFLICT (writer, number) DO NOTHING",
            (one.writer, one.number),
        )
