"""Reads text: plain, Markdown, CSV, and JSON with what STIX 2.1 and MISP say of labels."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from belisha.inside.finding import Budget, Reason, Unreadable
from belisha.inside.marks import Marks
from belisha.tlp import Label, from_misp, from_stix

_ENCODINGS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_COLUMN: Final = re.compile(r"(?:tlp|label|marking|classification|distribution)(?:[ _-]?(?:tlp|label|marking))?")
_DELIMITERS: Final = ",;\t|"
#: How many fields of one line are looked at.
_FIELDS: Final = 1000
#: The extension by which STIX 2.1 carries TLP 2.0 (OASIS cti-stix-common-objects), and the former ways.
_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_MARKING: Final = "marking-definition"
_TAGS: Final = frozenset({"Tag", "Tags", "tag", "tags", "EventTag", "AttributeTag"})
_TLP_KEYS: Final = frozenset({"tlp", "tlp_label", "tlp_level", "tlp_marking", "x_tlp"})


def read_text(file: BinaryIO, marks: Marks, budget: Budget) -> None:
    """Reads a text, whatever is written in it.

    Raises:
        Unreadable: where it is none, or too long.
    """
    data = file.read(budget.limits.unpacked + 1)
    budget.unpack(len(data))
    text = _decoded(data)
    if text.lstrip()[:1] in ("{", "["):
        _read_json(text, marks, budget)
        return
    marks.lines(text)
    _read_columns(text, marks, budget)


def _decoded(data: bytes) -> str:
    for mark, encoding in _ENCODINGS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                raise Unreadable(Reason.BROKEN) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


# --- Tables --------------------------------------------------------------------------------------------------------


def _read_columns(text: str, marks: Marks, budget: Budget) -> None:
    """Reads the column of a table that is called TLP: it says a mere colour."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) < 2:
        return
    for delimiter in _DELIMITERS:
        names = [name.strip(" \t\"'").casefold() for name in lines[0].split(delimiter)]
        columns = [number for number, name in enumerate(names) if _COLUMN.fullmatch(name)]
        if len(names) < 2 or not columns:
            continue
        budget.read(len(text))
        try:
            for row in csv.reader(lines[1:], delimiter=delimiter):
                for number in columns:
                    value = row[number].strip() if number < len(row) else ""
                    if "tlp" in names[number]:
                        marks.bare(value)
                    else:
                        marks.anywhere(value)
        except csv.Error:
            marks.miss(Reason.BROKEN)


# --- JSON ----------------------------------------------------------------------------------------------------------


def _read_json(text: str, marks: Marks, budget: Budget) -> None:
    try:
        documents = _parsed(text)
    except (ValueError, RecursionError):
        marks.lines(text)
        marks.miss(Reason.BROKEN)
        return
    budget.check_time()
    stix = _Stix()
    for document in documents:
        _walk(document, marks, budget, stix)
    marks.add(stix.label)


def _parsed(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        # One document a line.
        return [json.loads(line) for line in text.splitlines() if line.strip()]


class _Stix:
    """What a bundle of STIX says: its marking definitions, and which of them objects name."""

    def __init__(self) -> None:
        self._defined: dict[str, Label] = {}
        self._named: set[str] = set()

    def define(self, marking: dict[str, Any]) -> bool:
        """Takes a marking definition; False where it is one of another scheme."""
        extensions = marking.get("extensions")
        extension = extensions.get(_EXTENSION) if isinstance(extensions, dict) else None
        definition = marking.get("definition")
        values = (
            extension.get("tlp_2_0") if isinstance(extension, dict) else None,
            definition.get("tlp") if isinstance(definition, dict) else None,
            str(marking.get("name", ""))[4:] if str(marking.get("name", ""))[:4].upper() == "TLP:" else None,
        )
        labels = [label for value in values if isinstance(value, str) and (label := Label.parse(f"TLP:{value}"))]
        labels += [Label.CLEAR for value in values if isinstance(value, str) and value.lower() in ("clear", "white")]
        known = from_stix(str(marking.get("id")))
        if known is not None:
            labels.append(known)
        if labels:
            self._defined[str(marking.get("id"))] = max(labels)
        return bool(labels)

    def name(self, reference: object) -> None:
        """Takes what an object names as its marking."""
        if isinstance(reference, str):
            self._named.add(reference)

    @property
    def label(self) -> Label | None:
        """The strictest label that an object has; where none has one, the strictest that is defined."""
        named = [label for name in self._named if (label := self._defined.get(name, from_stix(name))) is not None]
        return max(named or self._defined.values(), default=None)


def _walk(document: Any, marks: Marks, budget: Budget, stix: _Stix) -> None:
    waiting = [document]
    while waiting:
        budget.check_time()
        value = waiting.pop()
        if isinstance(value, str):
            marks.paragraph(value)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if value.get("type") == _MARKING:
                if not stix.define(value):
                    waiting += [value.get("name"), value.get("definition")]
                continue
            for key, inner in value.items():
                _look_at(key, inner, marks, stix)
                waiting.append(inner)


def _look_at(key: str, value: Any, marks: Marks, stix: _Stix) -> None:
    if key == "object_marking_refs" and isinstance(value, list):
        for reference in value:
            stix.name(reference)
    elif key == "marking_ref":
        stix.name(value)
    elif key in _TAGS:
        for tag in _tags(value):
            label = from_misp(tag)
            marks.add(label)
            if label is None and tag.lower().startswith("tlp:"):
                marks.miss(Reason.UNCLEAR)
    elif key.casefold().replace("-", "_") in _TLP_KEYS:
        marks.bare(value)


def _tags(value: Any) -> Iterator[str]:
    for tag in value if isinstance(value, list) else [value]:
        inner = tag.get("Tag", tag) if isinstance(tag, dict) else tag
        name = inner.get("name") if isinstance(inner, dict) else inner
        if isinstance(name, str):
            yield name.strip()
