"""Keeps the heads of the audit log elsewhere by the hour: in the stewards' room, and in a file of their own (A1).

Whoever can write into the database could cut an end off and put an old head back; a head that is kept elsewhere tells.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_modules.audit import Audit
from synapse_modules.rooms import Rooms

#: How often it is looked whether an hour has passed, in milliseconds.
EVERY_MS: Final = 15_000
_HOUR: Final = 3600
_TOPIC: Final = "audit heads"


class AuditHeads:
    """Posts and keeps the heads; in the process that does background work."""

    def __init__(
        self, api: ModuleApi, audit: Audit, rooms: Rooms, path: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._audit = audit
        self._rooms = rooms
        self._path = path
        self._clock = clock

    async def keep(self) -> None:
        """Keeps the heads where an hour has passed since the last time, or since the first look."""
        now = int(self._clock())
        last = await self._api.run_db_interaction("belisha_heads_told", _told)
        if last is not None and now - last < _HOUR:
            return
        heads = await self._audit.heads()
        lines = [json.dumps(head._asdict(), sort_keys=True) for head in heads]
        if last is not None and heads:
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
            await self._api.create_and_send_event_into_room(
                {
                    "type": "m.room.message",
                    "room_id": await self._rooms.stewards_room(),
                    "sender": self._rooms.steward,
                    "content": {"msgtype": "m.notice", "body": "\n".join(("The audit log, as it is now:", *lines))},
                }
            )
        # Afterwards: a crash in between keeps them twice.
        await self._api.run_db_interaction("belisha_heads_tell", _tell, now)


def _told(txn: LoggingTransaction) -> int | None:
    txn.execute("SELECT value FROM belisha_told WHERE topic = ?", (_TOPIC,))
    row = txn.fetchone()
    return None if row is None else int(row[0])


def _tell(txn: LoggingTransaction, now: int) -> None:
    txn.execute(
        "INSERT INTO belisha_told (topic, value) VALUES (?, ?)"
        " ON CONFLICT (topic) DO UPDATE SET value = excluded.value",
        (_TOPIC, str(now)),
    )
