"""Opens ZIP archives of strangers: each entry in pieces, none larger than it may be."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Final

from belisha.inside.finding import Budget, Reason, Unreadable

_ENCRYPTED: Final = 0x1
_FAILURES: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
#: How many bytes a comment behind the end of an archive has at most, and that end itself.
_TAIL: Final = 65_535 + 22
_END: Final = b"PK\x05\x06"


class Entry:
    """An entry that is being read; every byte counts."""

    def __init__(self, stream: IO[bytes], packed: int, budget: Budget) -> None:
        self._stream = stream
        self._packed = max(packed, 1)
        self._budget = budget
        self._read = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`.

        Raises:
            Unreadable: where the entry is damaged or becomes too large.
        """
        try:
            data = self._stream.read(size)
        except _FAILURES:
            raise Unreadable(Reason.BROKEN) from None
        self._read += len(data)
        self._budget.unpack(len(data))
        limits = self._budget.limits
        if self._read > limits.small and self._read > self._packed * limits.ratio:
            raise Unreadable(Reason.TOO_LARGE)
        return data

    def read_all(self) -> bytes:
        """All that is left."""
        pieces = []
        while piece := self.read(64 * 1024):
            pieces.append(piece)
        return b"".join(pieces)


class Archive:
    """An archive whose entries are looked up by name."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._budget = budget
        try:
            self._zip = zipfile.ZipFile(file)
        except _FAILURES:
            raise Unreadable(Reason.BROKEN) from None
        entries = self._zip.infolist()
        if len(entries) > budget.limits.entries:
            raise Unreadable(Reason.TOO_LARGE)
        self._entries = {entry.filename: entry for entry in entries if not entry.is_dir()}
        if len(self._entries) < sum(not entry.is_dir() for entry in entries):
            raise Unreadable(Reason.TWO_KINDS)  # a name that stands there twice: each program reads another one

    @property
    def names(self) -> list[str]:
        """The names of all entries that are no folders."""
        return list(self._entries)

    @contextmanager
    def open(self, name: str) -> Iterator[Entry]:
        """Opens an entry.

        Raises:
            Unreadable: where it is encrypted, damaged, or packed in a way that is not known here.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise Unreadable(Reason.BROKEN)
        if entry.flag_bits & _ENCRYPTED:
            raise Unreadable(Reason.ENCRYPTED)
        try:
            stream = self._zip.open(entry)
        except _FAILURES:
            raise Unreadable(Reason.BROKEN) from None
        with stream:
            yield Entry(stream, entry.compress_size, self._budget)


def ends_as_archive(file: BinaryIO) -> bool:
    """Whether a file, whatever it begins as, ends as an archive: some programs open it as that."""
    size = file.seek(0, 2)
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read(_TAIL)
    file.seek(0)
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + 22:
        return False
    comment = int.from_bytes(tail[place + 20 : place + 22], "little")
    length = int.from_bytes(tail[place + 12 : place + 16], "little")
    offset = int.from_bytes(tail[place + 16 : place + 20], "little")
    return place + 22 + comment <= len(tail) and length + offset <= start + place
