"""The rows of what was found inside files, in a real SQLite: a finding belongs to one arrival of bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from belisha.inside import Finding, Reason
from belisha.tlp import Label
from synapse_modules import scan_rows
from synapse_modules.inspection import Inspection
from synapse_modules.scan_rows import ScanRows, Unread, inside_of
from synapse_modules.schema import MIGRATIONS
from tests.support.tables import Tables

_SCAN = "SELECT scanned, inside, not_checked, forbidden FROM belisha_file WHERE media_id = ?"


@pytest.fixture
def txn() -> Iterator[Any]:
    database = sqlite3.connect(":memory:")
    cursor = database.cursor()
    for statements in MIGRATIONS:
        for statement in statements:
            cursor.execute(statement)
    # Of Synapse's own table, what is asked for.
    cursor.execute("CREATE TABLE local_media_repository (media_id TEXT, user_id TEXT, media_length BIGINT)")
    yield cursor
    database.close()


def uploaded(txn: Any, media_id: str, length: int | None = 1, at: int = 1) -> int | None:
    txn.execute("INSERT INTO local_media_repository VALUES (?, '@ana:x', ?)", (media_id, length))
    return scan_rows._arrived(txn, media_id, "text/plain", at)


def inside(txn: Any, media_id: str) -> Finding | None:
    return inside_of(*txn.execute(_SCAN, (media_id,)).fetchone())


@pytest.mark.parametrize(
    "finding", [Finding(), Finding(Label.RED, Reason.BROKEN, "SECRET"), Finding(not_checked=Reason.TOO_SLOW)]
)
def test_what_is_found_is_read_again(txn: Any, finding: Finding) -> None:
    assert uploaded(txn, "a") == 1
    assert inside(txn, "a") is None
    scan_rows._finished(txn, "a", 1, finding, 2)
    assert inside(txn, "a") == finding


def test_what_was_found_in_other_bytes_does_not_count(txn: Any) -> None:
    """An upload that failed and was sent again: neither an old finding nor one that comes late is the new bytes'."""
    uploaded(txn, "a", None)
    scan_rows._finished(txn, "a", 1, Finding(Label.CLEAR), 2)
    assert scan_rows._arrived(txn, "a", "application/pdf", 3) == 2
    assert inside(txn, "a") is None
    scan_rows._finished(txn, "a", 1, Finding(Label.CLEAR), 4)
    assert inside(txn, "a") is None
    scan_rows._finished(txn, "a", 2, Finding(Label.RED), 5)
    scan_rows._finished(txn, "a", 2, Finding(Label.CLEAR), 6)
    assert inside(txn, "a") == Finding(Label.RED)


def test_a_withdrawn_file_takes_no_bytes(txn: Any) -> None:
    uploaded(txn, "a")
    txn.execute("UPDATE belisha_file SET state = 'withdrawn'")
    assert scan_rows._arrived(txn, "a", "text/plain", 2) is None
    assert scan_rows._unread(txn, 9) == []


def test_what_is_still_to_be_read(txn: Any) -> None:
    """What somebody waits for, then what came last; nothing that is under way, or has been read."""
    for at, media_id in enumerate("abcd"):
        uploaded(txn, media_id, at=at)
    uploaded(txn, "under way", None)
    scan_rows._finished(txn, "c", 1, Finding(), 9)
    scan_rows._want(txn, "a", 9)
    assert scan_rows._unread(txn, 9) == [Unread(media_id, 1, "@ana:x") for media_id in "adb"]
    assert len(scan_rows._unread(txn, 2)) == 2


def test_what_cannot_be_read_in_a_row_counts_as_the_strictest() -> None:
    assert inside_of(1, "TLP:MAUVE", "unheard of", None) == Finding(Label.RED, Reason.BROKEN)
    assert inside_of(None, "TLP:CLEAR", None, None) is None


async def test_the_doctor_tells_of_what_is_not_read() -> None:
    now = 1_000_000.0
    tables: Any = Tables()
    rows = ScanRows(tables, lambda: now)
    scanner: Any = None
    inspection = Inspection(tables, rows, scanner)
    for media_id, length in (("unread", 1), ("under way", None), ("read", 1), ("withdrawn", 1)):
        tables.connection.execute("INSERT INTO local_media_repository VALUES (?, '@ana:x', ?)", (media_id, length))
        await rows.arrived(media_id, "text/plain")
    await rows.finished("read", 1, Finding())
    tables.connection.execute("UPDATE belisha_file SET state = 'withdrawn' WHERE media_id = 'withdrawn'")
    now += 300
    assert await inspection.problems() == []
    now += 1
    (said,) = await inspection.problems()
    assert "1 in all" in said
    await rows.finished("unread", 1, Finding())
    assert await inspection.problems() == []
