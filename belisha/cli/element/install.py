"""Fetches a release archive, checks its SHA-256, unpacks it, and has it served in place of the one before.

Killed at any moment, the release before is served as it was: `installed.json` changes last and at once, and what lies
about is taken away by the next installation.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

import aiohttp

from belisha.cli.element.archive import unpack
from belisha.cli.element.store import FOLDER, INSTALLED, Installed
from belisha.cli.errors import CommandError
from belisha.secrets import write_private
from belisha.settings_values import is_local

#: Bytes of an archive; a release has about 70 MB.
LARGEST = 256 << 20
_CHUNK, _REDIRECTS = 1 << 20, 5


def install(data: Path, source: str, sha256: str) -> Installed:
    """Installs the archive at a path or an address into a data folder.

    Raises:
        CommandError: it cannot be had, is another one than was named, or is no release of Element Web.
    """
    os.umask(0o077)
    home = data / FOLDER
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        with _alone(home), tempfile.TemporaryFile(dir=home) as archive:
            found = _copy(source, archive)
            if found != sha256:
                raise CommandError(
                    f"This archive was not installed: its SHA-256 is {found}, and not the one that you named.",
                    "Fetch it again, and compare both with what the release itself says.",
                )
            archive.seek(0)
            return _put(home, archive, sha256)
    except OSError as error:
        raise CommandError(
            f"{home} cannot be written ({error.strerror}).", "Make it yours, or free some space; nothing has changed."
        ) from None


def _put(home: Path, archive: IO[bytes], sha256: str) -> Installed:
    folder = Path(tempfile.mkdtemp(prefix=f"{sha256[:12]}-", dir=home))
    try:
        version = unpack(archive, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    os.sync()  # the files before their name
    write_private(
        home / INSTALLED, json.dumps({"version": version, "sha256": sha256, "folder": folder.name}, indent=2) + "\n"
    )
    _clear(home, folder)
    return Installed(version, sha256, folder)


def _clear(home: Path, but: Path) -> None:
    """Takes away the release before, and what installations that were killed have left."""
    for one in home.iterdir():
        if one.is_dir() and one != but:
            shutil.rmtree(one, ignore_errors=True)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                "Another installation into this folder is under way.", "Wait until it has ended."
            ) from None
        yield


class _Sink:
    """Takes an archive piece by piece, up to `LARGEST` bytes, and knows its SHA-256."""

    def __init__(self, archive: IO[bytes]) -> None:
        self._archive, self._digest, self._size = archive, hashlib.sha256(), 0

    def write(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > LARGEST:
            raise CommandError(
                f"This archive was not installed: it is larger than {LARGEST >> 20} MiB.",
                "No release of Element Web is.",
            )
        self._digest.update(chunk)
        self._archive.write(chunk)

    def sha256(self) -> str:
        return self._digest.hexdigest()


def _copy(source: str, archive: IO[bytes]) -> str:
    """Copies what is at a path or an address; gives its SHA-256."""
    sink = _Sink(archive)
    if "://" in source:
        asyncio.run(_fetch(source, sink))
    else:
        _read(Path(source).expanduser(), sink)
    archive.flush()
    return sink.sha256()


def _read(path: Path, sink: _Sink) -> None:
    try:
        file = path.open("rb")
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read ({error.strerror}).", "Name the archive's file or its address."
        ) from None
    with file:
        while chunk := file.read(_CHUNK):
            sink.write(chunk)


async def _fetch(url: str, sink: _Sink) -> None:
    timeout = aiohttp.ClientTimeout(total=1800, sock_connect=30, sock_read=60)
    try:
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
            for _ in range(_REDIRECTS):
                _need_https(url)
                async with session.get(url, allow_redirects=False) as answer:
                    if answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers:
                        url = urljoin(url, answer.headers["Location"])
                        continue
                    if answer.status != 200:
                        raise CommandError(f"{_host(url)} answered {answer.status}.", "Check the address.")
                    async for chunk in answer.content.iter_chunked(_CHUNK):
                        sink.write(chunk)
                    return
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise CommandError(
            f"The archive could not be fetched from {_host(url)} ({type(error).__name__}).",
            "Check the address, or fetch the file in another way and name its path.",
        ) from None
    raise CommandError(f"{_host(url)} leads from one address to the next without an end.", "Name the last of them.")


def _need_https(url: str) -> None:
    scheme = urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and is_local(url)):
        raise CommandError(f"{_host(url)} would be asked in clear.", "Name an https address, or a file.")


def _host(url: str) -> str:
    """The host alone: an address can hold a token."""
    return urlsplit(url).hostname or "this address"
