"""Reads TLP markers out of text that people write; the grammar of docs/members.md, "Writing a label".

A marker counts at the start of a text (behind white space, an opening bracket or an emoji) and as its last line.
What looks like a marker there and is none is an outcome with a sentence, never a guess.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from belisha.lookalikes import INVISIBLE, fold
from belisha.tlp import ALL_LABELS, Label


class Reading(NamedTuple):
    """What a text says of its label: at most one of `label` and `problem` (a sentence for its writer) is set.

    `barred` says of a problem that the text has no place on this platform, whatever label was meant.
    """

    label: Label | None = None
    problem: str | None = None
    barred: bool = False


NOTHING: Final = Reading()

# What stands behind a right-to-left override is shown the other way round.
_REVERSED: Final = re.compile("\u202e([^\u202c\u2029\n\r]*)")

# How far into a text a marker's own characters may reach, once what stands before it is passed over.
_REACH: Final = 120

_WORD: Final = r"(?:RED|AMBER(?:[+ -]STRICT)?|GREEN|CLEAR|WHITE)"
# Invisible characters are not passed over: a marker behind one is written to be seen by one of us only. Neither is the
# mark of a command: `!tlp red` asks the bot about a label.
_BEFORE: Final = re.compile(rf"(?:(?![{INVISIBLE}]|!\w)[\W_]|[\u200d\ufe0f])*")
_MARKER: Final = re.compile(rf"TLP(?::[ \t]?|[- ])({_WORD})(?![\w+]|[ +-]STRICT)", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s\[\](){}*_/,;|&+-]*")
# "TLP" and a word that is no label there: with a colon whatever the word, otherwise where it resembles one.
_ALMOST: Final = re.compile(r"TLP([\W_]{0,4})([^\W\d_]{2,16}(?:[\W_]{1,3}STRICT\w*)?|)", re.IGNORECASE)
_BARE: Final = re.compile(rf"({_WORD})[ \t]?:|(?<=[\[({{])({_WORD})(?=[\])}}])", re.IGNORECASE)

_LABEL_WORDS: Final = {
    "RED": Label.RED,
    "AMBER+STRICT": Label.AMBER_STRICT,
    "AMBER": Label.AMBER,
    "GREEN": Label.GREEN,
    "CLEAR": Label.CLEAR,
    "WHITE": Label.CLEAR,
}
# Colours that are no labels; None where no label is probably meant.
_OTHER_COLOURS: Final[Mapping[str, Label | None]] = {
    "YELLOW": Label.AMBER, "ORANGE": Label.AMBER, "GOLD": Label.AMBER, "BLACK": Label.RED, "CRIMSON": Label.RED,
    "PURPLE": None, "BLUE": None, "PINK": None, "GREY": None, "GRAY": None, "BROWN": None, "VIOLET": None,
    "STRICT": Label.AMBER_STRICT, "PUBLIC": Label.CLEAR, "NONE": None,
}  # fmt: skip
# Words that ask for a limit without a label, alone in their sentence.
_PHRASES: Final[Mapping[str, Label]] = {
    "not for onward sharing": Label.RED,
    "no onward sharing": Label.RED,
    "not for further sharing": Label.RED,
    "do not share": Label.RED,
    "do not share further": Label.RED,
    "do not forward": Label.RED,
    "not for distribution": Label.RED,
    "recipients only": Label.RED,
    "for recipients only": Label.RED,
    "eyes only": Label.RED,
    "strictly confidential": Label.RED,
    "internal only": Label.AMBER_STRICT,
    "internal use only": Label.AMBER_STRICT,
    "for internal use only": Label.AMBER_STRICT,
    "limited distribution": Label.AMBER,
    "need to know": Label.AMBER,
    "community only": Label.GREEN,
    "members only": Label.GREEN,
}
_PHRASE: Final = re.compile(
    "({})[ \t]*(?=[.:;!,\\])}}–—-]|\n|\r|$)".format(  # noqa: RUF001 - dashes that people type
        "|".join(sorted(map(re.escape, _PHRASES), key=len, reverse=True))
    ),
    re.IGNORECASE,
)


class MarkerReader:
    """Reads markers, with the markings of other schemes that the community's settings map to TLP."""

    def __init__(self, markings: Mapping[str, Label | None] | None = None) -> None:
        self._markings = dict(markings or {})
        names = sorted(map(re.escape, self._markings), key=len, reverse=True)
        self._marking = re.compile(rf"({'|'.join(names)})(?![\w-])") if names else None

    def read(self, text: str) -> Reading:
        """The marker of one text; the strictest where it has one at each end."""
        if not text:
            return NOTHING
        plain = self._read_ends(text)
        if text.isascii() or plain.problem:
            return plain
        shown = {text, _REVERSED.sub(lambda run: run[1][::-1], text)}
        if all(self._read_ends(fold(one)) in (plain, NOTHING) for one in shown):
            return plain
        return Reading(problem=f"The label is written with look-alike or invisible characters. {_HOW_TO}")

    def read_all(self, texts: Iterable[str]) -> Reading:
        """The strictest marker of several texts; a problem in any of them is the outcome."""
        strictest: Label | None = None
        for text in texts:
            reading = self.read(text)
            if reading.problem:
                return reading
            if reading.label is not None and (strictest is None or reading.label > strictest):
                strictest = reading.label
        return NOTHING if strictest is None else Reading(strictest)

    def _read_ends(self, text: str) -> Reading:
        before = _BEFORE.match(text)
        start = before.end() if before else 0
        first = self._read_at(text, start, alone=False)
        if first.problem:
            return first
        stripped = text.rstrip()
        line_start = max(stripped.rfind("\n"), stripped.rfind("\r"), stripped.rfind("\u2028")) + 1
        if line_start <= start or len(stripped) - line_start > _REACH:
            return first
        line = stripped[line_start:]
        before = _BEFORE.match(line)
        last = self._read_at(line, before.end() if before else 0, alone=True)
        if last.problem or first.label is None:
            return last
        return first if last.label is None or last.label <= first.label else last

    def _read_at(self, text: str, start: int, *, alone: bool) -> Reading:
        """Reads the markers that stand one behind the other at `start`; `alone`, only punctuation may follow them."""
        strictest: Label | None = None
        position = end = start
        while found := _MARKER.match(text, position) or (self._marking and self._marking.match(text, position)):
            name = found[1]
            label = self._markings[name] if name in self._markings else _label_of(name)
            if label is None and not (alone and _text_follows(text, found.end())):
                return Reading(
                    problem=f"{name} material may not be shared here. Please keep it off this platform.", barred=True
                )
            if label is not None:
                strictest = label if strictest is None else max(strictest, label)
            end = found.end()
            between = _BETWEEN.match(text, end)
            position = between.end() if between else end
        after = _almost(text[max(0, position - 1) : position + _REACH], min(position, 1), alone=alone)
        if strictest is None or (after.problem and text[position : position + 3].upper() == "TLP"):
            return after
        return NOTHING if alone and _text_follows(text, end) else Reading(strictest)


_HOW_TO: Final = f"Write one of {ALL_LABELS} at the start of your message."


def _label_of(word: str) -> Label:
    return _LABEL_WORDS[re.sub(r"[ +-]", "+", word.upper())]


def _text_follows(text: str, position: int) -> bool:
    return any(char.isalnum() for char in text[position:])


def _almost(text: str, start: int, *, alone: bool) -> Reading:
    """A near miss at `start`, as a problem that names the label probably meant; `text[start - 1]` is what precedes."""
    if found := _ALMOST.match(text, start):
        separator, word = found[1], found[2].upper()
        known, meant = resemblance(word)
        written = re.match(r"\S{0,24}", text[found.end() :])
        written_word = (found[0] + (written[0] if written else "")).strip()
        if (":" in separator or known) and not (alone and _text_follows(text, found.end())):
            return Reading(problem=_not_a_label(written_word, meant))
    if (found := _BARE.match(text, start)) and not (alone and _text_follows(text, found.end())):
        return Reading(problem=_not_a_label(found[0].strip(" :"), _label_of(found[1] or found[2])))
    if (found := _PHRASE.match(text, start)) and not (alone and _text_follows(text, found.end())):
        return Reading(problem=_not_a_label(found[1], _PHRASES[found[1].lower()]))
    return NOTHING


def resemblance(word: str) -> tuple[bool, Label | None]:
    """Whether `word` was surely meant as a label's colour, and the label probably meant."""
    folded = re.sub(r"[\W_]+", "+", word)
    if folded in _LABEL_WORDS:
        return True, _LABEL_WORDS[folded]
    if folded in _OTHER_COLOURS:
        return True, _OTHER_COLOURS[folded]
    near = difflib.get_close_matches(folded, _LABEL_WORDS, n=1, cutoff=0.75)
    return bool(near), _LABEL_WORDS[near[0]] if near else None


def _not_a_label(written: str, meant: Label | None) -> str:
    if meant is None:
        return f"“{written}” is not a label. {_HOW_TO}"
    return f"“{written}” is not a label; did you mean {meant}? {_HOW_TO}"
