"""Looks whether scanner, matcher and list can be asked, and tells log and stewards when that changes.

Said once: what was last told is written down. What is gone for a moment only, as at a restart of clamd, is not told.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_modules.rooms import Rooms
from synapse_modules.screening import rows
from synapse_modules.screening.screening import Screening
from synapse_modules.screening.threads import Threads

logger = logging.getLogger(__name__)

EVERY_MS: Final = 5_000
_TOPIC: Final = "screening"
_NOTHING: Final = "[]"
_WELL: Final = "Files are checked again as they should be; there is nothing to do."
_OFF: Final = "The settings have nobody check files any more, so nobody is missed; there is nothing to do."
#: For how long a file that was taken without the scanner may wait for it before the doctor says so, in seconds.
_LONG: Final = 3600
_LEFT: Final = (
    "Files that were taken without the malware scanner have not been scanned for over an hour: {} in all. They are "
    "larger than clamd takes, or it was away, or fails on them; its log and Synapse's say more. They are tried again."
)
_HEADING: Final = "Files cannot be checked as they should be. Please pass this on to whoever runs the server:"


class Watch:
    """Looks and tells; in the process that does background work."""

    def __init__(
        self, api: ModuleApi, screening: Screening, rooms: Rooms, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._clock = clock
        self._screening = screening
        self._rooms = rooms
        # Its own: all the others may be with a scanner that hangs, which is when this has to say so.
        self._in_thread = Threads(api, 1, "belisha-watch").do
        self._before: list[str] | None = None

    async def look(self, *, at_once: bool = True) -> list[str]:
        """What does not work now, a sentence each; `at_once` as for `Screener.problems`."""
        if not self._screening.is_on:
            return []
        return await self._in_thread(partial(self._screening.screener.problems, at_once=at_once))

    async def left(self) -> list[str]:
        """A sentence where files wait for the scanner for long, though they were taken."""
        before = int(self._clock()) - _LONG
        count: int = await self._api.run_db_interaction("belisha_unscanned", rows.count_waiting, before)
        return [_LEFT.format(count)] if count else []

    async def catch_up(self) -> None:
        """Looks; what was so the last time too is told, unless it is known."""
        problems = await self.look(at_once=False)
        if problems != self._before:
            for problem in problems:
                logger.error("%s", problem)
            self._before = problems
            return
        said = json.dumps(problems)
        if said == await self._api.run_db_interaction("belisha_told", _told):
            return
        well = _WELL if self._screening.is_on else _OFF
        body = "\n".join((_HEADING, *(f"• {problem}" for problem in problems))) if problems else well
        await self._api.create_and_send_event_into_room(
            {
                "type": "m.room.message",
                "room_id": await self._rooms.stewards_room(),
                "sender": self._rooms.steward,
                "content": {"msgtype": "m.notice", "body": body},
            }
        )
        # Afterwards: a crash in between tells them twice, and never not at all.
        await self._api.run_db_interaction("belisha_tell", _tell, said)


def _told(txn: LoggingTransaction) -> str:
    txn.execute("SELECT value FROM belisha_told WHERE topic = ?", (_TOPIC,))
    row = txn.fetchone()
    return _NOTHING if row is None else str(row[0])


def _tell(txn: LoggingTransaction, value: str) -> None:
    txn.execute(
        "INSERT INTO belisha_told (topic, value) VALUES (?, ?)"
        " ON CONFLICT (topic) DO UPDATE SET value = excluded.value",
        (_TOPIC, value),
    )
