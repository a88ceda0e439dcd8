"""The list of known files on this machine: read anew whenever the file has changed; blocks, called from threads."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import NamedTuple

from belisha.screening import KnownFiles, read_list


class _Stamp(NamedTuple):
    """By what a file that has changed is known."""

    inode: int
    size: int
    changed_ns: int


class KnownList:
    """One list; may be used by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._read = KnownFiles(frozenset(), ())

    def holds(self, digest: bytes) -> bool:
        """Whether a SHA-256 hash stands in it.

        Raises:
            OSError: it cannot be read now; what was read before does not count.
        """
        return digest in self.now().hashes

    def now(self) -> KnownFiles:
        """The list as it is now.

        Raises:
            OSError: it cannot be read.
        """
        with self._lock:
            with self.path.open(encoding="utf-8", errors="replace") as lines:
                # Of the open file: another may be put in its place meanwhile.
                found = _stamp_of(lines.fileno())
                if found != self._stamp:
                    self._read = read_list(lines)
                    # What was written while it was read has changed it, so it is read once more the next time.
                    self._stamp = found
            return self._read


def _stamp_of(descriptor: int) -> _Stamp:
    status = os.fstat(descriptor)
    return _Stamp(status.st_ino, status.st_size, status.st_mtime_ns)
