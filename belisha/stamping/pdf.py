"""Stamps a PDF by an incremental update (ISO 32000-2, 7.5.6): the original's bytes stand unchanged, more stand behind.

So nothing of the content can change, and memory does not grow with the file: of each page its dictionary is written
anew, grown by two strips, with a form drawn behind its own commands.
"""

from __future__ import annotations

import io
import logging
import re
from itertools import islice
from typing import Any, BinaryIO, Final

import pypdf
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, IndirectObject, NameObject, StreamObject

from belisha.stamping.balance import balance_of
from belisha.stamping.frame import Frame, resolved
from belisha.stamping.increment import Increment
from belisha.stamping.order import Order, Unstampable, Unstamped
from belisha.stamping.strip import FONT, Sheet, draw, number

#: What reading a broken file raises; pypdf checks little of what it is given.
_FAILURES: Final = (
    PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, OSError, ArithmeticError,
    RecursionError, NotImplementedError, LookupError, StopIteration,
)  # fmt: skip
#: Of one file.
PAGES: Final = 5_000
#: Of one page's commands, in bytes.
_COMMANDS: Final = 64 * 1024**2
_PIECE: Final = 1024**2
#: How many bytes at the end say where the table of objects is.
_TAIL: Final = 2048
_STARTXREF: Final = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF\s*\Z")
#: A signature says which bytes it is of, in the open (ISO 32000-2, 12.8.1).
_SIGNATURE: Final = b"/ByteRange"
_TABLE: Final = re.compile(rb"xref\s|\d{1,10}\s+\d{1,5}\s+obj")
_LOGGER: Final = logging.getLogger("pypdf")
# It tells of every oddity of a file, with parts of its content.
_LOGGER.propagate = False


class _Repairs(logging.Handler):
    """Notes where pypdf looked for objects that are not where the file says: an update would rest upon nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        text = str(record.msg).lower()
        self.count += any(word in text for word in ("repaired", " found", "not defined", "xref", "rebuil"))


def stamp_pdf(file: BinaryIO, order: Order) -> bytes:
    """What is to stand behind the file's bytes, so that each page shows the label.

    Args:
        file: the PDF, which can be read at any place.
        order: what each page is to show.

    Raises:
        Unstampable: where it is encrypted, signed, damaged or too large.
    """
    start, size = _start_of_table(file)
    if _is_signed(file):
        raise Unstampable(Unstamped.SIGNED)
    repairs = _Repairs()
    _LOGGER.addHandler(repairs)
    try:
        tail = _stamped(file, order, start, size)
    except _FAILURES:
        raise Unstampable(Unstamped.BROKEN) from None
    finally:
        _LOGGER.removeHandler(repairs)
    if repairs.count:
        raise Unstampable(Unstamped.BROKEN)
    return tail


def _stamped(file: BinaryIO, order: Order, start: int, size: int) -> bytes:
    file.seek(start)
    is_table = file.read(4) == b"xref"
    reader = pypdf.PdfReader(file, strict=False)
    if reader.is_encrypted:
        raise Unstampable(Unstamped.ENCRYPTED)
    if reader.root_object.get("/Perms") is not None:
        raise Unstampable(Unstamped.SIGNED)
    pages: Any = reader.root_object["/Pages"].get_object()
    if int(pages.get("/Count", 0)) > PAGES:
        raise Unstampable(Unstamped.TOO_LARGE)
    increment = Increment(size, _next_number(reader))
    stamper = _Stamper(reader, increment, order)
    count = 0
    for page in islice(reader.pages, PAGES + 1):
        count += 1
        if count > PAGES:
            raise Unstampable(Unstamped.TOO_LARGE)
        stamper.page(page)
    if count == 0:
        raise Unstampable(Unstamped.BROKEN)
    return increment.finish(reader.trailer, start, is_table=is_table)


class _Stamper:
    """Writes each page of a file anew; what pages have alike is written once."""

    def __init__(self, reader: pypdf.PdfReader, increment: Increment, order: Order) -> None:
        self._reader = reader
        self._increment = increment
        self._order = order
        self._font = increment.add(FONT)
        self._forms: dict[Sheet, int] = {}
        self._commands: dict[bytes, int] = {}
        self._done: set[tuple[int, int]] = set()

    def page(self, page: pypdf.PageObject) -> None:
        """Writes one page; a page that stands in the file twice, once."""
        reference = page.indirect_reference
        if reference is None:
            raise Unstampable(Unstamped.BROKEN)
        key = (reference.idnum, reference.generation)
        if key in self._done:
            return
        self._done.add(key)
        frame = Frame.of(page)
        resources, name = self._resources(page, self._form(frame.sheet))
        streams, commands = self._contents(page)
        balance = balance_of(commands)
        before = self._stream(b"q " * balance.before + b"\n")
        ends = (b"ET " if balance.is_text else b"") + b"EMC " * balance.marked + b"Q " * balance.behind
        matrix = b" ".join(number(value) for value in frame.matrix)
        behind = self._stream(b"\n%bq %b cm %b Do Q\n" % (ends, matrix, name.encode()))
        grown = DictionaryObject(page.items())
        grown[NameObject("/MediaBox")] = _box(frame.media)
        grown[NameObject("/CropBox")] = _box(frame.crop)
        grown[NameObject("/Resources")] = resources
        grown[NameObject("/Contents")] = ArrayObject([self._reference(before), *streams, self._reference(behind)])
        written = io.BytesIO()
        grown.write_to_stream(written)
        self._increment.replace(key, written.getvalue())

    def _resources(self, page: pypdf.PageObject, form: int) -> tuple[DictionaryObject, str]:
        """The page's resources with the form, and the form's name among them."""
        given = resolved(page.raw_get("/Resources")) if "/Resources" in page else None
        resources = DictionaryObject(given.items() if isinstance(given, DictionaryObject) else ())
        had = resolved(resources.raw_get("/XObject")) if "/XObject" in resources else None
        forms = DictionaryObject(had.items() if isinstance(had, DictionaryObject) else ())
        name = "/TLP"
        while name in forms:
            name += "x"
        forms[NameObject(name)] = self._reference(form)
        resources[NameObject("/XObject")] = forms
        return resources, name

    def _contents(self, page: pypdf.PageObject) -> tuple[list[IndirectObject], bytes]:
        """References of the streams with the page's commands, and these as a reader puts them together."""
        raw = page.raw_get("/Contents") if "/Contents" in page else None
        inner = resolved(raw)
        references = list(inner) if isinstance(inner, ArrayObject) else [raw]
        kept, texts, size = [], [], 0
        for reference in references:
            stream = resolved(reference)
            if not isinstance(stream, StreamObject):
                continue  # readers pass over what is none
            if not isinstance(reference, IndirectObject):
                raise Unstampable(Unstamped.BROKEN)
            data = stream.get_data()
            size += len(data)
            if size > _COMMANDS:
                raise Unstampable(Unstamped.TOO_LARGE)
            kept.append(reference)
            texts.append(data)
            # pypdf keeps what it has read: memory would grow with the file.
            self._reader.resolved_objects.pop((reference.generation, reference.idnum), None)
        return kept, b"\n".join(texts)

    def _form(self, sheet: Sheet) -> int:
        if sheet not in self._forms:
            box = b"[0 0 %b %b]" % (number(sheet.width), number(sheet.height))
            about = b"/Type/XObject/Subtype/Form/BBox%b/Resources<</Font<</F %d 0 R>>>>" % (box, self._font)
            self._forms[sheet] = self._increment.add_stream(draw(sheet, self._order), about)
        return self._forms[sheet]

    def _stream(self, commands: bytes) -> int:
        if commands not in self._commands:
            self._commands[commands] = self._increment.add_stream(commands)
        return self._commands[commands]

    def _reference(self, of: int) -> IndirectObject:
        return IndirectObject(of, 0, self._reader)


def _box(corners: tuple[float, ...]) -> ArrayObject:
    return ArrayObject(FloatObject(number(corner).decode()) for corner in corners)


def _start_of_table(file: BinaryIO) -> tuple[int, int]:
    """Where the file's last table of objects begins, and the file's size.

    Raises:
        Unstampable: where that is not written, or nothing of the kind is there: an update would rest upon nothing.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    is_pdf = file.read(5) == b"%PDF-"
    file.seek(max(0, size - _TAIL))
    found = _STARTXREF.search(file.read())
    start = int(found[1]) if found else size
    file.seek(min(start, size))
    if not is_pdf or not _TABLE.match(file.read(64)):
        raise Unstampable(Unstamped.BROKEN)
    return start, size


def _is_signed(file: BinaryIO) -> bool:
    file.seek(0)
    kept = b""
    while piece := file.read(_PIECE):
        if _SIGNATURE in kept + piece:
            return True
        kept = piece[-len(_SIGNATURE) :]
    return False


def _next_number(reader: pypdf.PdfReader) -> int:
    """The first number that no object has."""
    numbers = [number for entries in reader.xref.values() for number in entries]
    used: int = max((*numbers, *reader.xref_objStm, 0))
    return max(used + 1, int(resolved(reader.trailer.get("/Size", 0))))
