"""A base copy as PostgreSQL gives it, ended where it would wait without end for its log to be kept.

At its end a copy waits until all of the log that it needs is handed over, and neither pg_basebackup nor PostgreSQL has
a limit for that: with a full disk of backups, it would stay there for ever, and hold the next one back.
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO, Final, cast

import psycopg2

from belisha.cli.backup import postgresql
from belisha.cli.errors import CommandError
from belisha.cli.wal.keeping import Administration

#: As what PostgreSQL knows it, among those that are connected.
NAME: Final = "belisha-base"
_COPY: Final = (
    *("pg_basebackup", "--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast", "--compress=1"),
    *("--no-password", f"--dbname=application_name={NAME}"),
)
_WAITS: Final = """
SELECT count(*) FROM pg_stat_progress_basebackup JOIN pg_stat_activity USING (pid)
WHERE application_name = %s AND phase = 'waiting for wal archiving to finish'
"""
#: Without this, PostgreSQL's side goes on waiting after ours is gone.
_END: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
_EVERY: Final = 0.5  # seconds


def not_kept() -> CommandError:
    """What is said where a copy has no log."""
    return CommandError(
        "PostgreSQL does not hand over its log, without which a base copy is none.",
        "/var/log/postgresql says why; docs/runbook.md#belishalognotkept says what to do.",
    )


@contextmanager
def copied(there: Administration, patience: float) -> Iterator[BinaryIO]:
    """A base copy as a stream, a tar that is compressed by gzip; it is whole only when the block has ended.

    Args:
        there: whom to ask.
        patience: for how many seconds it may wait at its end for its log to be kept.

    Raises:
        CommandError: it cannot be made, or waits for longer; PostgreSQL's side of it has ended, too.
    """
    late, done = threading.Event(), threading.Event()
    with closing(postgresql.connect(there)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        _end(cursor)  # of one that was killed before
        guard = threading.Thread(target=_guard, args=(cursor, patience, late, done), daemon=True)
        try:
            with postgresql.asked(there, _COPY, stdout=subprocess.PIPE) as process:
                guard.start()  # not before: whoever is another account for a moment is so in all threads
                yield cast(BinaryIO, process.stdout)
        except CommandError:
            if late.is_set():
                raise not_kept() from None
            raise
        finally:
            done.set()
            if guard.ident is not None:
                guard.join()
            _end(cursor)


def _guard(cursor: Any, patience: float, late: threading.Event, done: threading.Event) -> None:
    """Ends a copy that waits for too long."""
    since: float | None = None
    with contextlib.suppress(psycopg2.Error):
        while not done.wait(_EVERY):
            cursor.execute(_WAITS, (NAME,))
            (waits,) = cursor.fetchone()
            now = time.monotonic()
            since = (now if since is None else since) if waits else None
            if since is not None and now - since > patience:
                late.set()
                _end(cursor)
                return


def _end(cursor: Any) -> None:
    with contextlib.suppress(psycopg2.Error):  # where PostgreSQL has ended, so has the copy
        cursor.execute(_END, (NAME,))
