"""Unpacks a release archive of Element Web, and refuses whatever is none.

Nothing is written outside of the folder that is given, and nothing but plain files and folders: names are checked part
by part, links and devices are refused, and sizes are counted while they are read, whatever the archive claims.
"""

import gzip
import re
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Final

from belisha.cli.errors import CommandError

#: A release has about 3,000 files and 200 MB.
LARGEST, MOST_FILES, DEEPEST, LONGEST_NAME = 1 << 30, 20_000, 12, 200
_CHUNK, _LONGEST_VERSION = 1 << 20, 64
_VERSION = re.compile(r"v?(\d{1,3}\.\d{1,3}\.\d{1,3}(?:-[a-z0-9.]{1,20})?)\s*")
_RELEASE = "Take the file element-v….tar.gz of a release of Element Web, not its source."
#: What Element draws itself into: it is in no other program's page.
_MARK: Final = b'id="matrixchat"'


class _Counted:
    """Reads an unpacked stream, up to `LARGEST` bytes of it."""

    def __init__(self, inner: gzip.GzipFile) -> None:
        self._inner = inner
        self._left = LARGEST

    def read(self, size: int) -> bytes:
        found = self._inner.read(min(size, self._left + 1))
        self._left -= len(found)
        if self._left < 0:
            raise _refused(f"it unpacks to more than {LARGEST >> 20} MiB")
        return found


def unpack(archive: IO[bytes], into: Path) -> str:
    """Unpacks into an empty folder, without the folder that the archive has around everything; gives the version.

    Raises:
        CommandError: it is no release of Element Web, or holds what none does.
        OSError: the folder cannot be written.
    """
    try:
        with gzip.GzipFile(fileobj=archive, mode="rb") as unzipped:
            _extract(_Counted(unzipped), into)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _refused(f"it is no whole .tar.gz file ({type(error).__name__})") from None
    return _version(into)


def _extract(stream: _Counted, into: Path) -> None:
    tops: set[str] = set()
    seen = 0
    with tarfile.open(fileobj=stream, mode="r|") as tar:  # type: ignore[call-overload]  # it only reads
        for member in tar:
            seen += 1
            if seen > MOST_FILES:
                raise _refused(f"it holds more than {MOST_FILES} files")
            top, path = _inside(member.name)
            tops.add(top)
            if len(tops) > 1:
                raise _refused(f"it has more than one folder at its top ({', '.join(sorted(tops))})")
            if not (member.isdir() or (member.isreg() and not member.issparse())):
                raise _refused(f"{member.name!r} in it is neither a file nor a folder")
            _write(tar, member, into / path, into)


def _inside(name: str) -> tuple[str, PurePosixPath]:
    """The top folder of a name, and the path under it."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    odd = name.startswith("/") or ".." in parts or "\\" in name or not name.isprintable()
    if odd or not parts or len(parts) > DEEPEST or any(len(part.encode()) > LONGEST_NAME for part in parts):
        raise _refused(f"the name {name[:LONGEST_NAME]!r} in it is not one of a file in a folder")
    return parts[0], PurePosixPath(*parts[1:])


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, into: Path) -> None:
    try:
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            return
        if path == into:
            raise _refused(f"{member.name!r} in it stands in no folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        inner = tar.extractfile(member)
        with path.open("xb") as file:
            while inner is not None and (chunk := inner.read(_CHUNK)):
                file.write(chunk)
    except (FileExistsError, NotADirectoryError):
        raise _refused(f"{member.name!r} is in it twice") from None


def _version(folder: Path) -> str:
    try:
        index = (folder / "index.html").read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise _refused("it has no index.html") from None
    if _MARK not in index or not (folder / "bundles").is_dir():
        raise _refused("its index.html is not that of Element Web")
    try:
        with (folder / "version").open("rb") as file:
            said = file.read(_LONGEST_VERSION + 1).decode("ascii", "replace")
    except (FileNotFoundError, IsADirectoryError):
        raise _refused("it has no file `version`") from None
    version = _VERSION.fullmatch(said)
    if version is None or len(said) > _LONGEST_VERSION:
        raise _refused("its file `version` names none")
    return version[1]


def _refused(what: str) -> CommandError:
    return CommandError(f"This archive was not installed: {what}.", _RELEASE)
