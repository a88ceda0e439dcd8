"""The rows of `belisha_moderation`: who did what to whom, without content; each function inside one transaction.

A row is known by the command that asked for it. What is still to be done in Matrix is `pending`, and is taken up again
after a crash.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.policy.muted import Restriction


class Entry(NamedTuple):
    """One act on a member; people by localpart, times in seconds since 1970, `room_id` None for everywhere."""

    command_id: str
    act: str
    member: str
    by_member: str
    by_role: str
    room_id: str | None
    at: int
    until: int | None = None
    item: str | None = None
    undone_by: str | None = None
    undone_at: int | None = None
    pending: bool = False
    place: int = 0
    """The stream ordering of the command."""

    def told(self) -> dict[str, Any]:
        """What those who moderate are told of it."""
        told = {"act": self.act, "by": self.by_member, "room_id": self.room_id, "at": self.at, "until": self.until}
        return told | {"undone_by": self.undone_by, "undone_at": self.undone_at}


_COLUMNS: Final = (
    "command_id, act, member, by_member, by_role, room_id, at, until, item, undone_by, undone_at, pending, place"
)


def add(txn: LoggingTransaction, entry: Entry) -> None:
    """Writes one down."""
    txn.execute(
        f"INSERT INTO belisha_moderation ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (*entry[:11], int(entry.pending), entry.place),
    )


def in_force(txn: LoggingTransaction, member: str, act: str, room_id: str | None, now: int) -> list[Entry]:
    """What holds for a member of one sort, in one room or (None) everywhere."""
    here = "room_id IS NULL" if room_id is None else "room_id = ?"
    where = f"member = ? AND act = ? AND undone_at IS NULL AND (until IS NULL OR until > ?) AND {here}"
    return _read(txn, where, (member, act, now, *(() if room_id is None else (room_id,))))


def undo(txn: LoggingTransaction, entries: list[Entry], by_member: str, now: int) -> None:
    """Notes that these do not hold any more."""
    txn.execute_batch(
        "UPDATE belisha_moderation SET undone_by = ?, undone_at = ? WHERE command_id = ?",
        [(by_member, now, entry.command_id) for entry in entries],
    )


def is_banned(txn: LoggingTransaction, room_id: str, user_id: str) -> bool:
    """Whether somebody cannot come into a room, by an act of moderation or by Matrix alone."""
    txn.execute(
        "SELECT 1 FROM local_current_membership WHERE room_id = ? AND user_id = ? AND membership = 'ban'",
        (room_id, user_id),
    )
    localpart = user_id[1:].partition(":")[0]
    return txn.fetchone() is not None or bool(in_force(txn, localpart, "ban", room_id, 0))


def of_member(txn: LoggingTransaction, member: str, at_most: int) -> tuple[list[Entry], int]:
    """The newest that was done to a member, newest first, and how much there is in all."""
    txn.execute("SELECT COUNT(*) FROM belisha_moderation WHERE member = ?", (member,))
    (count,) = txn.fetchone() or (0,)
    return _read(txn, "member = ? ORDER BY at DESC, place DESC LIMIT ?", (member, at_most)), int(count)


def restrictions(txn: LoggingTransaction, now: int) -> dict[str, tuple[Restriction, ...]]:
    """Mutes and bans in force, by the member's localpart."""
    found: dict[str, tuple[Restriction, ...]] = {}
    where = "act IN ('mute', 'ban') AND undone_at IS NULL AND (until IS NULL OR until > ?)"
    for entry in _read(txn, where, (now,)):
        restriction = Restriction(entry.act, entry.room_id, entry.until, entry.by_role)
        found[entry.member] = (*found.get(entry.member, ()), restriction)
    return found


def carry_over(txn: LoggingTransaction, old: str, new: str) -> None:
    """Lets mutes and bans of a room hold in the one that takes its place."""
    txn.execute(
        "UPDATE belisha_moderation SET room_id = ? WHERE room_id = ? AND act IN ('mute', 'ban')"
        " AND undone_at IS NULL AND pending = 0",
        (new, old),
    )


def pending(txn: LoggingTransaction, command_id: str | None = None) -> list[Entry]:
    """What is still to be done in Matrix, the oldest first; of one command, or of all."""
    if command_id is None:
        return _read(txn, "pending = 1 ORDER BY at, place", ())
    return _read(txn, "pending = 1 AND command_id = ?", (command_id,))


def is_done(txn: LoggingTransaction, command_id: str) -> None:
    """Notes that nothing is to be done in Matrix any more."""
    txn.execute("UPDATE belisha_moderation SET pending = 0 WHERE command_id = ?", (command_id,))


def _read(txn: LoggingTransaction, where: str, values: tuple[object, ...]) -> list[Entry]:
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_moderation WHERE {where}", values)  # noqa: S608 - constants of this file
    return [Entry(*row)._replace(pending=bool(row[11])) for row in txn.fetchall()]
