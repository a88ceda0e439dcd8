"""One archive: a tar inside age's encryption, written and read as a stream, so that its plain text is on no disk.

age (C2SP `age.md`) authenticates every 64 KiB and the end, so an archive that was cut or changed is not decrypted; that
whoever wrote it is who should have is not in it, since everybody may have the public key. A file stands in pieces,
`NAME#00000` and so on, because a tar wants each length beforehand and a running community changes files meanwhile;
without Belisha: `age -d -i IDENTITY ARCHIVE | tar x`, and `cat NAME#*`.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Final, Protocol, TypeAlias

import pyrage

from belisha.backup import manifest as manifests
from belisha.backup.manifest import Entry, Manifest, NoManifest

Identity: TypeAlias = pyrage.x25519.Identity
#: Bytes of a piece: what is held in memory at a time.
PIECE: Final = 8 * 1024 * 1024
_LONGEST_MANIFEST: Final = 256 * 1024 * 1024


class BrokenArchive(Exception):
    """A file that is no whole archive, or not for this key; the message is a sentence."""


class NotWritten(Exception):
    """An archive could not be written to its end; the message is a sentence."""


class Sink(Protocol):
    """Where the files of an archive go while it is read."""

    def __call__(self, name: str) -> IO[bytes]:
        """A file to write `name` to, which is closed after its last piece."""


def recipient(text: str) -> pyrage.x25519.Recipient:
    """The public key `age1…`.

    Raises:
        ValueError: it is none; the message does not repeat it, since it may be the private one.
    """
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        is_private = text.strip().upper().startswith("AGE-SECRET-KEY-")
        raise ValueError("this is the private key" if is_private else "this is no public key of age") from None


def identities(text: str) -> list[Identity]:
    """The private keys in a file as `age-keygen` writes it: one a line, comments behind `#`.

    Raises:
        ValueError: there is none.
    """
    lines = [line.strip() for line in text.splitlines()]
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        raise ValueError("it is no private key of age") from None
    if not found:
        raise ValueError("there is no private key of age in it")
    return found


class Writer:
    """Adds files to an archive; made by `writing`."""

    def __init__(self) -> None:
        self._tar: tarfile.TarFile
        self.entries: list[Entry] = []
        #: Of the whole file, in hexadecimal digits; there when it is whole.
        self.sha256 = ""

    def add(self, name: str, source: BinaryIO) -> Entry:
        """Adds what can be read from `source` until its end.

        Raises:
            NotWritten: the archive cannot be written, as `writing` says.
            OSError: `source` cannot be read.
        """
        digest, size, piece = hashlib.sha256(), 0, 0
        while (data := _read_up_to(source, PIECE)) or not piece:
            self._put(f"{name}#{piece:05}", data)
            digest.update(data)
            size, piece = size + len(data), piece + 1
        entry = Entry(name, size, digest.hexdigest())
        self.entries.append(entry)
        return entry

    def finish(self, manifest: Manifest) -> Manifest:
        """Ends the archive with its manifest, in which the entries stand that were added."""
        whole = replace(manifest, entries=tuple(self.entries))
        self._put(manifests.NAME, whole.text().encode())
        return whole

    def _put(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o600
        try:
            self._tar.addfile(info, io.BytesIO(data))
        except (BrokenPipeError, ValueError):  # whoever encrypts has given up, and says why
            raise NotWritten from None


@contextmanager
def writing(path: Path, public: str) -> Iterator[Writer]:
    """Writes an archive to `path`, which is there only when all of it is on the disk; until then it ends in `.part`.

    Args:
        path: where it goes.
        public: the public key that it is encrypted to.

    Raises:
        ValueError: the key is none.
        NotWritten: it could not be written, such as on a full disk; nothing of it is left.
        OSError: its folder cannot be written.
    """
    key, part, writer = recipient(public), part_of(path), Writer()
    part.unlink(missing_ok=True)  # of a run that was killed; a link that somebody has put there would lead elsewhere
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            hashed = _Hashed(out)
            with (
                through(lambda source: pyrage.encrypt_io(source, hashed, [key])) as plain,
                tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as writer._tar,
            ):
                yield writer
            writer.sha256 = hashed.digest.hexdigest()
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except GaveUp as error:
        raise NotWritten(f"{path.parent} could not be written ({error}).") from None
    finally:
        part.unlink(missing_ok=True)


class _Hashed(io.RawIOBase):
    """A file whose hash is known when all of it is written."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.digest = out, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._out.write(data)


def part_of(path: Path) -> Path:
    """The name that an archive has until it is whole."""
    return path.with_name(f".{path.name}.part")


def read(path: Path, keys: list[Identity], sink: Sink | None = None) -> Manifest:
    """Reads a whole archive, gives each file to `sink`, and compares everything with the manifest.

    What `sink` got is to be used only after this has returned.

    Raises:
        BrokenArchive: it is none, is cut short or changed, or is for another key.
        OSError: it cannot be read, or `sink` not written.
    """
    try:
        with path.open("rb") as source, through_out(source, keys) as plain:
            found, manifest = _members(plain, sink)
    except GaveUp as error:
        raise BrokenArchive(f"{path} is no whole archive, or not for this key ({error}).") from None
    except (tarfile.TarError, EOFError) as error:
        raise BrokenArchive(f"{path} is no archive of Belisha's ({type(error).__name__}).") from None
    except NoManifest as error:
        raise BrokenArchive(f"{path} is no archive of Belisha's: {error}.") from None
    if tuple(found) != manifest.entries:
        raise BrokenArchive(f"{path} does not have in it what its manifest says.")
    return manifest


def first(path: Path, keys: list[Identity]) -> str:
    """The name of the first file in an archive; what follows is not looked at.

    Raises:
        BrokenArchive: it is none, or is for another key.
        OSError: it cannot be read.
    """
    name = ""
    try:
        with (
            path.open("rb") as source,
            through_out(source, keys) as plain,
            tarfile.open(fileobj=plain, mode="r|") as tar,
        ):
            member = tar.next()
            name = _safe(member.name.rpartition("#")[0]) if member is not None else ""
            raise _Enough
    except _Enough:
        return name
    except GaveUp as error:
        raise BrokenArchive(f"{path} is no whole archive, or not for this key ({error}).") from None
    except (tarfile.TarError, EOFError, NoManifest) as error:
        raise BrokenArchive(f"{path} is no archive of Belisha's ({type(error).__name__}).") from None


def _members(plain: BinaryIO, sink: Sink | None) -> tuple[list[Entry], Manifest]:
    found: list[Entry] = []
    manifest: Manifest | None = None
    current: _Current | None = None
    try:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or manifest is not None:
                    raise NoManifest("there is something in it that is no file of a backup")
                if member.name == manifests.NAME:
                    manifest = _manifest(member, content)
                    continue
                name, _, piece = member.name.rpartition("#")
                if current is None or current.name != name:
                    if current is not None:
                        found.append(current.end())
                    current = _Current(_safe(name), sink(name) if sink else None)
                current.take(piece, content)
        if manifest is None:
            raise NoManifest("it has no manifest")
        if current is not None:
            found.append(current.end())
        return found, manifest
    finally:
        if current is not None:
            current.close()


def _manifest(member: tarfile.TarInfo, content: IO[bytes]) -> Manifest:
    if member.size > _LONGEST_MANIFEST:
        raise NoManifest("its manifest is too long")
    return manifests.parse(content.read().decode("utf-8", "replace"))


class _Current:
    """The file whose pieces come one after the other."""

    def __init__(self, name: str, out: IO[bytes] | None) -> None:
        self.name, self._out = name, out
        self._digest, self._size, self._pieces = hashlib.sha256(), 0, 0

    def take(self, piece: str, content: IO[bytes]) -> None:
        if piece != f"{self._pieces:05}":
            raise NoManifest(f"a piece of {self.name} is missing")
        self._pieces += 1
        while data := content.read(1024 * 1024):
            self._digest.update(data)
            self._size += len(data)
            if self._out is not None:
                self._out.write(data)

    def end(self) -> Entry:
        self.close()
        return Entry(self.name, self._size, self._digest.hexdigest())

    def close(self) -> None:
        if self._out is not None:
            self._out.close()


def _safe(name: str) -> str:
    """A name that leads nowhere but below the folder where an archive is unpacked."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or str(path) != name or "\0" in name:
        raise NoManifest("there is a name in it that leads elsewhere")
    return name


class GaveUp(Exception):
    """What age said when it gave up."""


class _Enough(Exception):
    """Nothing more of an archive is wanted."""


@contextmanager
def through(work: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """A file to write to, from which `work` reads in a thread of its own; afterwards `work` is done.

    Raises:
        GaveUp: `work` failed; whoever wrote got a `BrokenPipeError`.
    """
    reading, writing_end = os.pipe()
    failed: list[Exception] = []

    def run() -> None:
        with os.fdopen(reading, "rb", buffering=0) as source:
            try:
                work(source)
            except Exception as error:  # of any sort: it is raised where somebody waits
                failed.append(error)

    thread = threading.Thread(target=run, name="age")
    thread.start()
    body: BaseException | None = None
    try:
        with os.fdopen(writing_end, "wb", buffering=PIECE) as plain:
            yield plain
    except BrokenPipeError as error:
        body = error
    except NotWritten as error:
        body = error
    finally:
        thread.join()
    if failed or body:
        raise GaveUp(str(failed[0]) if failed else type(body).__name__)


@contextmanager
def through_out(source: BinaryIO, keys: list[Identity]) -> Iterator[BinaryIO]:
    """The plain text of an encrypted file, read while it is decrypted in a thread.

    Raises:
        GaveUp: it cannot be decrypted to its end.
    """
    reading, writing_end = os.pipe()
    failed: list[Exception] = []

    def run() -> None:
        with os.fdopen(writing_end, "wb", buffering=0) as plain:
            try:
                pyrage.decrypt_io(source, plain, keys)
            except Exception as error:  # of any sort: it is raised where somebody waits
                failed.append(error)

    thread = threading.Thread(target=run, name="age")
    thread.start()
    body: Exception | None = None
    with os.fdopen(reading, "rb", buffering=PIECE) as plain:
        try:
            yield plain
            while plain.read(PIECE):  # the end of what was encrypted is where age finds that nothing was cut off
                pass
        except (tarfile.TarError, EOFError, NoManifest, _Enough) as error:
            body = error
    thread.join()
    if failed and not (body and "roken pipe" in str(failed[0])):
        raise GaveUp(str(failed[0]))
    if body is not None:
        raise body


def _read_up_to(source: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end; a pipe gives what it has."""
    found = bytearray()
    while len(found) < size and (data := source.read(size - len(found))):
        found += data
    return bytes(found)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
