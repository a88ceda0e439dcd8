"""Reads office documents: OOXML (DOCX, XLSX, PPTX; ECMA-376) and OpenDocument (ODT, ODS, ODP; ODF 1.3).

Every part is read but those that show nothing: styles, themes, settings, building blocks, and layouts of slides that no
slide uses.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final

from belisha.inside.archive import Archive
from belisha.inside.finding import Budget, Reason, Unreadable
from belisha.inside.marks import Marks
from belisha.inside.visitors import Paragraphs, Properties
from belisha.inside.xml import visit

_NOT_SHOWN: Final = re.compile(
    r"_rels/|(?:^|/)(?:styles|stylesWithEffects|settings|webSettings|fontTable|numbering|theme\d*|presProps|viewProps|"
    r"tableStyles|themeOverride\d*|calcChain|colors\d*|style\d+)\.xml$|(?:^|/)(?:glossary|theme|handoutMasters|notesMasters)/"
)
_SLIDE: Final = re.compile(r"ppt/slides/[^/]+\.xml")
_LAYOUT: Final = re.compile(r"ppt/slide(?:Layouts|Masters)/[^/]+\.xml")
_PROPERTIES: Final = re.compile(r"docProps/|customXml/|docMetadata/|meta\.xml$")
_DOCUMENT: Final = re.compile(
    r"(?:^|/)embeddings/|\.(?:docx|xlsx|pptx|doc|xls|ppt|odt|ods|odp|pdf|txt|html?|mht|rtf)$", re.IGNORECASE
)


def read_office(file: BinaryIO, marks: Marks, budget: Budget, inside: Callable[[bytes], None]) -> None:
    """Reads a document of OOXML; `inside` is given each file that is embedded.

    Raises:
        Unreadable: where it is no such document, or too large.
    """
    archive = Archive(file, budget)
    names = archive.names
    if not any(re.fullmatch(r"\[Content_Types\]\.xml", name, re.IGNORECASE) for name in names):
        raise Unreadable(Reason.BROKEN)
    if any(name.endswith(("workbook.bin", ".mht", ".mhtml")) for name in names):
        marks.miss(Reason.UNKNOWN_TYPE)
    used = _used_layouts(archive)
    seen: list[Paragraphs] = []
    for name in names:
        if _DOCUMENT.search(name):
            _tolerantly(marks, _embedded, archive, name, inside)
        elif _is_shown(name, used):
            if _PROPERTIES.search(name):
                _tolerantly(marks, _part, archive, name, Properties(marks))
                continue
            part = Paragraphs(marks)
            _tolerantly(marks, _part, archive, name, part)
            if _SLIDE.fullmatch(name):
                part.check_pictures()
            else:
                seen.append(part)
    if not any(part.has_text for part in seen) and any(part.has_picture for part in seen):
        marks.miss(Reason.PICTURES_ONLY)


def read_open_document(file: BinaryIO, marks: Marks, budget: Budget, inside: Callable[[bytes], None]) -> None:
    """Reads an OpenDocument file; `inside` is given each file that is embedded.

    Raises:
        Unreadable: where it is no such document, encrypted, or too large.
    """
    archive = Archive(file, budget)
    names = archive.names
    if "content.xml" not in names:
        raise Unreadable(Reason.BROKEN)
    if "META-INF/manifest.xml" in names:
        manifest = Paragraphs(marks, is_open_document=True)
        # The manifest of some programs names its document type, which is refused; such a one is no secret.
        _tolerantly(marks, _part, archive, "META-INF/manifest.xml", manifest)
        if manifest.is_encrypted:
            raise Unreadable(Reason.ENCRYPTED)
    with archive.open("mimetype") as entry:
        is_slides = b"presentation" in entry.read_all()
    for name in names:
        if _DOCUMENT.search(name):
            _tolerantly(marks, _embedded, archive, name, inside)
        elif posixpath.basename(name) == "meta.xml":
            _tolerantly(marks, _part, archive, name, Properties(marks))
        elif posixpath.basename(name) in ("content.xml", "styles.xml"):
            per_slide = is_slides and name == "content.xml"
            part = Paragraphs(marks, is_open_document=True, per_slide=per_slide)
            _tolerantly(marks, _part, archive, name, part)
            if name == "content.xml" and not is_slides:
                part.check_pictures()


def _is_shown(name: str, used_layouts: set[str]) -> bool:
    """Whether an entry of an OOXML document has something that is shown."""
    if not name.endswith((".xml", ".vml")) or _NOT_SHOWN.search(name) is not None:
        return False
    return _LAYOUT.fullmatch(name) is None or name in used_layouts


def _tolerantly(marks: Marks, read: Callable[..., None], *arguments: object) -> None:
    """Reads a part; where it cannot be read that is noted, and the others are read all the same."""
    try:
        read(*arguments)
    except Unreadable as error:
        if error.reason in (Reason.TOO_LARGE, Reason.TOO_SLOW):
            raise
        marks.miss(error.reason)


def _part(archive: Archive, name: str, visitor: Paragraphs | Properties) -> None:
    with archive.open(name) as entry:
        visit(entry.read, visitor)


def _embedded(archive: Archive, name: str, inside: Callable[[bytes], None]) -> None:
    with archive.open(name) as entry:
        inside(entry.read_all())


class _Targets:
    """The targets of a part's relationships."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship":
            self.found.append(attributes.get("Target", ""))

    def end(self, name: str) -> None:
        """Nothing ends here."""

    def text(self, text: str) -> None:
        """Relationships have no text."""


def _used_layouts(archive: Archive) -> set[str]:
    """The layouts and masters that a slide uses."""
    names = set(archive.names)
    used: set[str] = set()
    waiting = [name for name in names if _SLIDE.fullmatch(name)]
    while waiting:
        name = waiting.pop()
        folder, base = posixpath.split(name)
        relations = f"{folder}/_rels/{base}.rels"
        if relations not in names:
            continue
        targets = _Targets()
        with archive.open(relations) as entry:
            visit(entry.read, targets)
        for target in targets.found:
            path = posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))
            # A master names all its layouts; the slides name those that they use.
            is_wanted = "slideMasters" in path or (_SLIDE.fullmatch(name) and _LAYOUT.fullmatch(path))
            if is_wanted and path not in used:
                used.add(path)
                waiting.append(path)
    return used
