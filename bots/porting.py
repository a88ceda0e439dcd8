"""`python -m bots.porting`: fills the bots' database in PostgreSQL with what a copy of SQLite's has.

One transaction for each table. `belisha migrate` runs this, and compares afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bots.blog.engines import BETWEEN, PostgreSQLWords
from bots.blog.index import WORDS
from bots.kernel.config import ConfigError, load
from bots.kernel.errors import StoreError
from bots.kernel.store import Store

_AT_ONCE = 1000
#: The history of the database itself.
_NOT_COPIED = frozenset({"alembic_version"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Copies; the exit code is 1 where it cannot, which says why."""
    parser = argparse.ArgumentParser(prog="python -m bots.porting", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="bots.yaml, with the database to fill")
    parser.add_argument("--sqlite", type=Path, required=True, help="a copy of bots.db, which may be changed")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_port(options.sqlite, load(options.config).database))
    except (ConfigError, StoreError, sa.exc.SQLAlchemyError) as error:
        reason = getattr(error, "orig", None) or error
        sys.stderr.write(f"{' '.join(str(reason).split())}\n")
        return 1
    return 0


async def _port(sqlite: Path, database: str) -> None:
    source, target = Store(f"sqlite:///{sqlite}"), Store(database)
    if target.is_sqlite:
        raise ConfigError("the database to fill is SQLite's; name one of PostgreSQL")
    try:
        for store in (source, target):
            await store.open()  # both have the newest tables then
        tables = sa.MetaData()
        async with target.reading() as connection:
            await connection.run_sync(tables.reflect)
        async with source.reading() as connection:
            numbers = {str(name): int(last) for name, last in await connection.execute(_LAST)}
        for table in tables.sorted_tables:
            if table.name in _NOT_COPIED:
                continue
            async with source.reading() as out, target.writing() as into:
                if table.name == WORDS.words:
                    await _copy_words(out, into)
                    continue
                await _copy(table, out, into)
                if table.name in numbers:
                    await into.execute(
                        _SET, {"table": table.name, "column": _identity(table), "last": numbers[table.name]}
                    )
    finally:
        await source.close()
        await target.close()


#: The last number that a table gave, which none of its rows may have any longer; it is never given again.
_LAST = sa.text("SELECT name, seq FROM sqlite_sequence WHERE seq > 0")
_SET = sa.text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")


def _identity(table: sa.Table) -> str:
    (column,) = (column for column in table.columns if column.identity is not None)
    return column.name


async def _copy(table: sa.Table, out: AsyncConnection, into: AsyncConnection) -> None:
    await into.execute(table.delete())  # what the making of the tables has put there
    rows = await out.stream(sa.select(table))
    async for some in rows.mappings().partitions(_AT_ONCE):
        await into.execute(table.insert(), [dict(row) for row in some])


async def _copy_words(out: AsyncConnection, into: AsyncConnection) -> None:
    """The full-text index, which each database keeps in its own way."""
    words = PostgreSQLWords(WORDS)
    rows = await out.execute(sa.text(f"SELECT rowid, {WORDS.first}, other FROM {WORDS.words}"))  # noqa: S608  constants
    for number, first, other in rows:
        segments = [
            (code, part.split())
            for code, text in ((WORDS.code, first), ("", other))
            for part in text.split(f" {BETWEEN} ")
            if part
        ]
        await into.run_sync(words.put, number, segments)


if __name__ == "__main__":
    raise SystemExit(main())
