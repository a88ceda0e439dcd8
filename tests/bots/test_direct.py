"""Rows straight from the driver: the same as SQLAlchemy's, in the same transaction, and its errors where one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from bots.directory.index_tables import synonym
from bots.kernel import direct
from bots.kernel.direct import Statement
from bots.kernel.store import Store, failed
from tests.support.databases import postgresql

_ROWS = [
    {"term_key": "csam", "term": "CSAM", "number": 1},
    {"term_key": "hash", "term": "hashing ü", "number": 2},
]
_TEXT = "SELECT term_key, term, number FROM directory_synonym WHERE number <= :most AND term != :other ORDER BY number"
_VALUES = {"other": "x", "most": 2, "not named": object()}
_ASKED = Statement(_TEXT)
_WRONG = Statement("SELECT nothing FROM directory_synonym WHERE number = :most")


def _usual(connection: sa.Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(sa.text(_TEXT), {"other": "x", "most": 2})]


def _direct(connection: sa.Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in _ASKED.rows(connection, _VALUES)]


def _both_while_writing(connection: sa.Connection) -> tuple[Sequence[Any], Sequence[Any]]:
    connection.execute(synonym.insert(), _ROWS[1:])
    return _usual(connection), _direct(connection)


async def _works(store: Store) -> None:
    await store.write(lambda connection: connection.execute(synonym.insert(), _ROWS[:1]))
    assert await store.read(_direct) == await store.read(_usual) == [("csam", "CSAM", 1)]
    usual, found = await store.write(_both_while_writing)
    assert found == usual and len(found) == 2, "what this transaction has written is not seen"
    with pytest.raises(sa.exc.DBAPIError):
        await store.read(lambda connection: _WRONG.rows(connection, {"most": 1}))
    assert len(await store.read(_direct)) == 2
    with pytest.raises(KeyError):
        await store.read(lambda connection: _ASKED.rows(connection, {"most": 2}))


async def test_rows_are_those_of_sqlalchemy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await _works(store)
    monkeypatch.delattr(sa.Connection, "execute")
    assert len(await store.read(_direct)) == 2, "the short way was not taken"


async def test_where_the_short_way_is_not_open_sqlalchemy_answers(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "_by_sqlite", lambda *_: None)
    await _works(store)
    async with store.reading() as connection:  # by asyncio, whose driver has no rows at once
        assert len(await connection.run_sync(_direct)) == 2


async def _lost(store: Store) -> None:
    """The server ends a connection while it is in use."""
    mine = sa.text("SELECT pg_backend_pid()")
    engine = store.leases(1)
    async with engine.connect() as other, store.reading() as reading:
        ended = (await reading.execute(mine)).scalar_one()
        await other.execute(sa.text("SELECT pg_terminate_backend(:it, 60000)"), {"it": ended})
        await asyncio.sleep(0.2)  # until it is heard of
        with pytest.raises(sa.exc.DBAPIError) as told:
            await reading.run_sync(_direct)
        assert failed(told.value), "a lost connection is taken for a fault of the question"
    await engine.dispose()
    assert len(await store.read(_direct)) == 2


async def _given_up(store: Store) -> None:
    """Whoever stops waiting leaves the connection to others, however often."""
    for _ in range(9):  # one more than there are
        waits = asyncio.create_task(store.read(lambda connection: connection.execute(sa.text("SELECT pg_sleep(60)"))))
        await asyncio.sleep(0.05)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
    async with asyncio.timeout(20):
        assert len(await store.read(_direct)) == 2


async def test_rows_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgresql() as address:
        store = Store(address)
        await store.open()
        await _works(store)
        await _lost(store)
        await _given_up(store)
        monkeypatch.delattr(sa.Connection, "execute")
        assert len(await store.read(_direct)) == 2, "the short way was not taken"
        await store.close()
