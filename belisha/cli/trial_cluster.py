"""A PostgreSQL of its own for copies of a server's databases, on a socket for root and the services' accounts alone.

It is another cluster than the one that members use, so whatever goes wrong in it, they do not notice; and it needs no
rights in theirs. Its databases and roles are called as there, so everything that works with those works with these.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from belisha.cli.backup.postgresql import Database
from belisha.cli.backup.work import make_passable
from belisha.cli.errors import CommandError

#: Whose PostgreSQL is, in Debian; it does not run as root.
_OWNER: Final = "postgres"
_PATIENCE_S: Final = 60.0
_INSTALLED: Final = Path("/usr/lib/postgresql")


@contextmanager
def running(folder: Path, databases: list[Database]) -> Iterator[None]:
    """Runs it in a new folder, with empty databases, until the end of the block; the folder stays.

    Args:
        folder: where it is made; also where its socket is.
        databases: those that it has.

    Raises:
        CommandError: PostgreSQL's programs or its account are missing, or it does not start.
    """
    # Its client's programs are in the same folders.
    servers = (path.parent for path in _INSTALLED.glob("*/bin/initdb"))
    programs = sorted(servers, key=lambda path: int(path.parent.name) if _is_number(path) else 0)
    try:
        owner = pwd.getpwnam(_OWNER)
    except KeyError:
        owner = None
    if not programs or owner is None:
        raise CommandError("PostgreSQL's server is missing here.", "Run this on the server itself: it makes a copy.")
    make_passable(folder)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    log = folder / "log"
    become: dict[str, Any] = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": (), "cwd": folder}
    # What is copied here is gone soon: it need not wait for the disk.
    made = subprocess.run(  # noqa: S603  PostgreSQL's own
        [programs[-1] / "initdb", "-D", folder / "data", "-U", _OWNER, "-A", "peer", "--locale=C", "-E", "UTF8", "-N"],
        capture_output=True,
        text=True,
        check=False,
        **become,
    )
    if made.returncode:
        raise CommandError(f"A PostgreSQL for the copy cannot be made ({' '.join(made.stderr.split())[-300:]}).")
    _let_in(folder / "data", databases)
    with log.open("wb") as out:
        server = subprocess.Popen(  # noqa: S603  the same
            [
                *(programs[-1] / "postgres", "-D", folder / "data", "-p", os.environ.get("PGPORT", "5432")),
                *("-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"),
                *("-c", "unix_socket_permissions=0777"),  # who comes through it is looked at by `pg_hba.conf`
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            **become,
        )
    try:
        _make(folder, server, databases)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(_PATIENCE_S)
        server.kill()
        server.wait()


def _is_number(path: Path) -> bool:
    return path.parent.name.isdecimal()


def _let_in(data: Path, databases: list[Database]) -> None:
    """Lets root, PostgreSQL's account and each service's own in, and nobody else."""
    roles = [_OWNER, *(one.role for one in databases)]
    pairs = [("root", role) for role in roles] + [(role, role) for role in roles]
    lines = {
        "pg_hba.conf": ["local all all peer map=trial"],
        "pg_ident.conf": [f"trial {account} {role}" for account, role in pairs],
    }
    for name, said in lines.items():
        (data / name).write_text("\n".join(said) + "\n", encoding="utf-8")


def _make(folder: Path, server: subprocess.Popen[bytes], databases: list[Database]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            connection = psycopg2.connect(host=str(folder), user=_OWNER, dbname="postgres")
            break
        except psycopg2.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise CommandError(
                    f"The PostgreSQL for the copy does not start ({' '.join(str(error).split())})."
                ) from None
            time.sleep(0.1)
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        for one in databases:
            role, name = sql.Identifier(one.role), sql.Identifier(one.name)
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(name, role))
            with closing(psycopg2.connect(host=str(folder), user=_OWNER, dbname=one.name)) as inside, inside:
                inside.cursor().execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(role))


def remove(folder: Path) -> None:
    """Deletes a cluster that has ended."""
    shutil.rmtree(folder, ignore_errors=True)
