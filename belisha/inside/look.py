"""Looks into a file of any kind for the label that it says it has; pure: bytes in, a Finding out.

It runs on bytes of strangers, in a process of its own (`synapse_modules/scan`): a limit of that process is the last
answer to a file that finds a way past the limits here.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from belisha.inside.archive import Archive, ends_as_archive
from belisha.inside.finding import Budget, Finding, Limits, Reason, Unreadable
from belisha.inside.marks import Marks
from belisha.inside.office import read_office, read_open_document
from belisha.inside.pdf import read_pdf
from belisha.inside.plain import Texts
from belisha.inside.text import read_text
from belisha.sniff import HEAD, is_picture, is_sound_or_film, sniff
from belisha.tlp import Label

_OLE: Final = "application/x-ole-storage"
#: What an encrypted office document keeps itself in (MS-OFFCRYPTO 2.3.4.4), in UTF-16.
_ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")
_OLE_HEAD: Final = 64 * 1024
_DEFAULT: Final = Limits()


def is_read(kind: str) -> bool:
    """Whether files of that kind have text that is read; a picture, a sound and a film have the label of their message.

    That is a decision, not an oversight: docs/architecture.md, "Inside files".
    """
    return not (is_picture(kind) and kind != "image/tiff") and not is_sound_or_film(kind)


def look_inside(
    file: BinaryIO,
    markings: Mapping[str, Label | None] | None = None,
    limits: Limits = _DEFAULT,
    clock: Callable[[], float] = time.monotonic,
) -> Finding:
    """Reads a file that can be read at any place, within limits.

    Whatever it cannot read is in the finding: it never raises because of what stands in the file.
    """
    budget = Budget(limits, clock)
    marks = Marks(budget, markings)
    try:
        _look(file, marks, budget, 0)
    except Unreadable as error:
        marks.miss(error.reason)
    except MemoryError:
        marks.miss(Reason.TOO_LARGE)
    except RecursionError:
        marks.miss(Reason.BROKEN)
    return marks.finding()


def plain_text(
    file: BinaryIO, most: int, limits: Limits = _DEFAULT, clock: Callable[[], float] = time.monotonic
) -> str:
    """The first `most` characters of what stands in a file; of one that is encrypted, or of no known kind, nothing.

    What could be read of a file that is damaged, too large or too slow is given; it never raises because of the file.
    """
    budget = Budget(limits, clock)
    texts = Texts(budget, most)
    with contextlib.suppress(Unreadable, MemoryError, RecursionError):
        _look(file, texts, budget, 0)
    return texts.text


def _look(file: BinaryIO, marks: Marks, budget: Budget, depth: int) -> None:
    budget.check_time()
    if depth > budget.limits.depth:
        raise Unreadable(Reason.TOO_LARGE)
    head = file.read(HEAD)
    file.seek(0)
    kind = sniff(head)

    def inside(data: bytes) -> None:
        try:
            _look(io.BytesIO(data), marks, budget, depth + 1)
        except Unreadable as error:
            if error.reason is Reason.TOO_SLOW:
                raise
            marks.miss(error.reason)

    if "zip" not in kind and not kind.startswith("application/vnd.") and ends_as_archive(file):
        raise Unreadable(Reason.TWO_KINDS)
    if not is_read(kind):
        if b"%PDF-" in head:
            raise Unreadable(Reason.TWO_KINDS)
    elif kind in _READERS:
        _READERS[kind](file, marks, budget, inside)
    elif kind.startswith("application/vnd.oasis.opendocument."):
        read_open_document(file, marks, budget, inside)
    elif kind == _OLE and _ENCRYPTED_PACKAGE in file.read(_OLE_HEAD):
        raise Unreadable(Reason.ENCRYPTED)
    elif head:
        raise Unreadable(Reason.UNKNOWN_TYPE)


def _read_text(file: BinaryIO, marks: Marks, budget: Budget, _inside: Callable[[bytes], None]) -> None:
    read_text(file, marks, budget)


def _read_archive(file: BinaryIO, marks: Marks, budget: Budget, inside: Callable[[bytes], None]) -> None:
    archive = Archive(file, budget)
    if any(name.lower() == "[content_types].xml" for name in archive.names):
        read_office(file, marks, budget, inside)
        return
    for name in archive.names:
        try:
            with archive.open(name) as entry:
                data = entry.read_all()
        except Unreadable as error:
            if error.reason in (Reason.TOO_LARGE, Reason.TOO_SLOW):
                raise
            marks.miss(error.reason)
            continue
        inside(data)


_READERS: Final = {
    "application/pdf": read_pdf,
    "application/vnd.openxmlformats": read_office,
    "application/zip": _read_archive,
    "text/plain": _read_text,
}
