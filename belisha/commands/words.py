"""A command's text in words: spaces part them, quotation marks hold them together."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: An opening quotation mark, and those that close what it opens; phones and languages have their own.
_QUOTES: Final = {'"': '"”“', "“": '”"', "„": '“”"', "«": "»", "»": "«"}
_SPACE: Final = re.compile(r"\s+")
#: Two hyphens, or the one long dash that phones make of them.
_DASHES: Final = re.compile(r"(?:--|[\u2013\u2014])(?=[A-Za-z])")


class Word(NamedTuple):
    """A word, and where it stands.

    Attributes:
        text: what it says, without its quotation marks.
        start: where it begins in the text, quotation marks included.
        end: where it ends.
        quoted: whether it stood in quotation marks.
        open: whether it begins with a quotation mark that nothing closes.
    """

    text: str
    start: int
    end: int
    quoted: bool = False
    open: bool = False


def words_of(text: str) -> list[Word]:
    """The words of a text, in their order."""
    found: list[Word] = []
    place = 0
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        word = _quoted(text, place) or _plain(text, place)
        found.append(word)
        place = word.end
    return found


def option_of(word: Word) -> tuple[str, str | None] | None:
    """The name of an option and the value that stands in the same word; None for any other word."""
    found = None if word.quoted else _DASHES.match(word.text)
    if found is None:
        return None
    name, equals, value = word.text[found.end() :].partition("=")
    return name.casefold(), value if equals else None


def _quoted(text: str, start: int) -> Word | None:
    closing = _QUOTES.get(text[start])
    if closing is None:
        return None
    for place in range(start + 1, len(text)):
        ends_here = place + 1 == len(text) or text[place + 1].isspace()
        if text[place] in closing and ends_here:
            return Word(text[start + 1 : place], start, place + 1, quoted=True)
    return None


def _plain(text: str, start: int) -> Word:
    space = _SPACE.search(text, start)
    end = space.start() if space else len(text)
    return Word(text[start:end], start, end, open=text[start] in _QUOTES)
