"""The keys of anonymous polls, each in a file of its own: never in a database, and in no backup.

A key is destroyed by writing over it and taking its file away. What a disk or a snapshot of it keeps besides is out of
reach here; the operators' page says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from belisha.polls.sealing import KEY_BYTES, BallotKey


class LostKey(Exception):
    """The key of a poll with ballots is gone, so that nobody can count them."""


class KeyFiles:
    """A folder of keys."""

    def __init__(self, folder: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        """Makes nothing yet.

        Args:
            folder: Where the keys are to be; replicas of the bots share it.
            random_bytes: What makes keys, and what goes into seals.
        """
        self._folder = folder
        self.random_bytes = random_bytes

    def make(self, poll: str) -> BallotKey:
        """The key of a poll that has no ballots yet, which is on the disk when this returns; at most one is ever made.

        Raises:
            OSError: it cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # of mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.random_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another replica was quicker, or this one before a crash
                os.link(name, self._path(poll))
        finally:
            _shred(Path(name), overwrite=False)
        self._sync_folder()
        return self.read(poll)

    def read(self, poll: str) -> BallotKey:
        """The key of a poll that has ballots.

        Raises:
            LostKey: it is gone, or is no key any more.
            OSError: it cannot be read at present.
        """
        try:
            return BallotKey(self._path(poll).read_bytes())
        except (FileNotFoundError, ValueError) as error:
            raise LostKey from error

    def destroy(self, poll: str) -> None:
        """Destroys the key of a poll; done where there is none.

        Raises:
            OSError: it cannot be destroyed.
        """
        _shred(self._path(poll), overwrite=True)
        if self._folder.is_dir():
            self._sync_folder()

    def _path(self, poll: str) -> Path:
        # An event id is no name for a file.
        return self._folder / f"{hashlib.sha256(poll.encode()).hexdigest()}.key"

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _shred(path: Path, *, overwrite: bool) -> None:
    """Takes a file away; `overwrite` where no other name leads to the same bytes that are still needed."""
    try:
        if overwrite:
            with path.open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        return
