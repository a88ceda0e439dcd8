"""The rows of introductions that were asked for, `belisha_introducing`, without content; functions in a transaction.

A no stands in none: there is nothing to be found of it. Times are seconds since 1970, people are localparts.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.policy import introductions as policy
from synapse_modules import registry_tables


class Row(NamedTuple):
    """Two members who may be introduced: `one` and `other` in the order of their names, and whether each agrees."""

    id: str
    command_id: str
    """The command that asked for it, where the words stand that both are shown."""
    proof: str
    """The asker's own event: that command, or the yes to a bot's question about it."""
    asker: str
    one: str
    other: str
    at: int
    one_agrees: bool = False
    other_agrees: bool = False
    opener: str | None = None
    """The event of the second yes, by which the room is made; none before."""
    ended: str | None = None
    ended_at: int | None = None

    @property
    def people(self) -> tuple[str, str]:
        """Both."""
        return self.one, self.other

    def agrees(self, localpart: str) -> bool:
        """Whether one of them has agreed."""
        return self.one_agrees if localpart == self.one else self.other_agrees

    def but(self, localpart: str) -> str:
        """The one whom somebody would meet."""
        return self.other if localpart == self.one else self.one


_COLUMNS: Final = "id, command_id, proof, asker, one, other, at, one_agrees, other_agrees, opener, ended, ended_at"


def add(txn: LoggingTransaction, row: Row) -> None:
    """Writes down that two members are to be asked."""
    txn.execute(
        f"INSERT INTO belisha_introducing ({_COLUMNS})"  # noqa: S608 - a constant
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
        (*row[:7], int(row.one_agrees), int(row.other_agrees)),
    )


def by_id(txn: LoggingTransaction, row_id: str) -> Row | None:
    """The introduction of that number."""
    return next(iter(_read(txn, "id = ?", (row_id,))), None)


def waiting(txn: LoggingTransaction) -> list[Row]:
    """What has not ended, the oldest first."""
    return _read(txn, "ended IS NULL ORDER BY at, id", ())


def ended_since(txn: LoggingTransaction, since: int) -> list[Row]:
    """What ended then or later, in its order."""
    return _read(txn, "ended_at >= ? ORDER BY ended_at, id", (since,))


def asked_since(txn: LoggingTransaction, asker: str, since: int) -> list[Row]:
    """What somebody asked for since then, however it ended."""
    return _read(txn, "asker = ? AND at > ?", (asker, since))


def agree(txn: LoggingTransaction, row: Row, localpart: str) -> None:
    """Writes down that one of the two has agreed."""
    column = "one_agrees" if localpart == row.one else "other_agrees"
    txn.execute(f"UPDATE belisha_introducing SET {column} = 1 WHERE id = ?", (row.id,))  # noqa: S608 - one of two constants


def begin_opening(txn: LoggingTransaction, row: Row, opener: str, now: int) -> None:
    """Both agree: writes down by which yes their room is made, and that they were introduced."""
    txn.execute(
        "UPDATE belisha_introducing SET opener = ? WHERE id = ? AND opener IS NULL AND ended IS NULL", (opener, row.id)
    )
    registry_tables.introduce(txn, row.one, row.other, row.asker, now)


def not_opened(txn: LoggingTransaction, row: Row, localpart: str) -> None:
    """No room could be made by that yes: takes it back, so that it can be given again."""
    column = "one_agrees" if localpart == row.one else "other_agrees"
    txn.execute(
        f"UPDATE belisha_introducing SET opener = NULL, {column} = 0 WHERE id = ? AND ended IS NULL",  # noqa: S608 - the same
        (row.id,),
    )


def opened(txn: LoggingTransaction, opener: str, now: int) -> None:
    """The room of a second yes is whole: ends its introduction, and what else waits for the same two."""
    txn.execute("SELECT one, other FROM belisha_introducing WHERE opener = ?", (opener,))
    for one, other in txn.fetchall():
        txn.execute(
            "UPDATE belisha_introducing SET ended = ?, ended_at = ? WHERE one = ? AND other = ? AND ended IS NULL",
            (policy.OPENED, now, one, other),
        )


def end(txn: LoggingTransaction, row: Row, ended: str, now: int) -> None:
    """Writes down how it ended, if it had not."""
    txn.execute(
        "UPDATE belisha_introducing SET ended = ?, ended_at = ? WHERE id = ? AND ended IS NULL", (ended, now, row.id)
    )


def taken_back(txn: LoggingTransaction) -> set[str]:
    """What waits although the words with which it was asked for were redacted since."""
    txn.execute(
        "SELECT id FROM belisha_introducing WHERE ended IS NULL"
        " AND EXISTS (SELECT 1 FROM redactions"
        "  WHERE redacts IN (belisha_introducing.command_id, belisha_introducing.proof))"
    )
    return {str(row[0]) for row in txn.fetchall()}


def forget(txn: LoggingTransaction, before: int) -> None:
    """Erases what ended so long ago that nothing depends on it any more."""
    txn.execute("DELETE FROM belisha_introducing WHERE ended_at < ? AND at < ?", (before, before))


def _read(txn: LoggingTransaction, where: str, values: tuple[Any, ...]) -> list[Row]:
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_introducing WHERE {where}", values)  # noqa: S608 - constants of this file
    return [Row(*row)._replace(one_agrees=bool(row[7]), other_agrees=bool(row[8])) for row in txn.fetchall()]
