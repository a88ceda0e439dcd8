"""What a file is, by its first bytes and not by what its sender says of it (`media` in a group's policy)."""

from __future__ import annotations

import re
from typing import Final

#: How many of a file's first bytes are looked at.
HEAD: Final = 4096

UNKNOWN: Final = "application/octet-stream"
_TEXT: Final = "text/plain"
_ZIP: Final = b"PK\x03\x04"

#: Where a file of that type begins; the first that fits counts.
_MAGIC: Final[tuple[tuple[str, re.Pattern[bytes]], ...]] = tuple(
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("image/png", rb"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", rb"\xff\xd8\xff"),
        ("image/gif", rb"GIF8[79]a"),
        ("image/webp", rb"RIFF....WEBP"),
        ("image/tiff", rb"(?:II\*\0|MM\0\*)"),
        ("image/avif", rb"....ftypavi[fs]"),
        ("image/heic", rb"....ftyp(?:hei[cfx]|hev[cx]|mif1|msf1)"),
        ("audio/wav", rb"RIFF....WAVE"),
        ("video/x-msvideo", rb"RIFF....AVI "),
        ("audio/mp4", rb"....ftypM4A "),
        ("video/mp4", rb"....ftyp(?:isom|iso\d|mp4\d|avc1|M4V |MSNV|dash|3gp\d|qt  )"),
        ("video/webm", rb"\x1aE\xdf\xa3"),
        ("audio/ogg", rb"OggS\0"),
        ("audio/flac", rb"fLaC\0"),
        ("audio/mpeg", rb"(?:ID3[\x02-\x04]\0|\xff[\xf2\xf3\xfa\xfb])"),
        ("application/rtf", rb"\{\\rtf"),
        ("application/x-ole-storage", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("application/pdf", rb".{0,1019}%PDF-"),
    )
)
#: A document in a ZIP archive says what it is in the name, or the content, of its first entry (ODF 1.3 part 2, 3.3).
_OPEN_DOCUMENT: Final = re.compile(
    rb"PK\x03\x04.{26}mimetype(application/vnd\.oasis\.opendocument\.[a-z-]{1,40})", re.DOTALL
)
_OFFICE: Final = re.compile(
    rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|docProps/|word/|xl/|ppt/|customXml/)", re.DOTALL
)
#: Text that a browser would run, or draw as a page or picture.
_ACTIVE: Final = re.compile(
    # Possessive: a comment that is read is not read again in another way, of which there are 2^n.
    r"\s*<(?:!doctype\s+html|html|head|body|script|svg|\?xml[^>]*>\s*(?:<!--.*?-->\s*)*+<svg)",
    re.IGNORECASE | re.DOTALL,
)
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BYTE_ORDER_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

_PICTURES: Final = tuple(name for name, _ in _MAGIC if name.startswith("image/"))


def sniff(head: bytes) -> str:
    """The media type that the first `HEAD` bytes of a file show; `application/octet-stream` for all others."""
    for name, pattern in _MAGIC:
        if pattern.match(head):
            return name
    if head.startswith(_ZIP):
        found = _OPEN_DOCUMENT.match(head)
        if found is not None:
            return found[1].decode("ascii")
        return "application/vnd.openxmlformats" if _OFFICE.match(head) else "application/zip"
    text = _text_of(head)
    if text is None:
        return UNKNOWN
    return "text/html" if _ACTIVE.match(text) else _TEXT


def is_picture(kind: str) -> bool:
    """Whether that is a still picture."""
    return kind in _PICTURES


def is_sound_or_film(kind: str) -> bool:
    """Whether that is sound or moving pictures."""
    return kind.startswith(("audio/", "video/"))


def is_document(kind: str) -> bool:
    """Whether that is a document: text, PDF, an office format, or a still picture."""
    if is_sound_or_film(kind):
        return False
    return is_picture(kind) or kind not in (UNKNOWN, "text/html", "application/zip")


def _text_of(head: bytes) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return _decoded(head[len(mark) :], encoding)
    return _decoded(head, "utf-8") or _decoded(head, "cp1252")


def _decoded(head: bytes, encoding: str) -> str | None:
    """The text of the bytes, whose last character may have been cut in two; None where they are no text."""
    for cut in range(4 if len(head) >= HEAD - 4 else 1):
        try:
            text = head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _NOT_TEXT.search(text) else text
    return None
