"""The one place for plain text: copies of databases in the data folder, each gone as soon as it was of use."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from belisha.cli.errors import CommandError

WORK = "backup-work"
_SPARE = 64 * 1024 * 1024  # bytes that are left free beside the copy of a database


@contextmanager
def working(data: Path) -> Iterator[Path]:
    """The folder for copies, empty, held for this process, and gone afterwards.

    Raises:
        CommandError: it is held by another backup, or by another trial of an upgrade.
    """
    work = data / WORK
    busy = CommandError(f"Another backup of {data} is being made, or an upgrade of it tried.", "Wait for it to end.")
    with emptied(work, busy):
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def emptied(folder: Path, busy: CommandError) -> Iterator[None]:
    """Holds a folder for this process, made where it is not there, and without what a killed one left in it.

    Raises:
        CommandError: `busy`, where another process holds it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise busy from None
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    finally:
        os.close(descriptor)


def make_passable(folder: Path) -> None:
    """Makes a folder through which every account comes to what is its own in it, whatever the umask is."""
    folder.mkdir(mode=0o700)
    folder.chmod(0o711)


def need_room(database: Path, work: Path) -> None:
    """Sees that a copy of a database fits: it would fill the disk otherwise, and members could not send.

    Raises:
        CommandError: there is no such database, or too little room.
    """
    if not database.exists():
        raise CommandError(f"There is no database {database}.", "Is this the data folder of a community?")
    needed, free = database.stat().st_size * 2 + _SPARE, shutil.disk_usage(work).free
    if free < needed:
        raise CommandError(
            f"Copying {database.name} needs {needed // 2**20} MiB, and {free // 2**20} MiB are free.",
            "Make room where the data folder is. Nothing was written.",
        )


def sweep_work(data: Path) -> None:
    """Removes copies of databases that a killed backup left; one that runs keeps its own."""
    if not (data / WORK).exists():
        return
    try:
        with working(data):
            pass
    except (CommandError, OSError):
        return
