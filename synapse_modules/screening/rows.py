"""The tables `belisha_screening` and `belisha_alert`: uploads under way or not scanned yet, and what stewards are told.

No content in them: neither names of files nor their hashes.
"""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

#: For how long the same uploader's matches are one alert, in seconds.
TOGETHER: Final = 3600
#: How often a card that counts on is edited at most, in seconds.
_NOT_BEFORE: Final = 60
#: How long an alert stands here that the stewards know, in seconds.
_KEPT: Final = 7 * 86_400
#: How long an upload is looked at, at most, in seconds: whatever is older was cut short.
CUT_SHORT: Final = 900


class Waiting(NamedTuple):
    """A file that could not be scanned when it was uploaded, and how often since."""

    media_id: str
    uploader: str
    since: int
    tries: int


class Alert(NamedTuple):
    """What stewards are told of: sort of match, who matched, whose uploads, since when, how many; the card."""

    id: str
    sort: str
    matcher: str
    uploader: str
    at: int
    times: int
    card: str | None


# --- Uploads ------------------------------------------------------------------------------------------------------


def begin(txn: LoggingTransaction, media_id: str, uploader: str, now: int) -> None:
    """Writes that an upload is being looked at: its bytes are on the disk, and are nobody's yet."""
    txn.execute(
        "INSERT INTO belisha_screening (media_id, uploader, since, unscanned, tries, due) VALUES (?, ?, ?, 0, 0, ?)"
        " ON CONFLICT (media_id) DO UPDATE SET uploader = excluded.uploader, since = excluded.since,"
        " unscanned = 0, tries = 0, due = excluded.due",
        (media_id, uploader, now, now + CUT_SHORT),
    )


def settle(txn: LoggingTransaction, media_id: str, now: int) -> None:
    """Writes that a file is scanned; it stands here until Synapse has it, or it is clear that it never will."""
    txn.execute("UPDATE belisha_screening SET unscanned = 0, due = ? WHERE media_id = ?", (now + CUT_SHORT, media_id))


def end(txn: LoggingTransaction, media_id: str) -> None:
    """Forgets an upload that is done, or gone."""
    txn.execute("DELETE FROM belisha_screening WHERE media_id = ?", (media_id,))


def wait(txn: LoggingTransaction, media_id: str, tries: int, due: int) -> None:
    """Writes that a file is still to be scanned, and when."""
    txn.execute(
        "UPDATE belisha_screening SET unscanned = 1, tries = ?, due = ? WHERE media_id = ?", (tries, due, media_id)
    )


def again(txn: LoggingTransaction, media_id: str, tries: int, due: int) -> None:
    """Puts off a file that is still to be scanned; not one whose bytes are brought anew meanwhile."""
    txn.execute(
        "UPDATE belisha_screening SET tries = ?, due = ? WHERE media_id = ? AND unscanned = 1", (tries, due, media_id)
    )


def waiting(txn: LoggingTransaction, now: int, limit: int) -> list[Waiting]:
    """Files that are to be scanned now."""
    txn.execute(
        "SELECT media_id, uploader, since, tries FROM belisha_screening WHERE unscanned = 1 AND due <= ?"
        " ORDER BY due LIMIT ?",
        (now, limit),
    )
    return [Waiting(str(row[0]), str(row[1]), int(row[2]), int(row[3])) for row in txn.fetchall()]


def count_waiting(txn: LoggingTransaction, before: int | None = None) -> int:
    """How many files are still to be scanned: all, or those that were uploaded before that time."""
    if before is None:
        txn.execute("SELECT COUNT(*) FROM belisha_screening WHERE unscanned = 1")
    else:
        txn.execute("SELECT COUNT(*) FROM belisha_screening WHERE unscanned = 1 AND since < ?", (before,))
    return int(txn.fetchall()[0][0])


def cut_short(txn: LoggingTransaction, now: int, limit: int) -> list[str]:
    """Uploads of which Synapse has known no bytes for long: refused, or cut short by a crash. Forgets the others."""
    txn.execute(
        "DELETE FROM belisha_screening WHERE unscanned = 0 AND due <= ? AND EXISTS (SELECT 1 FROM"
        " local_media_repository AS media WHERE media.media_id = belisha_screening.media_id"
        " AND media.media_length IS NOT NULL)",
        (now,),
    )
    txn.execute(
        "SELECT media_id FROM belisha_screening WHERE unscanned = 0 AND due <= ? ORDER BY due LIMIT ?", (now, limit)
    )
    return [str(row[0]) for row in txn.fetchall()]


# --- Alerts -------------------------------------------------------------------------------------------------------


def alert(txn: LoggingTransaction, sort: str, matcher: str, uploader: str, now: int) -> bool:
    """Has the stewards told of a match; those of one uploader within an hour are told of together.

    Returns:
        Whether this is the first of them.
    """
    txn.execute(
        "UPDATE belisha_alert SET count = count + 1 WHERE id = (SELECT id FROM belisha_alert WHERE sort = ?"
        " AND matcher = ? AND uploader = ? AND at > ? ORDER BY at DESC LIMIT 1)",
        (sort, matcher, uploader, now - TOGETHER),
    )
    if txn.rowcount:
        return False
    txn.execute(
        "INSERT INTO belisha_alert (id, sort, matcher, uploader, at, count, told, told_at)"
        " VALUES (?, ?, ?, ?, ?, 1, 0, 0)",
        (secrets.token_hex(8), sort, matcher, uploader, now),
    )
    return True


def to_tell(txn: LoggingTransaction, now: int, limit: int) -> list[Alert]:
    """Alerts that the stewards do not know yet, or not how many; forgets those that are old."""
    txn.execute("DELETE FROM belisha_alert WHERE told = count AND at < ?", (now - _KEPT,))
    txn.execute(
        "SELECT id, sort, matcher, uploader, at, count, card FROM belisha_alert WHERE told < count"
        " AND (card IS NULL OR told_at <= ?) ORDER BY at LIMIT ?",
        (now - _NOT_BEFORE, limit),
    )
    return [Alert(*row) for row in txn.fetchall()]


def told(txn: LoggingTransaction, one: Alert, card: str, now: int) -> None:
    """Writes how many they were told of."""
    txn.execute("UPDATE belisha_alert SET told = ?, told_at = ?, card = ? WHERE id = ?", (one.times, now, card, one.id))
