"""A database of SQLite: copied as it is at one moment, while others write to it, and without what no backup has."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from belisha.cli.backup.copied import Copied
from belisha.cli.backup.tables import EMPTY
from belisha.cli.backup.work import need_room

_PATIENCE = 60.0  # seconds


@contextlib.contextmanager
def copied(database: Path, work: Path, name: str) -> Iterator[Copied]:
    """A copy of the database called `name` in a folder for copies, which is gone afterwards.

    Raises:
        CommandError: there is no database, or no room for its copy.
        sqlite3.Error: as `copy`.
    """
    need_room(database, work)
    into = work / database.name
    pseudonyms = tuple(copy(database, into, name))
    try:
        known = frozenset(media_ids(into) if name == "synapse" else ())
        yield Copied(database.name, counts(into), known, pseudonyms, lambda: into.open("rb"))
    finally:
        into.unlink(missing_ok=True)


def copy(database: Path, into: Path, name: str) -> list[tuple[str, str]]:
    """Writes a copy of the database called `name`, and gives the pseudonyms that are left out of it.

    `VACUUM INTO` reads one state, and leaves out the free pages, in which what was deleted may still stand (E1).

    Raises:
        sqlite3.Error: it cannot be read, or the copy not be written.
    """
    snapshot(database, into)
    with _open(into) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA secure_delete = ON")
        there = tables(connection)
        pseudonyms = "belisha_pseudonym" in there
        left_out = connection.execute("SELECT user_id, pseudonym FROM belisha_pseudonym") if pseudonyms else ()
        found = [(str(user_id), str(pseudonym)) for user_id, pseudonym in left_out]
        with connection:
            for table in EMPTY[name]:
                if table in there:
                    connection.execute(f'DELETE FROM "{table}"')  # noqa: S608  a constant
        connection.execute("VACUUM")
    return found


def snapshot(database: Path, into: Path) -> None:
    """Writes a copy of a database with all that is in it.

    Raises:
        sqlite3.Error: it cannot be read, or the copy not be written.
    """
    with _open(database) as connection:
        connection.execute("VACUUM INTO ?", (str(into),))


def searchable(database: Path) -> int:
    """The number of events that are in Synapse's index of the search and are there."""
    with _open(database) as connection:
        return int(
            connection.execute("SELECT COUNT(*) FROM event_search JOIN events USING (event_id, room_id)").fetchone()[0]
        )


def unfinished(database: Path) -> int:
    """How many changes of its tables Synapse has begun and not finished."""
    with _open(database) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM background_updates").fetchone()[0])


def counts(database: Path) -> dict[str, int]:
    """The number of rows of every table.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    with _open(database) as connection:
        count = 'SELECT COUNT(*) FROM "{}"'.format
        return {table: int(connection.execute(count(table)).fetchone()[0]) for table in sorted(tables(connection))}


def media_ids(database: Path) -> set[str]:
    """The files that Synapse's database knows of."""
    with _open(database) as connection:
        return {str(row[0]) for row in connection.execute("SELECT media_id FROM local_media_repository")}


def put_pseudonyms(database: Path, pseudonyms: list[tuple[str, str]]) -> None:
    """Puts the pseudonyms back."""
    with _open(database) as connection, connection:
        connection.executemany("INSERT INTO belisha_pseudonym (user_id, pseudonym) VALUES (?, ?)", pseudonyms)


def devices(database: Path) -> list[tuple[str, str]]:
    """Accounts and the devices that they have."""
    with _open(database) as connection:
        rows = connection.execute("SELECT user_id, device_id FROM devices WHERE NOT hidden ORDER BY 1, 2")
        return [(str(user_id), str(device_id)) for user_id, device_id in rows]


def is_whole(database: Path) -> bool:
    """Whether SQLite finds nothing wrong with a database."""
    with _open(database) as connection:
        found: bool = connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        return found


def tables(connection: sqlite3.Connection) -> set[str]:
    """The tables that hold rows of their own; those in which a full-text index keeps itself are counted as it likes."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    found = {str(name): str(sql) for name, sql in rows}
    virtual = [name for name, sql in found.items() if sql.upper().startswith("CREATE VIRTUAL TABLE")]
    return {name for name in found if not any(name.startswith(f"{index}_") for index in virtual)}


@contextlib.contextmanager
def _open(database: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(database, timeout=_PATIENCE)) as connection:
        yield connection
