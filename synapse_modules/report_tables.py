"""The rows of reports: what is reported by whom, what was done about it, who has seen it; no content in any.

Each function works inside one transaction. A report is known by what brought it: `command $event`, or the table and id
that Synapse keeps it under. Its number comes later, from the one process that tells the stewards.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction

#: How far behind the newest report that is known it is looked for others: ids are given before rows are stored.
_BEHIND: Final = 1000
#: Synapse's tables of reports, with what stands in each for the room, the message and the member.
NATIVE: Final = {
    "event": ("event_reports", "room_id", "event_id", "NULL"),
    "room": ("room_reports", "room_id", "NULL", "NULL"),
    "user": ("user_reports", "NULL", "NULL", "target_user_id"),
}


class Report(NamedTuple):
    """One report; people by localpart, times in seconds since 1970."""

    came_by: str
    native_id: int | None
    reporter: str
    member: str | None
    room_id: str | None
    item: str | None
    kind: str
    urgent: bool
    at: int
    due: bool = True
    number: int | None = None
    card: str | None = None

    @property
    def native(self) -> str | None:
        """Which of `NATIVE` brought it; None for a command."""
        sort = self.came_by.partition(" ")[0]
        return sort if sort in NATIVE else None


class Native(NamedTuple):
    """A row of one of Synapse's tables, which no report is made of yet."""

    id: int
    at_ms: int
    user_id: str
    room_id: str | None
    item: str | None
    member: str | None
    words: str | None
    sender: str | None
    """Who sent the event."""


class Done(NamedTuple):
    """What was done about a report."""

    act: str
    by: str
    at: int


_COLUMNS: Final = "came_by, native_id, reporter, member, room_id, item, kind, urgent, at, due, number, card"


def add(txn: LoggingTransaction, report: Report) -> None:
    """Writes one down."""
    txn.execute(
        f"INSERT INTO belisha_report ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (*report[:7], int(report.urgent), report.at, int(report.due), report.number, report.card),
    )


def is_open(txn: LoggingTransaction, reporter: str, item: str) -> bool:
    """Whether somebody has reported a message already, and that is not closed."""
    txn.execute(
        "SELECT 1 FROM belisha_report WHERE reporter = ? AND item = ? AND (due = 1 OR (card IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM belisha_report_act AS done"
        "  WHERE done.number = belisha_report.number AND done.act = 'close')))",
        (reporter, item),
    )
    return txn.fetchone() is not None


def natives(txn: LoggingTransaction, sort: str, at_most: int) -> list[Native]:
    """Reports of Synapse's that are none of ours yet, the oldest first."""
    table, room_id, item, member = NATIVE[sort]
    txn.execute("SELECT COALESCE(MAX(native_id), 0) FROM belisha_report WHERE came_by LIKE ?", (f"{sort} %",))
    (newest,) = txn.fetchone() or (0,)
    of_item = "(SELECT sender FROM events WHERE events.event_id = event_reports.event_id)"
    sender = of_item if sort == "event" else "NULL"
    txn.execute(
        f"SELECT id, received_ts, user_id, {room_id}, {item}, {member}, reason, {sender} FROM {table}"  # noqa: S608 - constants
        f" WHERE id > ? AND NOT EXISTS (SELECT 1 FROM belisha_report WHERE came_by = '{sort} ' || CAST(id AS TEXT))"
        " ORDER BY id LIMIT ?",
        (int(newest) - _BEHIND, at_most),
    )
    return [Native(*row) for row in txn.fetchall()]


def words_of(txn: LoggingTransaction, report: Report) -> str | None:
    """What the reporter wrote into a client's own form; Synapse has it, and no table of ours."""
    if report.native is None:
        return None
    txn.execute(f"SELECT reason FROM {NATIVE[report.native][0]} WHERE id = ?", (report.native_id,))  # noqa: S608 - constants
    row = txn.fetchone()
    return None if row is None else row[0]


def due(txn: LoggingTransaction, at_most: int) -> list[Report]:
    """Reports of which the stewards are still to be told: the urgent first, then the oldest."""
    return _read(txn, "due = 1 ORDER BY urgent DESC, at, came_by LIMIT ?", (at_most,))


def told_since(txn: LoggingTransaction, reporter: str, since: int) -> int:
    """Of how many reports of one member the stewards were told since then."""
    txn.execute("SELECT COUNT(*) FROM belisha_report WHERE reporter = ? AND carded_at > ?", (reporter, since))
    (count,) = txn.fetchone() or (0,)
    return int(count)


def give_number(txn: LoggingTransaction, came_by: str) -> int:
    """Gives a report the next number; only the process that does background work asks."""
    txn.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM belisha_report")
    (number,) = txn.fetchone() or (1,)
    txn.execute("UPDATE belisha_report SET number = ? WHERE came_by = ?", (number, came_by))
    return int(number)


def is_told(txn: LoggingTransaction, came_by: str, card: str | None, now: int) -> None:
    """Notes by which message the stewards were told; None where there is nothing to tell."""
    txn.execute(
        "UPDATE belisha_report SET due = 0, card = ?, carded_at = ? WHERE came_by = ?",
        (card, None if card is None else now, came_by),
    )


def by_number(txn: LoggingTransaction, number: int) -> Report | None:
    """The report of that number, of which the stewards were told."""
    return next(iter(_read(txn, "number = ? AND card IS NOT NULL", (number,))), None)


def by_card(txn: LoggingTransaction, card: str) -> Report | None:
    """The report that a message tells of."""
    return next(iter(_read(txn, "card = ?", (card,))), None)


def newest(txn: LoggingTransaction, at_most: int) -> list[Report]:
    """The newest that the stewards were told of: those that are not closed first."""
    closed = "EXISTS (SELECT 1 FROM belisha_report_act AS done WHERE done.number = belisha_report.number"
    where = f"card IS NOT NULL ORDER BY {closed} AND done.act = 'close'), number DESC LIMIT ?"
    return _read(txn, where, (at_most,))


def done(txn: LoggingTransaction, numbers: Collection[int]) -> dict[int, list[Done]]:
    """What was done about reports, in its order."""
    found: dict[int, list[Done]] = {number: [] for number in numbers}
    if not found:
        return found
    marks = ", ".join("?" for _ in found)
    txn.execute(
        f"SELECT number, act, by_member, at FROM belisha_report_act WHERE number IN ({marks}) ORDER BY place",  # noqa: S608 - question marks only
        tuple(found),
    )
    for number, act, by, at in txn.fetchall():
        found[int(number)].append(Done(act, by, int(at)))
    return found


def note(txn: LoggingTransaction, number: int, act: str, by: str, now: int, place: int) -> None:
    """Writes down that something was done; a second time the same undoes what comes with it."""
    statement = "INSERT INTO belisha_report_act (number, act, by_member, at, place) VALUES (?, ?, ?, ?, ?)"
    txn.execute(statement, (number, act, by, now, place))


def viewers(txn: LoggingTransaction, number: int) -> list[str]:
    """Who has seen what was reported."""
    txn.execute("SELECT viewer FROM belisha_report_viewer WHERE number = ? ORDER BY at", (number,))
    return [row[0] for row in txn.fetchall()]


def alone(txn: LoggingTransaction, number: int) -> None:
    """Makes others who ask the same of a report wait until this transaction ends; to be called first in it."""
    txn.execute("UPDATE belisha_report SET due = due WHERE number = ?", (number,))


def look(txn: LoggingTransaction, number: int, viewer: str, now: int) -> None:
    """Writes down who sees it."""
    txn.execute(
        "INSERT INTO belisha_report_viewer (number, viewer, at) VALUES (?, ?, ?)"
        " ON CONFLICT (number, viewer) DO NOTHING",
        (number, viewer, now),
    )


def _read(txn: LoggingTransaction, where: str, values: tuple[Any, ...]) -> list[Report]:
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_report WHERE {where}", values)  # noqa: S608 - constants of this package
    return [Report(*row)._replace(urgent=bool(row[7]), due=bool(row[9])) for row in txn.fetchall()]
