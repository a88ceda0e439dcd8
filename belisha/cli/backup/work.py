"""The one place for plain text: copies of databases in the data folder, each gone as soon as it is in the archive."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from belisha.cli.errors import CommandError

WORK = "backup-work"


@contextmanager
def working(data: Path) -> Iterator[Path]:
    """The folder for copies, empty, held for this process, and gone afterwards.

    Raises:
        CommandError: another backup is made at the moment.
    """
    work = data / WORK
    work.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"Another backup of {data} is being made.", "Wait for it to end.") from None
        for left in work.iterdir():
            left.unlink()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(descriptor)


def sweep_work(data: Path) -> None:
    """Removes copies of databases that a killed backup left; one that runs keeps its own."""
    if not (data / WORK).exists():
        return
    try:
        with working(data):
            pass
    except (CommandError, OSError):
        return
