"""Covers a file that cannot carry a label itself: an archive with a cover in front, and the original as it was.

The archive does not pack (ZIP, method 0), so the original's bytes stand in it in one piece and are never in memory.
"""

from __future__ import annotations

import struct
import textwrap
import zlib
from typing import BinaryIO, Final

from belisha.stamping.increment import Increment
from belisha.stamping.order import ENCODING, SENTENCES, Copy, Order, Unstampable, Unstamped
from belisha.stamping.strip import FONT, HEIGHT, Sheet, draw, number

ZIP: Final = "application/zip"
_PIECE: Final = 1024**2
#: More, an archive of this kind cannot say (APPNOTE 4.4.8); no upload is as large.
_LARGEST: Final = 2**32 - 2**20
#: The name of an entry is UTF-8 (APPNOTE 4.4.4, bit 11).
_UTF8: Final = 0x0800
#: 1 January 1980, which is the earliest that can be said; when the copy was made stands on its cover.
_DATE: Final = 0x0021
_A4: Final = Sheet(595.0, 842.0)


def cover(file: BinaryIO, order: Order, reason: Unstamped) -> Copy:
    """An archive of a cover and the file.

    Args:
        file: the original, which can be read at any place.
        order: what the cover is to say.
        reason: why the file itself carries no label.

    Raises:
        Unstampable: where the file is too large even for that.
    """
    size, sum_ = _sum_of(file)
    if size > _LARGEST:
        raise Unstampable(Unstamped.TOO_LARGE)
    # Of what was made as pages, the cover is one, too.
    ending, text = (".pdf", _page(order, reason)) if reason is Unstamped.SIGNED else (".txt", _text(order, reason))
    first = _Entry((order.file_label + ending).encode(), zlib.crc32(text), len(text), 0)
    before = first.head() + text
    second = _Entry(_other_name(order, ending).encode(), sum_, size, len(before))
    before += second.head()
    listed = first.listed() + second.listed()
    # APPNOTE 4.3.16: the end of the central directory.
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(listed), len(before) + size, 0)
    return Copy(before, True, listed + end, f"{order.file_label} {order.name}.zip", ZIP, reason)


class _Entry:
    """One file in the archive (APPNOTE 4.3.7 and 4.3.12)."""

    def __init__(self, name: bytes, sum_: int, size: int, at: int) -> None:
        self._name = name
        # Version 2.0, UTF-8, method 0, time, date, CRC-32, size packed and unpacked, the name's length, nothing extra.
        self._about = struct.pack("<5H3L2H", 20, _UTF8, 0, 0, _DATE, sum_, size, size, len(name), 0)
        self._at = at

    def head(self) -> bytes:
        return b"PK\3\4" + self._about + self._name

    def listed(self) -> bytes:
        return b"PK\1\2" + struct.pack("<H", 20) + self._about + struct.pack("<3H2L", 0, 0, 0, 0, self._at) + self._name


def _sum_of(file: BinaryIO) -> tuple[int, int]:
    """How many bytes a file has, and their CRC-32."""
    file.seek(0)
    size = sum_ = 0
    while piece := file.read(_PIECE):
        size += len(piece)
        sum_ = zlib.crc32(piece, sum_)
    return size, sum_


def _other_name(order: Order, ending: str) -> str:
    """The original's name, which is not the cover's on any file system."""
    name = order.name
    return f"original {name}" if name.casefold() == (order.file_label + ending).casefold() else name


def _paragraphs(order: Order, reason: Unstamped) -> list[str]:
    said = [
        f"The file “{order.name}” in this archive is labelled {order.label}.",
        f"It carries no label itself, since {SENTENCES[reason]}. The label holds all the same: please keep this cover "
        "with the file, and show the label wherever you use what stands in it.",
        "Only the source may loosen a label. Whoever wants to share it wider asks the source.",
    ]
    return [*said, f"{order.note}."] if order.note else said


def _text(order: Order, reason: Unstamped) -> bytes:
    """The cover as text, with the label in its first and its last line."""
    # The byte order mark has programs of Windows read it as UTF-8.
    return "\r\n\r\n".join([f"\ufeff{order.label}", *_paragraphs(order, reason), str(order.label), ""]).encode()


def _page(order: Order, reason: Unstamped) -> bytes:
    """The cover as one page of PDF, with the label in its header and its footer."""
    lines: list[str] = []
    for paragraph in _paragraphs(order, reason):
        lines += [*textwrap.wrap(paragraph, 70), ""]
    written = b"".join(b"<%b> '\n" % line.encode(ENCODING, "replace").hex().encode() for line in lines)
    top = number(_A4.height - 4 * HEIGHT)
    commands = b"BT /F 11 Tf 16 TL 60 %b Td\n%bET\n%b" % (top, written, draw(_A4, order))
    head = b"%PDF-1.4\n"
    made = Increment(len(head), 1)
    font = made.add(FONT)
    contents = made.add_stream(commands)
    box = b"%b %b" % (number(_A4.width), number(_A4.height))
    page = made.add(
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %b]/Resources<</Font<</F %d 0 R>>>>/Contents %d 0 R>>"
        % (contents + 2, box, font, contents)
    )
    pages = made.add(b"<</Type/Pages/Count 1/Kids[%d 0 R]>>" % page)
    root = made.add(b"<</Type/Catalog/Pages %d 0 R>>" % pages)
    return head + made.finish_alone(root)
