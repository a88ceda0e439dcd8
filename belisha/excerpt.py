"""A short piece of a text, around the first of the words that somebody looks for."""

from __future__ import annotations

import re
from typing import Final

_ELLIPSIS: Final = "…"
_WORD: Final = re.compile(r"\w+")
#: What of the piece stands before the word, as a part of its length.
_BEFORE: Final = 3


def excerpt(text: str, words: str, most: int = 200) -> str:
    """At most `most` characters of a text on one line, from the beginning of a word to the end of one.

    Args:
        text: the whole text.
        words: what was looked for; where none of it stands in the text, the text's beginning is given.
        most: how many characters, of which up to two are the signs that something was left out.
    """
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    sought = _sought(words)
    found = sought.search(line) if sought else None
    start = max(0, found.start() - most // _BEFORE) if found else 0
    start = min(start, len(line) - most + 2)
    if start:
        start = max(start, line.find(" ", start, start + most // _BEFORE) + 1)
    end = start + most - 1 - (start > 0)
    if end < len(line) and (space := line.rfind(" ", start + most // 2, end)) > 0:
        end = space
    return f"{_ELLIPSIS if start else ''}{line[start:end].strip()}{_ELLIPSIS if end < len(line) else ''}"


def marked(text: str, words: str) -> list[tuple[str, bool]]:
    """A text in parts, each with whether it is one of the words that somebody looks for."""
    sought = _sought(words)
    if sought is None:
        return [(text, False)]
    return [(part, number % 2 == 1) for number, part in enumerate(sought.split(text)) if part]


def _sought(words: str) -> re.Pattern[str] | None:
    """Finds any of the words, at the beginning of a word; None where there is none to find."""
    each = sorted({word for word in _WORD.findall(words) if len(word) > 1}, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, each))})", re.IGNORECASE) if each else None
