"""Tells the stewards, in their room, what is closed since a part of Synapse is missing, and when all is there again.

Said once: what they were last told is written down, and a start that finds the same says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_modules.rooms import Rooms

_TOPIC: Final = "degraded"
_NOTHING: Final = "[]"
_WELL: Final = "Every part of the server is there again: nothing is closed any more, and there is nothing to do."
_CLOSED: Final = (
    "Parts of the server are missing since its last start. What cannot be checked without them is closed, so nothing "
    "leaks; all else works:"
)
_REMEDY: Final = (
    "Please pass this on to whoever runs the server: the version of Synapse that is pinned has to be put back "
    "(make up), and the server started again. I say so here when it is done."
)


def wording(degraded: Mapping[str, str]) -> str:
    """What the stewards read; `degraded` has a sentence for each missing part."""
    return "\n".join((_CLOSED, *(f"• {sentence}" for sentence in degraded.values()), _REMEDY)) if degraded else _WELL


class DegradedNotice:
    """Tells once what this start found."""

    def __init__(self, api: ModuleApi, rooms: Rooms, degraded: Mapping[str, str]) -> None:
        self._api = api
        self._rooms = rooms
        self._degraded = degraded
        self._is_told = False

    async def tell(self) -> None:
        """Tells the stewards, unless they know; to be tried again where it fails."""
        if self._is_told:
            return
        found = json.dumps(sorted(self._degraded))
        if found != await self._api.run_db_interaction("belisha_told", _told):
            await self._api.create_and_send_event_into_room(
                {
                    "type": "m.room.message",
                    "room_id": await self._rooms.stewards_room(),
                    "sender": self._rooms.steward,
                    "content": {"msgtype": "m.notice", "body": wording(self._degraded)},
                }
            )
            # Afterwards: a crash in between tells them twice, and never not at all.
            await self._api.run_db_interaction("belisha_tell", _tell, found)
        self._is_told = True


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
