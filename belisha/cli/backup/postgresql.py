"""A database of PostgreSQL: dumped as it is at one moment, while others write to it, and filled again from a dump.

PostgreSQL's own programs do the work. Who asks is the account of the service that owns the database, as PostgreSQL's
socket wants it: there is no password.
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import psycopg2
import psycopg2.extras
from psycopg2 import sql

from belisha.cli.backup.copied import Copied
from belisha.cli.backup.tables import EMPTY
from belisha.cli.errors import CommandError

_COUNTED = (
    "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE nspname = 'public' AND relkind IN ('r', 'p') ORDER BY 1"
)


@dataclass(frozen=True)
class Database:
    """The database of one service of a server.

    Attributes:
        part: the service, `bots` or `synapse`.
        socket: the folder of PostgreSQL's socket.
    """

    part: str
    socket: Path

    @property
    def name(self) -> str:
        """As the playbook makes it."""
        return f"belisha_{self.part}"

    @property
    def role(self) -> str:
        """The role that owns it, called like the service's account."""
        return f"belisha-{self.part}"

    @property
    def dump(self) -> str:
        """Its file in an archive."""
        return f"{self.part}.dump"


@contextmanager
def copied(database: Database) -> Iterator[Copied]:
    """One moment of a database; what is asked and what is dumped are of the same snapshot, which is held meanwhile.

    Raises:
        CommandError: it cannot be reached or dumped.
    """
    with _transaction(database, "ISOLATION LEVEL REPEATABLE READ READ ONLY") as cursor:
        there = _tables(cursor)
        left_out = [table for table in EMPTY[database.part] if table in there]
        known = (
            _column(cursor, "SELECT media_id FROM local_media_repository") if "local_media_repository" in there else ()
        )
        pseudonyms: Sequence[tuple[str, str]] = ()
        if "belisha_pseudonym" in there:
            cursor.execute("SELECT user_id, pseudonym FROM belisha_pseudonym")
            pseudonyms = cursor.fetchall()
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        options = [f"--snapshot={snapshot}", *(f"--exclude-table-data=public.{table}" for table in left_out)]
        yield Copied(
            database.dump,
            _counts(cursor, there) | dict.fromkeys(left_out, 0),
            frozenset(known),
            tuple((str(user_id), str(pseudonym)) for user_id, pseudonym in pseudonyms),
            lambda: _dumped(database, options),
        )


def one(database: Database, statement: str) -> str:
    """The one value that a statement gives, as text.

    Raises:
        CommandError: it cannot be reached.
    """
    with _transaction(database) as cursor:
        return _column(cursor, statement)[0]


def is_empty(database: Database) -> bool:
    """Whether it has no table.

    Raises:
        CommandError: it cannot be reached.
    """
    with _transaction(database) as cursor:
        return not _tables(cursor)


def clear(database: Database) -> None:
    """Takes everything out of a database that is ours to fill.

    Raises:
        CommandError: it cannot be reached.
    """
    with _transaction(database) as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")


def fill(database: Database, dump: BinaryIO) -> None:
    """Makes an empty database what a dump says: all of it, or nothing.

    Args:
        database: the empty one.
        dump: a file, or a pipe.

    Raises:
        CommandError: PostgreSQL refuses.
    """
    command = ["pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    with asked(database, [*command, f"--dbname={database.name}"], stdin=dump):
        pass


def counts(database: Database) -> dict[str, int]:
    """The number of rows of every table.

    Raises:
        CommandError: it cannot be reached.
    """
    with _transaction(database, "ISOLATION LEVEL REPEATABLE READ READ ONLY") as cursor:
        return _counts(cursor, _tables(cursor))


def size(database: Database) -> int:
    """How many bytes it takes.

    Raises:
        CommandError: it cannot be reached.
    """
    with _transaction(database) as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def put_pseudonyms(database: Database, pseudonyms: Sequence[tuple[str, str]]) -> None:
    """Puts the pseudonyms back, in place of what is there.

    Raises:
        CommandError: it cannot be reached.
    """
    with _transaction(database) as cursor:
        cursor.execute("DELETE FROM belisha_pseudonym")
        into = "INSERT INTO belisha_pseudonym (user_id, pseudonym) VALUES %s"
        if pseudonyms:
            psycopg2.extras.execute_values(cursor, into, pseudonyms)


def devices(database: Database) -> list[tuple[str, str]]:
    """Accounts and the devices that they have.

    Raises:
        CommandError: it cannot be reached.
    """
    with _transaction(database) as cursor:
        cursor.execute("SELECT user_id, device_id FROM devices WHERE NOT hidden ORDER BY 1, 2")
        return [(str(user_id), str(device_id)) for user_id, device_id in cursor.fetchall()]


def connect(database: Database) -> Any:
    """A connection. PostgreSQL asks the system, at this moment, who is at the other end of its socket.

    The account is become for a moment by all threads of this process.

    Raises:
        CommandError: it cannot be reached.
    """
    whose = account(database.role)
    if whose is not None:
        os.seteuid(whose.pw_uid)
    try:
        return psycopg2.connect(host=str(database.socket), user=database.role, dbname=database.name, connect_timeout=30)
    except psycopg2.OperationalError as error:
        raise _unusable(database, error) from None
    finally:
        if whose is not None:
            os.seteuid(0)


def account(name: str) -> pwd.struct_passwd | None:
    """The account that root acts as; None where there is nothing to become, since it is not root or is that one."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return found if os.geteuid() == 0 and found.pw_uid != 0 else None


def _tables(cursor: Any) -> list[str]:
    return _column(cursor, _COUNTED)


def _column(cursor: Any, statement: str) -> list[str]:
    cursor.execute(statement)
    return [str(row[0]) for row in cursor.fetchall()]


def _counts(cursor: Any, tables: Sequence[str]) -> dict[str, int]:
    found = {}
    for table in tables:
        cursor.execute(sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(table)))
        found[table] = int(cursor.fetchone()[0])
    return found


@contextmanager
def _transaction(database: Database, how: str = "") -> Iterator[Any]:
    """A transaction, committed in the end."""
    try:
        with closing(connect(database)) as connection, connection, connection.cursor() as cursor:
            if how:
                cursor.execute(f"SET TRANSACTION {how}")
            yield cursor
    except psycopg2.Error as error:
        raise _unusable(database, error) from None


def _unusable(database: Database, error: psycopg2.Error) -> CommandError:
    said = " ".join(str(error).split())
    return CommandError(
        f"The database {database.name} cannot be used ({said}).", "Does PostgreSQL run? Run this as root."
    )


@contextmanager
def _dumped(database: Database, options: Sequence[str]) -> Iterator[BinaryIO]:
    # Deflate at its weakest: what is encrypted afterwards cannot be made smaller, and members wait for the processor.
    command = ["pg_dump", "--format=custom", "--compress=1", "--no-password", *options, database.name]
    with asked(database, command, stdout=subprocess.PIPE) as process:
        yield cast(BinaryIO, process.stdout)


@contextmanager
def asked(database: Database, command: Sequence[str], **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program of PostgreSQL's, run by the account that owns the database.

    Raises:
        CommandError: it is missing, or ends with an error.
    """
    whose = account(database.role)
    become: Mapping[str, Any] = (
        {} if whose is None else {"user": whose.pw_uid, "group": whose.pw_gid, "extra_groups": ()}
    )
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PGPORT")}
    environment = kept | {"PGHOST": str(database.socket), "PGUSER": database.role}
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(  # noqa: S603  the commands stand above
                command, cwd="/", env=environment, stderr=complaints, **streams, **become
            )
        except FileNotFoundError:
            raise CommandError(
                f"{command[0]} is missing.", "Install PostgreSQL's programs: apt-get install postgresql-client"
            ) from None
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
            process.wait()
        if process.returncode != 0:
            complaints.seek(0)
            said = complaints.read().decode("utf-8", "replace").strip().splitlines()[:1]
            raise CommandError(f"{command[0]} of {database.name} failed ({' '.join(said) or process.returncode}).")
