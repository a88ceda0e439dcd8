"""Redacts what has been kept as long as its label may be, and withdraws uploads that nobody shared (rule E1)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.events import written_label
from belisha.policy.types import CONTENT
from belisha.tlp import Label
from synapse_modules.file_rows import FileRows
from synapse_modules.redactions import Redactions
from synapse_modules.refusal import FAILURES, where

logger = logging.getLogger(__name__)

#: How often it is looked whether anything is due, in milliseconds.
EVERY_MS: Final = 3_600_000
_DAY_S: Final = 86_400
_BATCH: Final = 200
_CONTENT: Final = tuple(sorted(CONTENT))


class Retention:
    """What is redacted by age; in the process that does background work."""

    def __init__(
        self,
        api: ModuleApi,
        rows: FileRows,
        redactions: Redactions,
        days: Mapping[Label, int],
        unshared_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._rows = rows
        self._redactions = redactions
        self._days = days
        self._unshared_days = unshared_days
        self._clock = clock

    async def run(self) -> None:
        """Redacts and withdraws what is due; what cannot be done now is done the next time."""
        try:
            now = self._clock()
            await self._rows.withdraw_unshared(int(now) - self._unshared_days * _DAY_S)
            for label, days in self._days.items():
                await self._redact_all(label, int((now - days * _DAY_S) * 1000))
        except FAILURES as error:
            logger.error("What is kept too long is still to be redacted: %s", where(error))

    async def _redact_all(self, label: Label, before_ms: int) -> None:
        """Every item of a label that is older: those that the ledger has, and those whose event says all there is."""
        after = -1
        while found := await self._api.run_db_interaction("belisha_due", _in_ledger, str(label), before_ms, after):
            after = found[-1][0]
            for _, event_id in found:
                await self._redactions.redact(event_id)
        after = await self._api.run_db_interaction("belisha_retained", _position, str(label))
        while others := await self._api.run_db_interaction("belisha_due", _without_row, before_ms, after):
            for order, event_id, text in others:
                if written_label(json.loads(text).get("content", {})) == label:
                    await self._redactions.redact(event_id)
                after = order
            await self._api.run_db_interaction("belisha_retained", _set_position, str(label), after)


#: An item that is still there; an edit goes with what it edits.
_THERE: Final = (
    " event.rejection_reason IS NULL AND event.received_ts < ? AND event.stream_ordering > ?"
    " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redactions.redacts = event.event_id)"
    " AND NOT EXISTS (SELECT 1 FROM event_relations AS relation"
    "  WHERE relation.event_id = event.event_id AND relation.relation_type = 'm.replace')"
)


def _in_ledger(txn: LoggingTransaction, label: str, before_ms: int, after: int) -> list[tuple[int, str]]:
    txn.execute(
        "SELECT event.stream_ordering, event.event_id FROM belisha_item AS item"  # noqa: S608 - constants
        f" JOIN events AS event ON event.event_id = item.event_id WHERE item.label = ? AND {_THERE}"
        " ORDER BY event.stream_ordering LIMIT ?",
        (label, before_ms, after, _BATCH),
    )
    return [(int(row[0]), str(row[1])) for row in txn.fetchall()]


def _without_row(txn: LoggingTransaction, before_ms: int, after: int) -> list[tuple[int, str, str]]:
    marks = ", ".join("?" for _ in _CONTENT)
    txn.execute(
        "SELECT event.stream_ordering, event.event_id, event_json.json FROM events AS event"  # noqa: S608 - constants
        " JOIN event_json ON event_json.event_id = event.event_id"
        f" WHERE event.type IN ({marks}) AND {_THERE}"
        " AND NOT EXISTS (SELECT 1 FROM belisha_item AS item WHERE item.event_id = event.event_id)"
        " ORDER BY event.stream_ordering LIMIT ?",
        (*_CONTENT, before_ms, after, _BATCH),
    )
    return [(int(row[0]), str(row[1]), str(row[2])) for row in txn.fetchall()]


def _position(txn: LoggingTransaction, label: str) -> int:
    txn.execute("SELECT position FROM belisha_retained WHERE label = ?", (label,))
    row = txn.fetchone()
    return -1 if row is None else int(row[0])


def _set_position(txn: LoggingTransaction, label: str, position: int) -> None:
    txn.execute(
        "INSERT INTO belisha_retained (label, position) VALUES (?, ?)"
        " ON CONFLICT (label) DO UPDATE SET position = excluded.position",
        (label, position),
    )
