"""Reads rows straight from the database's driver, for statements that a member waits for.

SQLAlchemy's way from a text to rows costs as much of the processor's time as what PostgreSQL's driver does for a
hundred rows, and some of that on SQLite too. Where the short way is not open, or fails, SQLAlchemy is asked instead.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

Rows = Sequence[Sequence[Any]]


class Statement:
    """A statement that only reads, with `:names` for its values."""

    def __init__(self, text: str) -> None:
        """Keeps it; for each database it is spelled out once.

        Args:
            text: it in SQL; a value's type follows from where it stands, or from a CAST.
        """
        self._text: Final = sa.text(text)
        self._spelled: dict[str, tuple[str, Sequence[str]]] = {}

    def rows(self, connection: sa.Connection, values: Mapping[str, Any]) -> Rows:
        """All rows that it finds, each with its columns in order.

        Args:
            connection: in a transaction, or outside of one as `Store.read` has it.
            values: by name; more than it names are passed over.

        Raises:
            sqlalchemy.exc.DBAPIError: As SQLAlchemy's own `execute`.
        """
        driver = connection.dialect.driver
        if driver not in self._spelled:
            compiled = self._text.compile(dialect=connection.dialect)
            self._spelled[driver] = str(compiled), compiled.positiontup or ()
        spelled, names = self._spelled[driver]
        found: Rows | None = None
        if driver == "pysqlite":
            found = _by_sqlite(connection, spelled, [values[name] for name in names])
        elif driver == "asyncpg":
            found = _by_asyncpg(connection, spelled, [values[name] for name in names])
        if found is None:
            return connection.execute(self._text, {name: values[name] for name in names}).all()
        return found


def _by_sqlite(connection: sa.Connection, spelled: str, given: Sequence[Any]) -> Rows | None:
    reading: Any = connection.connection.dbapi_connection
    try:
        found: Rows = reading.execute(spelled, given).fetchall()
    except sqlite3.Error:
        return None  # a statement that failed leaves the transaction as it was
    return found


def _by_asyncpg(connection: sa.Connection, spelled: str, given: Sequence[Any]) -> Rows | None:
    adapted: Any = connection.connection.dbapi_connection
    if not adapted.autocommit:
        return None  # SQLAlchemy begins a transaction with its first statement, and a failure would end it
    # SQLAlchemy has loaded it by now; where there is no PostgreSQL it is not needed.
    from asyncpg import InterfaceError, PostgresError

    try:
        found: Rows = adapted.run_async(lambda driver: driver.fetch(spelled, *given))
    except (PostgresError, InterfaceError, OSError):
        return None  # SQLAlchemy tells what of it means that the connection is lost
    return found
