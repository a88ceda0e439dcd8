"""The rows of legal holds, and of what they keep, sealed; each function in one transaction (rule E1).

Times are seconds since 1970. A hold counts from `confirmed_at` to `ended_at`, and covers what matches each of room,
member and time that it names.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.kept import EVENT, FILE, Place
from belisha.policy.holds import REVIEW_S, WAITS_S


class Hold(NamedTuple):
    """One hold; people by user id."""

    id: str
    room_id: str | None
    member: str | None
    since: int | None
    until: int | None
    reason: str
    quiet: int
    ends: int
    asked_by: str
    asked_at: int
    confirmed_by: str | None = None
    confirmed_at: int | None = None
    release_by: str | None = None
    release_at: int | None = None
    open_by: str | None = None
    open_at: int | None = None
    open_until: int | None = None
    opened_at: int | None = None
    ended_by: str | None = None
    ended_at: int | None = None

    @property
    def is_active(self) -> bool:
        """Whether it keeps something now."""
        return self.confirmed_at is not None and self.ended_at is None


class Note(NamedTuple):
    """Something that somebody is still to be told of a hold."""

    hold: str
    step: str
    who: str
    at: int


_COLUMNS: Final = ", ".join(Hold._fields)
_MARKS: Final = ", ".join("?" for _ in Hold._fields)
_ACTIVE: Final = "hold.confirmed_at IS NOT NULL AND hold.ended_at IS NULL"
#: Whether a hold covers an event, or a file by who uploaded it and when; moments there are in milliseconds.
_COVERS: Final = (
    " AND (hold.member IS NULL OR hold.member = {who}) AND (hold.since IS NULL OR hold.since * 1000 <= {at})"
    " AND (hold.until IS NULL OR hold.until * 1000 > {at})"
)
#: Stands in the place of a hold where none may keep a file.
_NEVER: Final = ""
#: How many rows are looked at in one transaction.
_BATCH: Final = 50


def put(txn: LoggingTransaction, hold: Hold) -> None:
    """Writes a hold down, in the place of what it was."""
    txn.execute(
        f"INSERT INTO belisha_hold ({_COLUMNS}, journalled) VALUES ({_MARKS}, 0)"  # noqa: S608 - constants
        " ON CONFLICT (id) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in Hold._fields if name != "id"),
        hold,
    )


def by_id(txn: LoggingTransaction, hold_id: str) -> Hold | None:
    """A hold."""
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_hold WHERE id = ?", (hold_id,))  # noqa: S608 - a constant
    row = txn.fetchone()
    return None if row is None else Hold(*row)


def listed(txn: LoggingTransaction, now: int) -> list[Hold]:
    """Every hold that is in force, or waits for a second person."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_hold WHERE ended_at IS NULL"  # noqa: S608 - a constant
        " AND (confirmed_at IS NOT NULL OR asked_at > ?) ORDER BY asked_at, id",
        (now - WAITS_S,),
    )
    return [Hold(*row) for row in txn.fetchall()]


def counted(txn: LoggingTransaction, hold_id: str) -> tuple[int, int]:
    """How many events and files are kept under a hold."""
    txn.execute("SELECT kind, COUNT(*) FROM belisha_hold_kept WHERE hold_id = ? AND part = 0 GROUP BY kind", (hold_id,))
    found = {str(kind): int(count) for kind, count in txn.fetchall()}
    return found.get(EVENT, 0), found.get(FILE, 0)


def end(txn: LoggingTransaction, hold: Hold, by: str | None, now: int) -> None:
    """Ends a hold, and erases all that is kept under it."""
    put(txn, hold._replace(ended_by=by, ended_at=now))
    for table in ("belisha_hold_kept", "belisha_hold_share"):
        txn.execute(f"DELETE FROM {table} WHERE hold_id = ?", (hold.id,))  # noqa: S608 - two constants


def over(txn: LoggingTransaction, now: int) -> list[Hold]:
    """Holds whose last day is over, and those that nobody confirmed in time."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_hold WHERE ended_at IS NULL"  # noqa: S608 - a constant
        " AND (ends <= ? OR (confirmed_at IS NULL AND asked_at <= ?))",
        (now, now - WAITS_S),
    )
    return [Hold(*row) for row in txn.fetchall()]


def in_review(txn: LoggingTransaction, now: int) -> list[Hold]:
    """Active holds that managers are to be asked about; each once in `REVIEW_S`, which is noted here."""
    due = now - REVIEW_S
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_hold AS hold WHERE {_ACTIVE}"  # noqa: S608 - constants
        " AND COALESCE(reviewed_at, confirmed_at) <= ?",
        (due,),
    )
    found = [Hold(*row) for row in txn.fetchall()]
    for one in found:
        txn.execute("UPDATE belisha_hold SET reviewed_at = ? WHERE id = ?", (now, one.id))
    return found


# --- Keeping -----------------------------------------------------------------------------------------------------


def withdrawn(txn: LoggingTransaction, after: tuple[int, str]) -> list[tuple[int, str, str, str, str, str]]:
    """Events that were redacted under an active hold and are not kept yet, as Synapse still has them.

    Gives moment and id of the redaction, for the next page, then the hold, the event, its sender and its JSON.
    """
    txn.execute(
        "SELECT gone.received_ts, gone.event_id, hold.id, event.event_id, event.sender, event_json.json"  # noqa: S608 - constants
        f" FROM belisha_hold AS hold JOIN redactions AS gone ON {_ACTIVE} AND NOT gone.have_censored"
        "  AND gone.received_ts >= hold.confirmed_at * 1000"
        " JOIN events AS event ON event.event_id = gone.redacts AND event.rejection_reason IS NULL"
        "  AND (hold.room_id IS NULL OR hold.room_id = event.room_id)"
        f" {_COVERS.format(who='event.sender', at='event.origin_server_ts')}"
        " JOIN event_json ON event_json.event_id = event.event_id"
        " WHERE (gone.received_ts > ? OR (gone.received_ts = ? AND gone.event_id > ?))"
        " AND NOT EXISTS (SELECT 1 FROM belisha_hold_kept AS kept WHERE kept.hold_id = hold.id"
        f"  AND kept.kind = '{EVENT}' AND kept.id = event.event_id)"
        f" ORDER BY gone.received_ts, gone.event_id LIMIT {_BATCH}",
        (after[0], after[0], after[1]),
    )
    return [(int(row[0]), *map(str, row[1:])) for row in txn.fetchall()]  # type: ignore[misc]  # six columns


def keep(txn: LoggingTransaction, place: Place, sealed: str, now: int) -> bool:
    """Keeps something, as long as its hold is in force; whether it was not kept before."""
    txn.execute(
        "INSERT INTO belisha_hold_kept (hold_id, kind, id, part, sealed, at)"  # noqa: S608 - a constant
        f" SELECT hold.id, ?, ?, ?, ?, ? FROM belisha_hold AS hold WHERE hold.id = ? AND {_ACTIVE}"
        " ON CONFLICT (hold_id, kind, id, part) DO NOTHING",
        (place.kind, place.id, place.part, sealed, now, place.hold),
    )
    return int(txn.rowcount) == 1


def note_shares(txn: LoggingTransaction, media_id: str, event_id: str) -> None:
    """Notes which holds cover a file by the event that shared it, before that share is forgotten."""
    txn.execute(
        "INSERT INTO belisha_hold_share (hold_id, media_id)"  # noqa: S608 - constants
        f" SELECT hold.id, ? FROM belisha_hold AS hold JOIN events AS event ON {_ACTIVE}"
        "  AND (hold.room_id IS NULL OR hold.room_id = event.room_id)"
        f" {_COVERS.format(who='event.sender', at='event.origin_server_ts')}"
        " WHERE event.event_id = ? ON CONFLICT (hold_id, media_id) DO NOTHING",
        (media_id, event_id),
    )


def keep_never(txn: LoggingTransaction, media_id: str) -> None:
    """Notes that no hold keeps a file: the scanner or the list of known files has found it."""
    txn.execute(
        "INSERT INTO belisha_hold_share (hold_id, media_id) VALUES (?, ?) ON CONFLICT (hold_id, media_id) DO NOTHING",
        (_NEVER, media_id),
    )


class HeldFile(NamedTuple):
    """A withdrawn file that holds cover."""

    uploader: str
    media_type: str | None
    name: str | None
    created: int
    holds: tuple[str, ...]


def covering(txn: LoggingTransaction, media_id: str) -> HeldFile | None:
    """The holds that cover a file which was withdrawn since they began: by its uploader, or an event that shared it.

    What the scanner or the list of known files found is kept by none.
    """
    txn.execute("SELECT event_id FROM belisha_share WHERE media_id = ?", (media_id,))
    for (event_id,) in txn.fetchall():
        note_shares(txn, media_id, str(event_id))
    txn.execute(
        "SELECT media.user_id, media.media_type, media.upload_name, media.created_ts, hold.id"  # noqa: S608 - constants
        " FROM local_media_repository AS media JOIN belisha_file AS file ON file.media_id = media.media_id"
        f" JOIN belisha_hold AS hold ON {_ACTIVE} AND hold.confirmed_at <= file.withdrawn"
        f"  AND ((hold.room_id IS NULL {_COVERS.format(who='media.user_id', at='media.created_ts')})"
        "   OR EXISTS (SELECT 1 FROM belisha_hold_share AS noted"
        "    WHERE noted.hold_id = hold.id AND noted.media_id = media.media_id))"
        " WHERE media.media_id = ? AND media.user_id IS NOT NULL AND NOT EXISTS"
        "  (SELECT 1 FROM belisha_hold_share AS never WHERE never.hold_id = ? AND never.media_id = media.media_id)",
        (media_id, _NEVER),
    )
    rows = txn.fetchall()
    if not rows:
        return None
    uploader, media_type, name, created, _ = rows[0]
    return HeldFile(uploader, media_type, name, created, tuple(sorted(str(row[4]) for row in rows)))


def page(txn: LoggingTransaction, hold_id: str, after: tuple[str, str, int], limit: int) -> list[tuple[Place, str]]:
    """What is kept under a hold, in the order of kind, id and part, behind a place."""
    txn.execute(
        "SELECT kind, id, part, sealed FROM belisha_hold_kept WHERE hold_id = ? AND (kind > ? OR (kind = ?"
        " AND (id > ? OR (id = ? AND part > ?)))) ORDER BY kind, id, part LIMIT ?",
        (hold_id, after[0], after[0], after[1], after[1], after[2], limit),
    )
    return [(Place(hold_id, str(row[0]), str(row[1]), int(row[2])), str(row[3])) for row in txn.fetchall()]


# --- Telling -----------------------------------------------------------------------------------------------------


def tell(txn: LoggingTransaction, hold: str, step: str, who: str, now: int) -> None:
    """Notes that somebody is to be told something; the same of the same hold while it is not told yet, once."""
    txn.execute(
        "INSERT INTO belisha_hold_note (hold_id, step, who, at, told) VALUES (?, ?, ?, ?, 0)"
        " ON CONFLICT (hold_id, step, who) DO UPDATE SET at = excluded.at, told = 0"
        " WHERE belisha_hold_note.step <> 'kept'",
        (hold, step, who, now),
    )


def notes(txn: LoggingTransaction) -> list[Note]:
    """What is still to be told; that something is kept under a quiet hold, once that has ended."""
    txn.execute(
        "SELECT note.hold_id, note.step, note.who, note.at FROM belisha_hold_note AS note"
        " JOIN belisha_hold AS hold ON hold.id = note.hold_id"
        " WHERE note.told = 0 AND (note.step <> 'kept' OR hold.quiet = 0 OR hold.ended_at IS NOT NULL)"
        " ORDER BY note.at, note.hold_id, note.step, note.who"
    )
    return [Note(*row) for row in txn.fetchall()]


def is_told(txn: LoggingTransaction, note: Note) -> None:
    """Notes that it is told."""
    txn.execute(
        "UPDATE belisha_hold_note SET told = 1 WHERE hold_id = ? AND step = ? AND who = ? AND at = ?", tuple(note)
    )


# --- The journal of revocations ----------------------------------------------------------------------------------


def to_journal(txn: LoggingTransaction) -> list[str]:
    """Holds that have ended and that the journal does not have: a restore must not bring back what they kept."""
    txn.execute("SELECT id FROM belisha_hold WHERE ended_at IS NOT NULL AND journalled = 0 LIMIT 500")
    return [str(row[0]) for row in txn.fetchall()]


def journalled(txn: LoggingTransaction, ids: list[str]) -> None:
    """Notes that the journal has them."""
    for one in ids:
        txn.execute("UPDATE belisha_hold SET journalled = 1 WHERE id = ?", (one,))


def end_again(txn: LoggingTransaction, hold_id: str, now: int) -> bool:
    """Ends a hold that a restore brought back; whether there was one."""
    hold = by_id(txn, hold_id)
    if hold is None or hold.ended_at is not None:
        return False
    end(txn, hold, None, now)
    return True
