"""Reads PDF: every page's text, comments, form fields, properties, bookmarks, and the files within."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import pypdf
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from belisha.inside.finding import Budget, Reason, Unreadable
from belisha.inside.marks import Marks
from belisha.inside.visitors import Properties
from belisha.inside.xml import visit

_LOGGER: Final = logging.getLogger("pypdf")
# It tells of every oddity of a file, with parts of its content.
_LOGGER.propagate = False


class _Complaints(logging.Handler):
    """What pypdf passes over it only logs: text in a form that it could not read, among others."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.is_incomplete = False

    def emit(self, record: logging.LogRecord) -> None:
        self.is_incomplete = self.is_incomplete or record.getMessage().startswith(("Impossible to decode", "Error "))


#: What reading a broken file raises; pypdf checks little of what it is given.
_FAILURES: Final = (
    PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, OSError, ArithmeticError,
    RecursionError, NotImplementedError, LookupError, StopIteration,
)  # fmt: skip
#: How many lines at each end of a page may be header or footer.
_EDGE: Final = 3
#: Bookmarks, comments and fields beyond these are not looked at.
_MOST: Final = 20_000
_DEEP: Final = 20


def read_pdf(file: BinaryIO, marks: Marks, budget: Budget, inside: Callable[[bytes], None]) -> None:
    """Reads a PDF file; `inside` is given each file that is attached to it.

    Raises:
        Unreadable: where it is encrypted or too long, or nothing of it can be read.
    """
    try:
        reader = pypdf.PdfReader(file, strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable(Reason.ENCRYPTED)
        count = len(reader.pages) if _count(reader) <= budget.limits.pages else budget.limits.pages + 1
    except _FAILURES:
        raise Unreadable(Reason.BROKEN) from None
    budget.check_time()
    if count > budget.limits.pages:
        raise Unreadable(Reason.TOO_LARGE)
    if count == 0:
        raise Unreadable(Reason.BROKEN)
    complaints = _Complaints()
    _LOGGER.addHandler(complaints)
    try:
        for part in (_properties, _outline, _fields, _pages):
            _tolerantly(marks, part, reader, marks, budget)
    finally:
        _LOGGER.removeHandler(complaints)
        if complaints.is_incomplete:
            marks.miss(Reason.BROKEN)
    _tolerantly(marks, _attachments, reader, marks, budget, inside)


def _tolerantly(marks: Marks, part: Callable[..., None], *arguments: Any) -> None:
    """Reads a part; where it is damaged that is noted, and the others are read all the same."""
    try:
        part(*arguments)
    except _FAILURES:
        marks.miss(Reason.BROKEN)


def _count(reader: pypdf.PdfReader) -> int:
    """How many pages the file says it has: looking at each takes long."""
    count = reader.root_object["/Pages"].get_object().get("/Count", 0)  # type: ignore[union-attr]
    return int(count)


def _pages(reader: pypdf.PdfReader, marks: Marks, budget: Budget) -> None:
    edges = []
    for page in reader.pages:
        budget.check_time()
        text = page.extract_text() or ""
        marks.lines(text)
        lines = [line for line in text.splitlines() if line.strip()]
        edges.append(lines[:_EDGE] + lines[-_EDGE:])
        if not lines and _has_pictures(page):
            marks.miss(Reason.PICTURES_ONLY)
        elif not text and _writes(page):
            marks.miss(Reason.BROKEN)  # pypdf found no font, say, where a viewer helps itself
        for note in islice(_resolved(page.get("/Annots", ())), _MOST):
            budget.check_time()
            if isinstance(note, DictionaryObject):
                for key in ("/Contents", "/Subj", "/T"):
                    marks.paragraph(_text(note.get(key)))
    marks.repeated(edges)


def _has_pictures(page: pypdf.PageObject) -> bool:
    resources = page.get("/Resources", {}).get_object() if "/Resources" in page else {}
    objects = resources.get("/XObject", {})
    objects = objects.get_object() if hasattr(objects, "get_object") else objects
    if any(each.get_object().get("/Subtype") in ("/Image", "/Form") for each in islice(objects.values(), _MOST)):
        return True
    return b"BI" in _contents(page)


def _writes(page: pypdf.PageObject) -> bool:
    """Whether a page has commands that show text (ISO 32000-2, 9.4.3)."""
    data = _contents(page)
    return b"Tj" in data or b"TJ" in data


def _contents(page: pypdf.PageObject) -> bytes:
    contents = page.get_contents()
    return b"" if contents is None else contents.get_data()


def _properties(reader: pypdf.PdfReader, marks: Marks, budget: Budget) -> None:
    info: Any = reader.trailer.get("/Info")
    info = info.get_object() if isinstance(info, IndirectObject) else info
    for key, value in (info or {}).items():
        marks.named(str(key).lstrip("/"), _text(value))
    metadata = reader.root_object.get("/Metadata")
    metadata = metadata.get_object() if metadata is not None else None
    if isinstance(metadata, StreamObject):
        data = metadata.get_data()
        budget.unpack(len(data))
        try:
            visit(io.BytesIO(data.strip(b"\x00 \r\n")).read, Properties(marks))
        except Unreadable:
            marks.lines(data.decode("utf-8", "replace"))


def _outline(reader: pypdf.PdfReader, marks: Marks, budget: Budget) -> None:
    def read(entries: list[Any]) -> None:
        for entry in entries:
            budget.check_time()
            if isinstance(entry, list):
                read(entry)
            else:
                marks.title(_text(entry.get("/Title")))

    if "/Outlines" in reader.root_object:
        read(reader.outline)


def _fields(reader: pypdf.PdfReader, marks: Marks, budget: Budget) -> None:
    if "/AcroForm" not in reader.root_object:
        return
    for name, field in islice((reader.get_fields() or {}).items(), _MOST):
        budget.check_time()
        marks.named(str(name), _text(field.get("/V")))


def _attachments(reader: pypdf.PdfReader, marks: Marks, budget: Budget, inside: Callable[[bytes], None]) -> None:
    names = reader.root_object.get("/Names")
    tree = names.get_object().get("/EmbeddedFiles") if names is not None else None
    for specification in _specifications(tree, 0):
        files = specification.get("/EF")
        if files is None:
            continue
        stream = files.get_object().get("/F") or files.get_object().get("/UF")
        data = stream.get_object().get_data()
        budget.unpack(len(data))
        inside(data)


def _specifications(node: Any, depth: int) -> Iterator[DictionaryObject]:
    """The attached files of a name tree (ISO 32000-2, 7.9.6)."""
    if node is None:
        return
    node = node.get_object()
    if depth > _DEEP:
        raise Unreadable(Reason.TOO_LARGE)
    for child in _resolved(node.get("/Kids", ())):
        yield from _specifications(child, depth + 1)
    for value in _resolved(node.get("/Names", ())):
        if isinstance(value, DictionaryObject):
            yield value


def _resolved(values: Any) -> Iterator[Any]:
    values = values.get_object() if hasattr(values, "get_object") else values
    if isinstance(values, ArrayObject):
        for value in values:
            yield value.get_object() if hasattr(value, "get_object") else value


def _text(value: Any) -> str:
    value = value.get_object() if hasattr(value, "get_object") else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
