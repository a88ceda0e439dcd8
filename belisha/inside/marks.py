"""Where a marker counts in a document; the grammar of docs/members.md, "Files".

A document is no message: its marker stands in headers, footers and properties, on a line of its own, in a table, behind
"Classification:". A mention in running text is none, here as there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from belisha.inside.finding import Budget, Finding, Reason
from belisha.lookalikes import fold
from belisha.markers import resemblance
from belisha.tlp import Label

_LABELS: Final = {
    "RED": Label.RED,
    "AMBER+STRICT": Label.AMBER_STRICT,
    "AMBER": Label.AMBER,
    "GREEN": Label.GREEN,
    "CLEAR": Label.CLEAR,
    "WHITE": Label.CLEAR,
}
_WORD: Final = r"(?:RED|AMBER(?:[ \t]?[+_-][ \t]?STRICT|[ \t]STRICT)?|GREEN|CLEAR|WHITE)"
_SEPARATOR: Final = r"(?:[ \t]{0,2}[:_-][ \t]{0,2}|[ \t])"
_MARKER: Final = rf"(?<![A-Za-z0-9])TLP{_SEPARATOR}({_WORD})(?![A-Za-z0-9+]|[ \t]?[+_-][ \t]?STRICT)"
_ALMOST: Final = re.compile(r"(?<![A-Za-z0-9])TLP[ \t]?[:_-][ \t]?([^\W\d_]{2,16}(?:[ +_-]STRICT\w*)?)", re.IGNORECASE)
_BARE: Final = re.compile(rf"[\W_]*(?:TLP{_SEPARATOR})?({_WORD})[\W_]*", re.IGNORECASE)
#: A marker whose letters were set apart, or whose spaces were lost: only where it has its line for itself.
_COMPACT: Final = re.compile(r"TLP[:_-]?(RED|AMBER(?:[+_-]?STRICT)?|GREEN|CLEAR|WHITE)", re.IGNORECASE)
#: What separates as a bar does; and spaces of other widths.
_BARS: Final = str.maketrans({**dict.fromkeys("·•│¦║▪■●–—―→»«", "|"), **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\v\f", " ")})  # fmt: skip  # noqa: RUF001, E501 - dashes that people type

#: What may stand before a marker that stands apart: nothing but signs; a bar, a colon; a wide gap; a cell's end.
_APART_BEFORE: Final = re.compile(r"(?:[|:>#*][ \t]*|[ \t](?:-{1,2}|/)[ \t]+|[ \t]{2,}|\t|[,;]|[,;:][ \t]?[\"'])\Z")
_APART_AFTER: Final = re.compile(
    r"[\])}\"'*_]*(?:[ \t]*\.?[ \t]*\Z|[ \t]*[|<]|[ \t]+(?:-{1,2}|/)(?:[ \t]|\Z)|\t|[ \t]{2,}|[,;]\S|[;,]\Z)"
)
_IN_BRACKETS: Final = re.compile(r"[\[({]\Z")
_END_IN_BRACKETS: Final = re.compile(r"[\])}][ \t]*\Z")
#: Behind these words a label at the end of a title is only spoken of.
_OF: Final = re.compile(
    r"(?:^|\s)(?:a|about|an|and|are|as|at|by|for|from|in|is|like|of|on|or|than|that|the|this|to|under|with)[ \t]*\Z",
    re.IGNORECASE,
)
#: The last words of a sentence, where the line before ends with one of these: “… labels TLP:AMBER and / TLP:RED.”
_END_OF_A_SENTENCE: Final = re.compile(rf"[ \t]*{_MARKER}\.[ \t]*", re.IGNORECASE)
_ENDS_A_SENTENCE: Final = re.compile(r"[.!?:;|)\]}>*#=_-]\s*\Z")
#: The first letter or digit of a line.
_WRITTEN: Final = re.compile(r"[^\W_]")
#: How many characters around a marker, and near misses in a line, are looked at.
_NEAR: Final = 200
_NUMBERS: Final = re.compile(r"\d+|\b[ivxlc]+\b")
_KEYWORDS: Final = re.compile("keyword", re.IGNORECASE)
#: LibreOffice makes two keywords of “TLP:AMBER”.
_KEYWORD_IN_TWO: Final = re.compile(r"\bTLP[ \t]?[,;][ \t]?", re.IGNORECASE)
_LABELLING: Final = re.compile(r"tlp|label|classif|marking|sensitiv|protect", re.IGNORECASE)


class Marks:
    """Gathers what the texts of one file say of its label."""

    def __init__(self, budget: Budget, markings: Mapping[str, Label | None] | None = None) -> None:
        self._budget = budget
        self._markings = dict(markings or {})
        names = sorted(map(re.escape, self._markings), key=len, reverse=True)
        others = rf"|(?<![\w-])(?-i:({'|'.join(names)}))(?![\w-])" if names else ""
        self._marker = re.compile(_MARKER + others, re.IGNORECASE)
        self._hint = re.compile(
            "|".join(("t[ \t]{0,3}l[ \t]{0,3}p", *(f"(?-i:{name})" for name in names))), re.IGNORECASE
        )
        self.label: Label | None = None
        self.not_checked: Reason | None = None
        self.forbidden: str | None = None

    def finding(self) -> Finding:
        """What was found so far."""
        return Finding(self.label, self.not_checked, self.forbidden)

    def add(self, label: Label | None) -> None:
        """Counts a label; None counts nothing."""
        if label is not None and (self.label is None or label > self.label):
            self.label = label

    def miss(self, reason: Reason) -> None:
        """Notes that a part could not be read; the first reason stays."""
        self.not_checked = self.not_checked or reason

    # --- Texts of several kinds --------------------------------------------------------------------------------

    def anywhere(self, text: str) -> None:
        """Reads a header, footer or watermark: nobody writes about labels there, so each marker counts."""
        for line in self._lines(text):
            found = False
            for match in self._marker.finditer(line):
                self._count(match)
                found = True
            if not found:
                self._read_compact(line)
                self._read_almost(line, len(line))

    def paragraph(self, text: str) -> None:
        """Reads a paragraph, a cell or a comment: a marker counts at its start, and apart from what is around it."""
        lines = self._lines(text)
        for number, line in enumerate(lines):
            self._read_line(line, starts=number == 0, is_edge=False)

    def lines(self, text: str) -> None:
        """Reads text that was broken into lines, of one page or one file, in which a paragraph begins anywhere."""
        lines = self._lines(text)
        before = ""
        for number, line in enumerate(lines):
            if number % 1000 == 0:
                self._budget.check_time()
            starts = not before.strip() or _ENDS_A_SENTENCE.search(before[-_NEAR:]) is not None
            ends_one = _END_OF_A_SENTENCE.fullmatch(line) is not None and _OF.search(before[-_NEAR:]) is not None
            if not ends_one:
                self._read_line(line, starts=starts, is_edge=number in (0, len(lines) - 1))
            before = line

    def title(self, text: str) -> None:
        """Reads a title: a marker counts at its end, too."""
        for line in self._lines(text):
            self._read_line(line, starts=True, is_edge=True)

    def named(self, name: str, value: str) -> None:
        """Reads a property with its name: one that is about labels may say a mere colour, as in `TLP: AMBER`."""
        if _KEYWORDS.search(name) is not None:
            value = _KEYWORD_IN_TWO.sub("TLP:", value)
        if _LABELLING.search(name) is None:
            self.title(value)
            return
        self.anywhere(value)
        bare = _BARE.fullmatch(value.strip())
        if bare is not None:
            self.add(_label_of(bare[1]))

    def bare(self, value: object) -> None:
        """Reads a value that is a label whatever it says: `amber`, `TLP:AMBER`; other than that it is unclear."""
        if isinstance(value, str) and value.strip():
            found = _BARE.fullmatch(fold(value.strip()))
            if found is None:
                self.miss(Reason.UNCLEAR)
            else:
                self.add(_label_of(found[1]))

    def repeated(self, edges: Sequence[Sequence[str]]) -> None:
        """Reads the first and last lines of each page: what several pages have alike is a header or a footer."""
        seen: dict[str, str] = {}
        once: set[str] = set()
        for page in edges:
            for line in set(page):
                alike = _NUMBERS.sub("#", line.strip())
                if alike in once:
                    seen[alike] = line
                once.add(alike)
        for line in seen.values():
            self.anywhere(line)

    # --- One line ----------------------------------------------------------------------------------------------

    def _lines(self, text: str) -> list[str]:
        self._budget.read(len(text))
        if not text.isascii():
            text = fold(text.translate(_BARS))
        if self._hint.search(text) is None:
            return []
        return text.splitlines()

    def _read_line(self, line: str, *, starts: bool, is_edge: bool) -> None:
        if self._hint.search(line) is None:
            return
        first = _WRITTEN.search(line)
        is_found = False
        for match in self._marker.finditer(line):
            # One marker may follow the other; behind the first word, or the first label that is spoken of, none leads.
            leads = first is not None and match.start() <= first.start()
            if not _is_apart(line, match, starts=starts, leads=leads, is_edge=is_edge):
                continue
            first = _WRITTEN.search(line, match.end()) if leads else first
            self._count(match)
            is_found = True
        if not is_found:
            self._read_compact(line)
            self._read_almost(line, len(line) if first is None else first.start())

    def _count(self, match: re.Match[str]) -> None:
        if match[1] is not None:
            self.add(_label_of(match[1]))
            return
        label = self._markings[match[2]]
        if label is None:
            self.forbidden = self.forbidden or match[2]
        self.add(label)

    def _read_compact(self, line: str) -> None:
        if len(line) > _NEAR:
            return
        found = _COMPACT.fullmatch(re.sub(r"[ \t\[\](){}*|.]", "", line))
        if found is not None:
            word = found[1].upper()
            self.add(Label.AMBER_STRICT if "STRICT" in word else _LABELS[word])

    def _read_almost(self, line: str, until: int) -> None:
        """Looks for what is nearly a marker and stands where one would count, up to a place in the line."""
        for match in islice(_ALMOST.finditer(line, 0, until + _NEAR), _NEAR):
            is_there = match.start() <= until and self._marker.match(line, match.start()) is None
            if is_there and resemblance(match[1].upper())[0]:
                self.miss(Reason.UNCLEAR)


def _is_apart(line: str, match: re.Match[str], *, starts: bool, leads: bool, is_edge: bool) -> bool:
    """Whether a marker stands apart from what is around it; `leads`, nothing but signs stands before it."""
    start, end = match.span()
    before, after = line[max(0, start - _NEAR) : start], line[end : end + _NEAR]
    if leads:
        # At the start of a line within a sentence that was broken, it may be a part of that sentence.
        return starts or bool(before.strip(" \t")) or after[:1] == ":" or _APART_AFTER.match(after) is not None
    if _IN_BRACKETS.search(before) is not None:
        return _END_IN_BRACKETS.match(after) is not None
    if _APART_AFTER.match(after) is None:
        return False
    if _APART_BEFORE.search(before) is not None:
        return True
    return is_edge and not after.strip() and _OF.search(before) is None


def _label_of(word: str) -> Label:
    return _LABELS["AMBER+STRICT" if "STRICT" in word.upper() else word.upper()]
