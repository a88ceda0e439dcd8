"""The bots' database: its connections and migrations; SQLite with one writer, or PostgreSQL."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from bots.kernel.errors import StoreError
from bots.kernel.migrations import HEAD

T = TypeVar("T")

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
        self._held: IO[str] | None = None
        self._turn: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None
        self._writer = self._engine(writes=True)
        # Readers of PostgreSQL need no transaction: each statement would see what is committed then, in one or not.
        self._reader = (
            self._engine(writes=False)
            if self.is_sqlite
            else self._writer.execution_options(isolation_level="AUTOCOMMIT")
        )
        self._writer_in_threads = self._engine_in_threads(writes=True)
        self._reader_in_threads = self._engine_in_threads(writes=False)

    def _engine(self, *, writes: bool, pool_size: int = 8) -> AsyncEngine:
        if not self.is_sqlite:
            url = self._url.set(drivername="postgresql+asyncpg")
            found = create_async_engine(url, pool_size=pool_size, max_overflow=0)
            sa.event.listen(found.sync_engine, "checkout", _must_be_open)
            return found
        url = self._url.set(drivername="sqlite+aiosqlite")
        engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": self._busy_timeout})
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

        _as_sqlite_should(engine.sync_engine, begin)
        return engine

    def _engine_in_threads(self, *, writes: bool) -> sa.Engine | None:
        """The same without asyncio, whose way to SQLite costs two changes of thread for every statement."""
        if not self.is_sqlite:
            return None
        arguments = {"timeout": self._busy_timeout, "check_same_thread": False}
        url = self._url.set(drivername="sqlite")
        engine = sa.create_engine(url, pool_size=1 if writes else 2, max_overflow=0, connect_args=arguments)
        _as_sqlite_should(engine, "BEGIN IMMEDIATE" if writes else "BEGIN")
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

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Does work in one transaction: on SQLite as a whole in a thread, which is much the quicker way."""
        if self._turn is None or self._writer_in_threads is None:
            async with self.writing() as connection:
                return await connection.run_sync(work)
        async with self._turn:
            return await _finished(asyncio.to_thread(_transact, self._writer_in_threads, work))

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """The same for reading."""
        if self._reader_in_threads is None:
            # As `reading` and `run_sync` do, by one change to SQLAlchemy's side instead of three and a task.
            return await greenlet_spawn(_with_connection, self._reader.sync_engine, work)
        return await _finished(asyncio.to_thread(_transact, self._reader_in_threads, work))

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

    def leases(self, count: int) -> AsyncEngine:
        """Connections of their own for so many locks that are held side by side; the caller disposes of them."""
        return self._engine(writes=True, pool_size=count)

    def hold(self) -> None:
        """Keeps other processes from working on this SQLite database, until this one ends.

        Raises:
            StoreError: Another process works on it.
        """
        if not self.is_sqlite:
            return
        self._held = Path(f"{self._url.database}.lock").open("a")  # noqa: SIM115  held as long as the store
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._held.close()
            raise StoreError(
                f"Another process of the bots works on {self._url.database}. Stop that one first; "
                "several side by side need PostgreSQL."
            ) from error

    def insert(self, table: sa.Table, *unless: str) -> sqlite.Insert | postgresql.Insert:
        """An insertion that leaves rows alone which are there already.

        Args:
            table: Where to.
            unless: The columns by which a row is known; any unique ones where none are named.
        """
        return insert(table, is_sqlite=self.is_sqlite).on_conflict_do_nothing(index_elements=unless or None)

    async def close(self) -> None:
        """Ends all connections."""
        await self._writer.dispose()
        await self._reader.dispose()
        for engine in (self._writer_in_threads, self._reader_in_threads):
            if engine is not None:
                engine.dispose()
        if self._held is not None:
            self._held.close()


def _must_be_open(connection: Any, _record: object, _proxy: object) -> None:
    """Has a connection that the server has closed replaced; asking the server would cost three journeys each time."""
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


def _as_sqlite_should(engine: sa.Engine, begin: str) -> None:
    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # Python's sqlite3 would begin transactions late and on its own terms.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)


def _with_connection(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    with engine.connect() as connection:
        return work(connection)


def _transact(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


async def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Waits for a thread to its end even where the waiting is cancelled: its transaction cannot be left alone."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def insert(table: sa.Table, *, is_sqlite: bool) -> sqlite.Insert | postgresql.Insert:
    """An insertion that can be told what to do about rows which are there already (`on_conflict_…`)."""
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)


def insert_on(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """The same in a transaction: two processes, or a chat and a page, may write the same row at once."""
    return insert(table, is_sqlite=connection.dialect.name == "sqlite")


def failed(error: BaseException) -> bool:
    """Whether an error is the database's own, and not the fault of what was asked of it."""
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError | OSError)


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
