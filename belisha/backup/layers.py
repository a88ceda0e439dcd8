"""One file in age's encryption, in as many layers as there are keys that it should take to read it.

A copy of PostgreSQL's own files has everything in it, also what the archive of keys has apart. So where that archive
has a key of its own, it takes both to read such a copy: one layer lies inside the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import pyrage

from belisha.backup.archive import (
    BrokenArchive,
    GaveUp,
    Identity,
    NotWritten,
    part_of,
    recipient,
    sync_folder,
    through,
    through_out,
)


def seal(data: bytes, publics: Sequence[str]) -> bytes:
    """Encrypts to each key in turn, the first one innermost.

    Raises:
        ValueError: a key is none.
    """
    for public in publics:
        data = pyrage.encrypt(data, [recipient(public)])
    return data


def open_sealed(path: Path, layers: Sequence[Sequence[Identity]]) -> bytes:
    """What `seal` was given.

    Args:
        path: the file.
        layers: the private keys of each layer, the outermost first.

    Raises:
        BrokenArchive: it is cut short or changed, or for another key.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    try:
        for keys in layers:
            data = pyrage.decrypt(data, list(keys))
    except pyrage.DecryptError as error:
        raise BrokenArchive(f"{path} is not whole, or not for this key ({error}).") from None
    return data


def write(path: Path, data: bytes) -> None:
    """Writes a file that is there only when all of it is on the disk.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    part = part_of(path)
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def seal_stream(source: BinaryIO, part: Path, publics: Sequence[str]) -> None:
    """Encrypts a stream to its end into a file that was not there; whoever asked for it gives it its name.

    Raises:
        NotWritten: it could not be written, such as on a full disk; nothing of it is left.
        OSError: the file cannot be made.
    """
    keys = [recipient(public) for public in publics]
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out, ExitStack() as stack:
            inner: BinaryIO = out
            for key in reversed(keys[1:]):
                inner = stack.enter_context(through(_layer(inner, key)))
            try:
                pyrage.encrypt_io(source, inner, [keys[0]])
            except Exception as error:  # of any sort: age hands on what its file says
                raise NotWritten(f"{part.parent} could not be written ({error}).") from None
            stack.close()
            out.flush()
            os.fsync(out.fileno())
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, GaveUp):
            raise NotWritten(f"{part.parent} could not be written ({error}).") from None
        raise


def _layer(to: BinaryIO, key: pyrage.x25519.Recipient) -> Callable[[BinaryIO], None]:
    return lambda plain: pyrage.encrypt_io(plain, to, [key])


@contextmanager
def stream(path: Path, layers: Sequence[Sequence[Identity]]) -> Iterator[BinaryIO]:
    """What `seal_stream` was given, as a stream; it is whole only when the block has ended.

    Raises:
        BrokenArchive: it is cut short or changed, or for another key.
        OSError: it cannot be read.
    """
    try:
        with ExitStack() as stack:
            plain: BinaryIO = stack.enter_context(path.open("rb"))
            for keys in layers:
                plain = stack.enter_context(through_out(plain, list(keys)))
            yield plain
    except GaveUp as error:
        raise BrokenArchive(f"{path} is not whole, or not for this key ({error}).") from None
