"""What was found inside files, in the table `belisha_file`: which are still to be read, and what the others say.

A finding belongs to one arrival of bytes: where an upload failed after them and was sent again, what was found in the
first bytes says nothing of the second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.inside import Finding, Reason
from belisha.tlp import Label

_LABELS: Final = {str(label): label for label in Label}
_REASONS: Final = {reason.value: reason for reason in Reason}


class Unread(NamedTuple):
    """A file whose bytes are there and were not read yet."""

    media_id: str
    arrival: int
    uploader: str


class ScanRows:
    """Reads and writes what is known of files' insides; may be used in every process."""

    def __init__(self, api: ModuleApi, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._clock = clock

    async def arrived(self, media_id: str, kind: str) -> int | None:
        """Notes that a file's bytes are there, and what they are; the number of this arrival, None if withdrawn."""
        number: int | None = await self._api.run_db_interaction(
            "belisha_file_arrived", _arrived, media_id, kind, int(self._clock())
        )
        return number

    async def finished(self, media_id: str, arrival: int, finding: Finding) -> None:
        """Notes what was found in the bytes of that arrival; of bytes that others have replaced, nothing."""
        await self._api.run_db_interaction(
            "belisha_file_scanned", _finished, media_id, arrival, finding, int(self._clock())
        )

    async def want(self, media_id: str) -> None:
        """Notes that somebody waits for a file to be read, so that it is read before others."""
        await self._api.run_db_interaction("belisha_file_wanted", _want, media_id, int(self._clock()))

    async def unread(self, limit: int) -> list[Unread]:
        """Uploaded files that are still to be read, in the order in which they should be."""
        found: list[Unread] = await self._api.run_db_interaction("belisha_file_unread", _unread, limit)
        return found

    async def count_unread(self, seconds: int) -> int:
        """How many uploaded files are still to be read that arrived longer ago than so many seconds."""
        before = int(self._clock()) - seconds
        count: int = await self._api.run_db_interaction("belisha_file_count_unread", _count_unread, before)
        return count


def inside_of(scanned: int | None, label: str | None, not_checked: str | None, forbidden: str | None) -> Finding | None:
    """The finding that a row has; None while there is none. What cannot be read there counts as the strictest."""
    if scanned is None:
        return None
    return Finding(
        None if label is None else _LABELS.get(label, Label.RED),
        None if not_checked is None else _REASONS.get(not_checked, Reason.BROKEN),
        forbidden,
    )


def _arrived(txn: LoggingTransaction, media_id: str, kind: str, now: int) -> int | None:
    txn.execute(
        "INSERT INTO belisha_file (media_id, state, kind, arrived, arrival) VALUES (?, 'pending', ?, ?, 1)"
        " ON CONFLICT (media_id) DO UPDATE SET kind = excluded.kind, arrived = excluded.arrived,"
        " arrival = belisha_file.arrival + 1, scanned = NULL, inside = NULL, not_checked = NULL, forbidden = NULL,"
        " portrait = 0"
        " WHERE belisha_file.state = 'pending'",
        (media_id, kind, now),
    )
    if int(txn.rowcount) != 1:
        return None
    txn.execute("SELECT arrival FROM belisha_file WHERE media_id = ?", (media_id,))
    return int(txn.fetchall()[0][0])


def _finished(txn: LoggingTransaction, media_id: str, arrival: int, finding: Finding, now: int) -> None:
    label, reason = finding.label, finding.not_checked
    values: tuple[Any, ...] = (
        now,
        None if label is None else str(label),
        None if reason is None else reason.value,
        finding.forbidden,
    )
    txn.execute(
        "UPDATE belisha_file SET scanned = ?, inside = ?, not_checked = ?, forbidden = ?"
        " WHERE media_id = ? AND arrival = ? AND scanned IS NULL",
        (*values, media_id, arrival),
    )


def _want(txn: LoggingTransaction, media_id: str, now: int) -> None:
    txn.execute("UPDATE belisha_file SET wanted = ? WHERE media_id = ? AND scanned IS NULL", (now, media_id))


def _unread(txn: LoggingTransaction, limit: int) -> list[Unread]:
    # An upload that is under way has no length yet: who takes it in has it read.
    txn.execute(
        "SELECT file.media_id, file.arrival, media.user_id FROM belisha_file AS file"
        " JOIN local_media_repository AS media ON media.media_id = file.media_id AND media.media_length IS NOT NULL"
        " WHERE file.scanned IS NULL AND file.state <> 'withdrawn'"
        " ORDER BY file.wanted DESC, file.arrived DESC LIMIT ?",
        (limit,),
    )
    return [Unread(str(media_id), int(arrival), str(user_id)) for media_id, arrival, user_id in txn.fetchall()]


def _count_unread(txn: LoggingTransaction, before: int) -> int:
    txn.execute(
        "SELECT COUNT(*) FROM belisha_file AS file"
        " JOIN local_media_repository AS media ON media.media_id = file.media_id AND media.media_length IS NOT NULL"
        " WHERE file.scanned IS NULL AND file.state <> 'withdrawn' AND file.arrived < ?",
        (before,),
    )
    return int(txn.fetchall()[0][0])
