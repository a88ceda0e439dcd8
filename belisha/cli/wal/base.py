"""Makes a base copy of all of PostgreSQL while it runs, and deletes what no moment of the last days needs."""

import fcntl
import io
import os
import re
import shutil
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from belisha.backup import layers, segments
from belisha.backup.archive import NotWritten, sync_folder
from belisha.cli.backup import postgresql
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.wal import copying, watch
from belisha.cli.wal.keeping import Keeping, own

_PEEK: Final = 256 * 1024  # bytes of the copy, in which its first file is
_PATIENCE: Final = 600.0  # seconds until PostgreSQL has handed over what the copy needs, at each of two places

_SOON: Final = 60.0  # seconds until it has handed over what it could not before


@dataclass(frozen=True)
class Made:
    """A base copy that is whole and can be used, and how many files were deleted."""

    path: Path
    deleted: int


def make(kept: Keeping, progress: Progress, patience: float = _PATIENCE) -> Made:
    """Makes one.

    Raises:
        CommandError: it cannot be made, with the reason and the remedy; nothing that looks whole is left.
    """
    _see_handed_over(kept, min(patience, _SOON))
    system = postgresql.one(kept.postgresql, "SELECT system_identifier FROM pg_control_system()")
    folder = kept.folder / system
    try:
        own(folder)
        return _made(kept, folder, progress, patience)
    except NotWritten as error:
        raise CommandError(str(error), f"Make room in {folder}; no copy was left there.") from None
    except OSError as error:
        raise CommandError(
            f"{error.filename or folder}: {error.strerror or error}.", f"Make room in {folder}, or mount it."
        ) from None


def _see_handed_over(kept: Keeping, patience: float) -> None:
    """Sees that PostgreSQL gets rid of its log, for which a copy would wait at its end.

    What failed before, such as before there was anybody to take it, is no reason: it is tried at once.
    """
    deadline = time.monotonic() + patience
    while watch.look(kept).failing:
        if time.monotonic() > deadline:
            raise CommandError(
                "PostgreSQL cannot hand over its log, without which a copy is of no use.",
                f"Make room in {kept.folder}, or mount it; PostgreSQL's own log says what it was told.",
            )
        postgresql.one(kept.postgresql, "SELECT pg_reload_conf()")  # it would try again after a minute
        time.sleep(1)


def _made(kept: Keeping, folder: Path, progress: Progress, patience: float) -> Made:
    with _alone(kept.folder):
        for left in folder.glob(".*.part"):
            if left.name.startswith(".base-"):
                left.unlink()
        part = folder / f".base-{os.getpid()}.part"
        try:
            progress.step("Copying PostgreSQL")
            start = _copied(kept, part, patience)
            progress.step("Waiting until its log is kept")
            _wait(folder, start, patience)
            path = folder / segments.base_name(_now() + timedelta(seconds=1), start)  # names have whole seconds
            part.rename(path)
            sync_folder(folder)
        finally:
            part.unlink(missing_ok=True)
        progress.step("Deleting what is needed no longer")
        return Made(path, _swept(kept, folder))


def _copied(kept: Keeping, part: Path, patience: float) -> str:
    """Copies into a file, and gives the segment with which the copy's log begins."""
    with copying.copied(kept.postgresql, patience) as copy:
        source = _Peeked(copy)
        layers.seal_stream(cast(BinaryIO, source), part, kept.publics)
    return _start(bytes(source.first))


class _Peeked(io.RawIOBase):
    """A stream whose beginning is remembered."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self.first = source, bytearray()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        if len(self.first) < _PEEK:
            self.first += data
        return len(data)


def _start(first: bytes) -> str:
    """The segment that a copy's first file, `backup_label`, names."""
    plain = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(first, _PEEK)
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r|") as tar:
            member = tar.next()
            content = tar.extractfile(member) if member is not None and member.name == "backup_label" else None
            label = content.read().decode() if content else ""
    except (tarfile.TarError, EOFError):
        label = ""
    found = re.search(r"^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)$", label, re.MULTILINE)
    if found is None:
        raise CommandError("PostgreSQL's copy does not say where its log begins.", "Is this a version that is tested?")
    return found[1]


def _wait(folder: Path, start: str, patience: float) -> None:
    """Waits until the log of a copy is kept; without it, it is none."""
    deadline = time.monotonic() + patience
    while not segments.is_handed_over((one.name for one in folder.iterdir()), start):
        if time.monotonic() > deadline:
            raise copying.not_kept()
        time.sleep(0.2)


def _swept(kept: Keeping, folder: Path) -> int:
    """Deletes what is needed no longer: here, and all of a server of PostgreSQL that has been gone for as long."""
    gone = segments.to_delete((one.name for one in folder.iterdir()), _now(), kept.days)
    for name in gone:
        (folder / name).unlink()
    for other in kept.folder.iterdir():
        if other == folder or not other.name.isdecimal():
            continue
        newest = max((one.stat().st_mtime for one in other.iterdir()), default=0.0)
        if datetime.fromtimestamp(newest, UTC) < _now() - timedelta(days=kept.days):
            gone += [one.name for one in other.iterdir()]
            shutil.rmtree(other)
    return len(gone)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandError("Another base copy is being made.", "Wait for it to end.") from None
    finally:
        os.close(descriptor)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
