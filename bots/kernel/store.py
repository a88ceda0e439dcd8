"""The bots' database: its tables, its connections, its migrations; SQLite with one writer, or PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bots.kernel.errors import StoreError
from bots.kernel.migrations import HEAD

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# `received` counts up in the order of arrival. Its gaps mean nothing.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("room_id", sa.Text, nullable=False),
    sa.Column("received", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("json", sa.Text),  # NULL once handled: the id is enough to know the event again
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
    sa.Column("last_error", sa.Text),
    sa.CheckConstraint("state IN ('pending', 'handled', 'failed')", name="state"),
    sqlite_autoincrement=True,
)
sa.Index(
    "ix_inbox_pending",
    inbox.c.room_id,
    inbox.c.received,
    sqlite_where=inbox.c.state == "pending",
    postgresql_where=inbox.c.state == "pending",
)
sa.Index(
    "ix_inbox_failed",
    inbox.c.received,
    sqlite_where=inbox.c.state == "failed",
    postgresql_where=inbox.c.state == "failed",
)

# What is said only once however often its occasion comes, such as a welcome.
said = sa.Table(
    "said",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False),
)

_MIGRATION_LOCK = 0x62656C69  # any number, the same in every process


class Store:
    """Connections to the bots' database.

    On SQLite all writing goes through one connection, one transaction after the other, so that this process
    never meets its own lock; readers have another connection and, thanks to WAL, never wait.
    """

    def __init__(self, database: str, *, busy_timeout: float = 5.0) -> None:
        """Prepares the connections.

        Args:
            database: `sqlite:////absolute/path` or `postgresql://…`.
            busy_timeout: Seconds to wait for a lock that another process holds.
        """
        self._url = sa.make_url(database)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._busy_timeout = busy_timeout
        self._turn: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None
        self._writer = self._engine(writes=True)
        self._reader = self._engine(writes=False) if self.is_sqlite else self._writer

    def _engine(self, *, writes: bool) -> AsyncEngine:
        if not self.is_sqlite:
            url = self._url.set(drivername="postgresql+asyncpg")
            return create_async_engine(url, pool_size=4, max_overflow=0, pool_pre_ping=True)
        url = self._url.set(drivername="sqlite+aiosqlite")
        engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": self._busy_timeout})
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

        @sa.event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: Any, _record: object) -> None:
            # Python's sqlite3 would begin transactions late and on its own terms.
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @sa.event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end of the block, or rolled back by an exception."""
        if self._turn is None:
            async with self._writer.begin() as connection:
                yield connection
        else:
            async with self._turn, self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading."""
        async with self._reader.connect() as connection:
            yield connection

    async def open(self) -> None:
        """Makes the database where there is none, and brings its tables up to date.

        Raises:
            StoreError: It cannot be opened, or a newer version of Belisha has written it.
        """
        try:
            if self.is_sqlite:
                _make_private(Path(self._url.database or ""))
            async with self.writing() as connection:
                await connection.run_sync(_migrate)
        except (OSError, sa.exc.SQLAlchemyError) as error:
            shown = self._url.render_as_string(hide_password=True)
            reason = getattr(error, "orig", None) or error
            raise StoreError(
                f"The database {shown} cannot be used: {reason}. "
                "Check that it runs, that the address is right and that the folder can be written to."
            ) from error

    async def close(self) -> None:
        """Ends all connections."""
        await self._writer.dispose()
        await self._reader.dispose()


def _make_private(path: Path) -> None:
    """Members' messages pass through this file: only its owner may read it."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _migrate(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        # A second process that starts at the same moment waits here, then finds the work done.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    if _version(connection) == HEAD:
        return
    # Alembic is 11 MB of memory that an ordinary start does without.
    from bots.kernel.migrations.upgrade import upgrade

    upgrade(connection)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return version
