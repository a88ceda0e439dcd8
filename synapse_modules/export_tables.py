"""The rows of copies of members' data, `belisha_export`, and what of each is there; functions in a transaction."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from synapse.module_api import LoggingTransaction

from belisha.policy import exports as policy
from belisha.policy.people import Standing
from synapse_modules.registry_tables import Member

Json = dict[str, Any]
#: Stands for the step of the bots' part, behind all of this module's.
BOTS_STEP: Final = 1_000_000


class Row(NamedTuple):
    """One copy; people by localpart, times in seconds since 1970."""

    id: str
    localpart: str
    made_by: str
    at: int
    state: str
    step: int
    place: str
    """Where the section that is being read goes on; empty at its beginning."""
    position: int
    bots: bool
    until: int | None = None
    taken_at: int | None = None


_COLUMNS: Final = "id, localpart, made_by, at, state, step, place, position, bots, until, taken_at"


def add(txn: LoggingTransaction, row: Row) -> None:
    """Writes down that a copy is to be made; one that was made before is kept no longer."""
    for before in of_member(txn, row.localpart):
        end(txn, before, policy.OVER)
    txn.execute(
        f"INSERT INTO belisha_export ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (*row[:8], int(row.bots), row.until, row.taken_at),
    )


def is_there(txn: LoggingTransaction, user_id: str, member: Member | None) -> bool:
    """Whether a copy is made and kept of an account: of a member until they have left, and of one that is no member's.

    Args:
        txn: a transaction that reads.
        user_id: of this server.
        member: what the registry has of it; None for an account without an organisation.
    """
    if member is not None:
        return member.standing is not Standing.REMOVED
    txn.execute(
        "SELECT 1 FROM users WHERE name = ? AND deactivated = 0 AND is_guest = 0 AND appservice_id IS NULL", (user_id,)
    )
    return txn.fetchone() is not None


def last_position(txn: LoggingTransaction) -> int:
    """The stream ordering of the newest event."""
    txn.execute("SELECT COALESCE(MAX(stream_ordering), 0) FROM events")
    row = txn.fetchone()
    return 0 if row is None else int(row[0])


def of_member(txn: LoggingTransaction, localpart: str) -> list[Row]:
    """Every copy of one member's data that is remembered, the newest first."""
    return _read(txn, "localpart = ? ORDER BY at DESC, id", (localpart,))


def by_id(txn: LoggingTransaction, export_id: str) -> Row | None:
    """The copy of that id."""
    return next(iter(_read(txn, "id = ?", (export_id,))), None)


def kept(txn: LoggingTransaction) -> list[Row]:
    """Every copy that is being made, or can be taken."""
    return _read(txn, "state IN (?, ?) ORDER BY at, id", (policy.COLLECTING, policy.READY))


def go_on(txn: LoggingTransaction, row: Row, section: str, rows: Sequence[Json], step: int, place: str) -> bool:
    """Stores what was read next of a copy, with how far it is then; whether it was still as `row` says."""
    txn.execute(
        "UPDATE belisha_export SET step = ?, place = ? WHERE id = ? AND state = ? AND step = ? AND place = ?",
        (step, place, row.id, policy.COLLECTING, row.step, row.place),
    )
    if not txn.rowcount:
        return False
    if rows:
        _store(txn, row.id, row.step, section, rows)
    return True


def take_bots_part(txn: LoggingTransaction, row: Row, sections: dict[str, list[Json]]) -> None:
    """Stores what the bots hold, once."""
    txn.execute(
        "UPDATE belisha_export SET bots = 1 WHERE id = ? AND state = ? AND bots = 0", (row.id, policy.COLLECTING)
    )
    if txn.rowcount:
        for number, (section, rows) in enumerate(sorted(sections.items())):
            _store(txn, row.id, BOTS_STEP + number, section, rows)


def ready(txn: LoggingTransaction, row: Row, until: int) -> None:
    """A copy is whole: it can be taken until then."""
    txn.execute(
        "UPDATE belisha_export SET state = ?, until = ? WHERE id = ? AND state = ?",
        (policy.READY, until, row.id, policy.COLLECTING),
    )


def end(txn: LoggingTransaction, row: Row, state: str) -> None:
    """Erases what a copy has, and says why it can be taken no more."""
    txn.execute("DELETE FROM belisha_export_part WHERE id = ?", (row.id,))
    txn.execute(
        "UPDATE belisha_export SET state = ?, link_hash = NULL WHERE id = ? AND state IN (?, ?)",
        (state, row.id, policy.COLLECTING, policy.READY),
    )


def is_old(txn: LoggingTransaction, before: int) -> bool:
    """Whether there is something to forget; a deletion of nothing would take the database's write lock each time."""
    txn.execute(
        "SELECT 1 FROM belisha_export WHERE at < ? AND state IN (?, ?) LIMIT 1", (before, policy.OUTDATED, policy.OVER)
    )
    return txn.fetchone() is not None


def forget(txn: LoggingTransaction, before: int) -> None:
    """Erases that there was a copy, so long ago."""
    txn.execute("DELETE FROM belisha_export WHERE at < ? AND state IN (?, ?)", (before, policy.OUTDATED, policy.OVER))


def is_outdated(txn: LoggingTransaction, row: Row, user_id: str) -> bool:
    """Whether something was taken back since that may be in a copy: a message, or a file (rule E1)."""
    txn.execute(
        "SELECT 1 FROM redactions JOIN events AS act ON act.event_id = redactions.event_id"
        " JOIN events AS item ON item.event_id = redactions.redacts"
        " WHERE act.stream_ordering > ? AND item.sender = ? LIMIT 1",
        (row.position, user_id),
    )
    if txn.fetchone() is not None:
        return True
    txn.execute(
        "SELECT 1 FROM belisha_file AS file JOIN local_media_repository AS media ON media.media_id = file.media_id"
        " WHERE file.withdrawn >= ? AND media.user_id = ? LIMIT 1",
        (row.at, user_id),
    )
    return txn.fetchone() is not None


def give_link(txn: LoggingTransaction, row: Row, link_hash: str, until: int) -> bool:
    """Writes down a link by which a copy can be taken once, instead of one before."""
    txn.execute(
        "UPDATE belisha_export SET link_hash = ?, link_until = ? WHERE id = ? AND state = ?",
        (link_hash, until, row.id, policy.READY),
    )
    return int(txn.rowcount) == 1


def use_link(txn: LoggingTransaction, link_hash: str, now: int) -> Row | None:
    """The copy of a link, which is used up by that; None where it holds no more."""
    found = _read(
        txn, "link_hash = ? AND link_until >= ? AND state = ? AND until > ?", (link_hash, now, policy.READY, now)
    )
    if not found:
        return None
    txn.execute(
        "UPDATE belisha_export SET link_hash = NULL, taken_at = ? WHERE id = ? AND link_hash = ?",
        (now, found[0].id, link_hash),
    )
    return found[0] if txn.rowcount else None


def places(txn: LoggingTransaction, export_id: str) -> list[tuple[int, int, str]]:
    """Where each part of a copy stands, and of which section it is, in order."""
    txn.execute("SELECT step, page, section FROM belisha_export_part WHERE id = ? ORDER BY step, page", (export_id,))
    return [(int(row[0]), int(row[1]), str(row[2])) for row in txn.fetchall()]


def part(txn: LoggingTransaction, export_id: str, step: int, page: int) -> list[Json]:
    """The rows of one part."""
    txn.execute(
        "SELECT packed FROM belisha_export_part WHERE id = ? AND step = ? AND page = ?", (export_id, step, page)
    )
    row = txn.fetchone()
    found: list[Json] = [] if row is None else json.loads(zlib.decompress(base64.b64decode(row[0])))
    return found


def _store(txn: LoggingTransaction, export_id: str, step: int, section: str, rows: Sequence[Json]) -> None:
    txn.execute("SELECT COUNT(*) FROM belisha_export_part WHERE id = ? AND step = ?", (export_id, step))
    counted = txn.fetchone()
    packed = base64.b64encode(zlib.compress(json.dumps(rows).encode())).decode()
    txn.execute(
        "INSERT INTO belisha_export_part (id, step, page, section, packed) VALUES (?, ?, ?, ?, ?)",
        (export_id, step, 0 if counted is None else int(counted[0]), section, packed),
    )


def _read(txn: LoggingTransaction, where: str, values: tuple[Any, ...]) -> list[Row]:
    txn.execute(f"SELECT {_COLUMNS} FROM belisha_export WHERE {where}", values)  # noqa: S608 - constants of this file
    return [Row(*row)._replace(bots=bool(row[8])) for row in txn.fetchall()]
