"""The rows of codes by which members set a new password; of a code its hash alone. Each function in one transaction."""

from __future__ import annotations

from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

#: What there is to tell of a recovery, and in which rooms.
STEPS: Final = ("made", "used")
PLACES: Final = ("member", "stewards")
#: What a member is told of their own second factor: that they made one, that somebody tried too many wrong codes, until
#: when they do without. There is no code of a lead's, and so no row but the note.
ENROLLED: Final = "enrolled"
WRONG_CODES: Final = "wrong_codes"
TERM: Final = "term"
SPARE_MADE: Final = "spare_made"
SPARE_USED: Final = "spare_used"


class Recovery(NamedTuple):
    """One code; people by localpart, times in seconds since 1970."""

    id: str
    """The command that asked for it."""
    localpart: str
    code_hash: str
    made_by: str
    at: int
    expires: int
    used_at: int | None = None
    """In milliseconds since 1970: sessions of before end, and none of after."""
    sessions: bool = False
    """Whether the account's old sessions are still to be ended."""


class Note(NamedTuple):
    """Something that is still to be told: of a code by its id, of a factor by whose and when."""

    id: str
    step: str
    place: str


_COLUMNS: Final = "id, localpart, code_hash, made_by, at, expires, used_at, sessions"


def add(txn: LoggingTransaction, one: Recovery) -> None:
    """Writes a code down, which ends those that the account had before."""
    txn.execute(
        "UPDATE belisha_recovery SET expires = ? WHERE localpart = ? AND used_at IS NULL AND expires > ?",
        (one.at, one.localpart, one.at),
    )
    txn.execute(
        f"INSERT INTO belisha_recovery ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (*one[:7], int(one.sessions)),
    )
    _to_tell(txn, one.id, "made")


def of_code(txn: LoggingTransaction, localpart: str, code_hash: str, now: int) -> Recovery | None:
    """The code of that account that holds now."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM belisha_recovery"  # noqa: S608 - a constant
        " WHERE code_hash = ? AND localpart = ? AND used_at IS NULL AND expires > ?",
        (code_hash, localpart, now),
    )
    return _one(txn)


def by_id(txn: LoggingTransaction, recovery_id: str) -> Recovery | None:
    """The code that a command made."""
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_recovery WHERE id = ?", (recovery_id,))  # noqa: S608 - a constant
    return _one(txn)


def use(txn: LoggingTransaction, recovery_id: str, now: float) -> bool:
    """Uses a code up; whether it held until now. What is to be told and ended for it is written down with it."""
    txn.execute(
        "UPDATE belisha_recovery SET used_at = ?, sessions = 1 WHERE id = ? AND used_at IS NULL AND expires > ?",
        (int(now * 1000), recovery_id, int(now)),
    )
    if txn.rowcount != 1:
        return False
    _to_tell(txn, recovery_id, "used")
    return True


def tell_of_factor(txn: LoggingTransaction, step: str, localpart: str, now: float) -> None:
    """Notes that a member is to be told something of their second factor, `ENROLLED` or `WRONG_CODES`."""
    note = Note(f"{localpart} {int(now)}", step, "member")
    txn.execute("DELETE FROM belisha_recovery_note WHERE id = ? AND step = ? AND place = ?", note)
    txn.execute("INSERT INTO belisha_recovery_note (id, step, place) VALUES (?, ?, ?)", note)


def tell_of_term(txn: LoggingTransaction, until: int) -> None:
    """Notes that each member without a second factor is to be told until when, in seconds since 1970, that goes."""
    txn.execute(
        "SELECT localpart FROM belisha_member WHERE standing = 'active'"
        " AND localpart NOT IN (SELECT localpart FROM belisha_factor) ORDER BY localpart"
    )
    for (localpart,) in txn.fetchall():
        tell_of_factor(txn, TERM, localpart, until)


def sessions_left(txn: LoggingTransaction) -> list[Recovery]:
    """Those whose account's old sessions are still to be ended."""
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_recovery WHERE sessions = 1")  # noqa: S608 - a constant
    return [Recovery(*row)._replace(sessions=True) for row in txn.fetchall()]


def sessions_ended(txn: LoggingTransaction, recovery_id: str) -> None:
    """Notes that they are."""
    txn.execute("UPDATE belisha_recovery SET sessions = 0 WHERE id = ?", (recovery_id,))


def last_used(txn: LoggingTransaction, localpart: str) -> float | None:
    """When an account was last given back, in seconds since 1970."""
    txn.execute("SELECT MAX(used_at) FROM belisha_recovery WHERE localpart = ?", (localpart,))
    row = txn.fetchone()
    return None if row is None or row[0] is None else int(row[0]) / 1000


def notes(txn: LoggingTransaction) -> list[Note]:
    """What is still to be told, in the order in which it happened."""
    txn.execute(
        "SELECT note.id, note.step, note.place FROM belisha_recovery_note AS note"
        " LEFT JOIN belisha_recovery ON belisha_recovery.id = note.id ORDER BY at, step, place"
    )
    return [Note(*row) for row in txn.fetchall()]


def is_told(txn: LoggingTransaction, note: Note) -> None:
    """Strikes out what is told."""
    txn.execute("DELETE FROM belisha_recovery_note WHERE id = ? AND step = ? AND place = ?", note)


def _to_tell(txn: LoggingTransaction, recovery_id: str, step: str) -> None:
    for place in PLACES:
        txn.execute("INSERT INTO belisha_recovery_note (id, step, place) VALUES (?, ?, ?)", (recovery_id, step, place))


def _one(txn: LoggingTransaction) -> Recovery | None:
    row = txn.fetchone()
    return None if row is None else Recovery(*row)._replace(sessions=bool(row[7]))
