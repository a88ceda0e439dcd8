"""The registry's rows in a real SQLite: what is written is read, and no newer review is struck out by an older."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from belisha.policy.people import Standing
from synapse_modules import registry_tables as tables
from synapse_modules.registry_tables import Member, Organisation, Review
from synapse_modules.schema import MIGRATIONS

ANN = Member("ann", "harbour", "Ann", ("lead",), "!r:x")


@pytest.fixture
def txn() -> Iterator[Any]:
    database = sqlite3.connect(":memory:")
    cursor = database.cursor()
    for statements in MIGRATIONS:
        for statement in statements:
            cursor.execute(statement)
    yield cursor
    database.close()


def test_what_is_written_is_read(txn: Any) -> None:
    harbour = Organisation("harbour", "Harbour", "charity", ("harbour.example",), Standing.FROZEN)
    tables.put_organisation(txn, harbour)
    tables.put_member(txn, ANN)
    tables.put_member(txn, ANN._replace(standing=Standing.REMOVED))
    assert tables.read_all(txn) == ({"harbour": harbour}, {"ann": ANN._replace(standing=Standing.REMOVED)})


def test_rows_from_before_freezing_are_active() -> None:
    database = sqlite3.connect(":memory:")
    cursor: Any = database.cursor()
    for number, statements in enumerate(MIGRATIONS):
        for statement in statements:
            cursor.execute(statement)
        if number == 0:
            cursor.execute("INSERT INTO belisha_organisation VALUES ('harbour', 'Harbour', 'charity', '[]')")
            cursor.execute("INSERT INTO belisha_member VALUES ('ann', 'harbour', 'Ann', '[\"lead\"]', '!r:x')")
    organisations, members = tables.read_all(cursor)
    assert (organisations["harbour"].standing, members["ann"]) == (Standing.ACTIVE, ANN)
    database.close()


def test_a_review_is_struck_out_by_its_own_change_only(txn: Any) -> None:
    tables.raise_revision(txn)
    tables.ask_for_review(txn, ["ben", "ann"])
    first = tables.reviews(txn)
    assert first == [Review("ann", 2), Review("ben", 2)]
    tables.raise_revision(txn)
    tables.ask_for_review(txn, ["ann"])
    for review in first:
        tables.end_review(txn, review)
    assert tables.reviews(txn) == [Review("ann", 3)]
    tables.end_review(txn, Review("ann", 3))
    assert tables.reviews(txn) == []
