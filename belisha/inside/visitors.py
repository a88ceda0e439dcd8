"""What of XML is shown: the paragraphs of office documents, and the properties of documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from belisha.inside.finding import Reason
from belisha.inside.marks import Marks

#: Elements whose text is a text of its own: paragraphs, cells, comments, values of charts.
_BLOCKS: Final = frozenset({"p", "h", "si", "is", "text", "v", "header-decl", "footer-decl"})
#: Headers and footers as elements: of a sheet, of a page of OpenDocument.
_SHEET_FURNITURE: Final = frozenset(
    f"{page}{place}" for page in ("odd", "even", "first") for place in ("Header", "Footer")
)
_PAGE_FURNITURE: Final = frozenset(
    {"hdr", "ftr", "header-decl", "footer-decl"}
    | {f"{place}{page}" for place in ("header", "footer") for page in ("", "-left", "-first")}
)
#: Where characters of OOXML are shown; in OpenDocument all are.
_SHOWN: Final = frozenset({"t", "delText", "text", "v"}) | _SHEET_FURNITURE
_BREAKS: Final = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "line-break": "\n", "noBreakHyphen": "-", "s": " "}
_PICTURES: Final = frozenset({"blip", "imagedata", "image"})
#: Attributes that are shown: a watermark of Word, what stands for a picture, the name of a sheet.
_WATERMARK: Final = ("textpath", "string")
_TITLES: Final = (
    ("docPr", "descr"),
    ("docPr", "title"),
    ("cNvPr", "descr"),
    ("cNvPr", "title"),
    ("sheet", "name"),
    ("table", "name"),
)
#: What stands for a picture or a drawing in OpenDocument.
_DESCRIPTIONS: Final = frozenset({"desc", "title"})
_SHEET_CODES: Final = re.compile(r"&(?:\"[^\"]{0,99}\"|K[0-9A-Fa-f]{6}|\d{1,3}|[A-Za-z&])")
_SPACE: Final = re.compile(r"\s+")
_NEW_PLACE: Final = re.compile(r"&[LCR]")


class Properties:
    """Gives the marks each property of a document, with its name (also XMP, and what custom XML holds)."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._texts: list[list[str]] = []
        self._property = ""
        self._keyword = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._texts.append([])
        self._property = attributes.get("name", self._property)
        for attribute, value in attributes.items():
            self._marks.named(f"{name} {attribute}", value)

    def text(self, text: str) -> None:
        """Text within the innermost element."""
        if self._texts:
            self._texts[-1].append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        value = "".join(self._texts.pop()).strip()
        self._marks.named(f"{name} {self._property}", value)
        if name == "keyword":  # LibreOffice makes two of “TLP:AMBER”
            if self._keyword.upper() == "TLP":
                self._marks.named("TLP", value)
            self._keyword = value
        if name in ("property", "user-defined"):
            self._property = ""


class Paragraphs:
    """Gives the marks each text of one XML part, as it is shown."""

    def __init__(self, marks: Marks, *, is_open_document: bool = False, per_slide: bool = False) -> None:
        self._marks = marks
        self._takes_all = is_open_document
        self._per_slide = per_slide
        self._blocks: list[list[str]] = []
        self._names: list[str] = []
        self._furniture = 0
        self._is_placeholder = False
        self._cell = ""
        self.has_text = False
        self.has_picture = False
        self.is_encrypted = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._names.append(name)
        if name in _PAGE_FURNITURE:
            self._furniture += 1
        if name in _BLOCKS or name in _SHEET_FURNITURE or (self._takes_all and name in _DESCRIPTIONS):
            self._blocks.append([])
        elif name in _BREAKS and self._blocks:
            self._blocks[-1].append(_BREAKS[name] * (_small(attributes.get("c", "1")) if name == "s" else 1))
        elif name == "page" and self._per_slide:
            self.has_text = self.has_picture = False
        else:
            self._note(name, attributes)
        for element, attribute in _TITLES:
            if name == element and attribute in attributes:
                self._marks.title(attributes[attribute])

    def _note(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in _PICTURES:
            self.has_picture = True
        elif name == "c":
            self._cell = attributes.get("t", "n")
        elif name == "ph":
            self._is_placeholder = attributes.get("type") in ("ftr", "hdr", "dt", "sldNum")
        elif name == "encryption-data":
            self.is_encrypted = True
        elif name == _WATERMARK[0]:
            self._marks.anywhere(attributes.get(_WATERMARK[1], ""))

    def text(self, text: str) -> None:
        """Text within the innermost element."""
        if self._blocks and self._takes_all:
            self._blocks[-1].append(_SPACE.sub(" ", text))
        elif self._blocks and self._names[-1] in _SHOWN:
            self._blocks[-1].append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        self._names.pop()
        if name in _SHEET_FURNITURE:
            text = _NEW_PLACE.sub("\n", "".join(self._blocks.pop()))
            self._marks.anywhere(_SHEET_CODES.sub("", text))
        elif name in _BLOCKS:
            self._read("".join(self._blocks.pop()), name)
        elif self._takes_all and name in _DESCRIPTIONS:
            self._marks.title("".join(self._blocks.pop()))
        elif name == "sp":
            self._is_placeholder = False
        elif name == "c":
            self._cell = ""
        elif name == "page" and self._per_slide:
            self.check_pictures()
        if name in _PAGE_FURNITURE:
            self._furniture -= 1

    def _read(self, text: str, name: str) -> None:
        if not text or (name == "v" and self._cell not in ("", "str")):
            return
        is_first = not self.has_text
        self.has_text = self.has_text or any(map(str.isalnum, text))
        if self._furniture or self._is_placeholder:
            self._marks.anywhere(text)
        elif is_first:
            self._marks.title(text)
        else:
            self._marks.paragraph(text)

    def check_pictures(self) -> None:
        """Notes where there was nothing but pictures."""
        if self.has_picture and not self.has_text:
            self._marks.miss(Reason.PICTURES_ONLY)


def _small(number: str) -> int:
    return min(int(number), 99) if number.isascii() and number.isdigit() and len(number) < 9 else 1
