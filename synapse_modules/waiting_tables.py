"""The rows of who waits to be let in, and of how that ended; no content in any. Each function inside one transaction.

A knock is known by its membership event, a sign-up by the command that asked. Knocks themselves are Synapse's: a row is
made of each that is new, and ended when the membership is another.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.policy.waiting import KNOCK, SIGN_UP, Wait


class Row(NamedTuple):
    """Somebody who waits, or has waited; people by localpart, times in seconds since 1970."""

    id: str
    sort: str
    localpart: str
    room_id: str
    """The group of a knock; of a sign-up, the account's own room with the steward."""
    organisation: str | None
    at: int
    ended: str | None = None
    by: str | None = None
    ended_at: int | None = None
    command: str | None = None
    """The command that ended it; None where it ended otherwise."""
    pending: bool = False
    """Whether the membership is still to be changed in Matrix."""

    @property
    def wait(self) -> Wait:
        """The same as decisions see it."""
        return Wait(self.sort, self.localpart, self.organisation)


class Knock(NamedTuple):
    """A membership that asks to be let in."""

    event_id: str
    user_id: str
    room_id: str
    at: int


_COLUMNS: Final = "id, sort, localpart, room_id, organisation_id, at, ended, by_member, ended_at, command_id, pending"


def add(txn: LoggingTransaction, row: Row) -> None:
    """Writes down that somebody waits; known already, nothing changes."""
    txn.execute(
        "INSERT INTO belisha_waiting (id, sort, localpart, room_id, organisation_id, at, pending)"
        " VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
        row[:6],
    )


def end(
    txn: LoggingTransaction,
    row: Row,
    ended: str,
    now: int,
    *,
    by: str | None = None,
    command: str | None = None,
    pending: bool = False,
) -> bool:
    """Writes down how it ended; whether it had not ended before."""
    txn.execute(
        "UPDATE belisha_waiting SET ended = ?, by_member = ?, ended_at = ?, command_id = ?, pending = ?"
        " WHERE id = ? AND ended IS NULL",
        (ended, by, now, command, int(pending), row.id),
    )
    return int(txn.rowcount) == 1


def waiting(txn: LoggingTransaction) -> list[Row]:
    """Everybody who waits, who came first first."""
    return _read(txn, "ended IS NULL ORDER BY at, id", ())


def of_member(txn: LoggingTransaction, localpart: str, since: int) -> list[Row]:
    """What somebody waits for, or has waited for until then at the latest, the newest first."""
    return _read(txn, "localpart = ? AND (ended IS NULL OR ended_at >= ?) ORDER BY at DESC, id", (localpart, since))


def by_id(txn: LoggingTransaction, row_id: str) -> Row | None:
    """The row of that id."""
    return next(iter(_read(txn, "id = ?", (row_id,))), None)


def ended_since(txn: LoggingTransaction, since: int) -> list[Row]:
    """What ended then or later, in its order."""
    return _read(txn, "ended_at >= ? ORDER BY ended_at, id", (since,))


def pending(txn: LoggingTransaction, row_id: str | None = None) -> list[Row]:
    """What is still to be done in Matrix, all of it or one."""
    if row_id is None:
        return _read(txn, "pending = 1 ORDER BY ended_at, id", ())
    return _read(txn, "pending = 1 AND id = ?", (row_id,))


def is_done(txn: LoggingTransaction, row_id: str) -> None:
    """Strikes out that something is to be done in Matrix."""
    txn.execute("UPDATE belisha_waiting SET pending = 0 WHERE id = ?", (row_id,))


def asked_since(txn: LoggingTransaction, localpart: str, since: int) -> list[Row]:
    """What an account asked organisations since then."""
    return _read(txn, "localpart = ? AND sort = ? AND at >= ?", (localpart, SIGN_UP, since))


def knocks(txn: LoggingTransaction) -> list[Knock]:
    """Every knock that there is, as Synapse has it."""
    txn.execute(
        "SELECT current.event_id, current.user_id, current.room_id, events.received_ts"
        " FROM local_current_membership AS current JOIN events ON events.event_id = current.event_id"
        " WHERE current.membership = 'knock'"
    )
    return [Knock(row[0], row[1], row[2], int(row[3] or 0) // 1000) for row in txn.fetchall()]


def is_current(txn: LoggingTransaction, event_id: str) -> bool:
    """Whether a membership event is the one that holds."""
    txn.execute("SELECT 1 FROM local_current_membership WHERE event_id = ?", (event_id,))
    return txn.fetchone() is not None


def membership(txn: LoggingTransaction, room_id: str, user_id: str) -> tuple[str | None, str | None]:
    """An account's membership of a room, and who made it so."""
    txn.execute(
        "SELECT current.membership, memberships.sender FROM local_current_membership AS current"
        " LEFT JOIN room_memberships AS memberships ON memberships.event_id = current.event_id"
        " WHERE current.room_id = ? AND current.user_id = ?",
        (room_id, user_id),
    )
    row = txn.fetchone()
    return (None, None) if row is None else (str(row[0]), row[1])


def taken_back(txn: LoggingTransaction) -> set[str]:
    """What waits although the words with which an account asked were redacted since."""
    txn.execute(
        "SELECT id FROM belisha_waiting WHERE ended IS NULL AND sort = ?"
        " AND EXISTS (SELECT 1 FROM redactions WHERE redacts = belisha_waiting.id)",
        (SIGN_UP,),
    )
    return {str(row[0]) for row in txn.fetchall()}


def words_of(txn: LoggingTransaction, row: Row) -> str | None:
    """What an account wrote when it asked, where that was not taken back: the event's body as it is stored."""
    if row.sort == KNOCK:
        return None
    txn.execute(
        "SELECT event_json.json FROM event_json WHERE event_id = ?"
        " AND NOT EXISTS (SELECT 1 FROM redactions WHERE redacts = event_json.event_id)",
        (row.id,),
    )
    found = txn.fetchone()
    return None if found is None else str(found[0])


def _read(txn: LoggingTransaction, where: str, values: tuple[Any, ...]) -> list[Row]:
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_waiting WHERE {where}", values)  # noqa: S608 - constants of this file
    return [Row(*row)._replace(pending=bool(row[10])) for row in txn.fetchall()]
