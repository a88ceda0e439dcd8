"""Folds text to what it looks like: NFKC, no invisible or bidi characters, no marks, confusables as ASCII letters.

Source: Unicode UTS #39 (security mechanisms), section 4, with the letter-like symbols that it leaves alone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from confusable_homoglyphs.confusables import confusables_data

# What shows nothing: format characters, fillers, variation selectors, tags. The joiner of emoji (U+200D) is one.
_INVISIBLE_EXTRA: Final = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff"


# The other planes hold ideographs, private use or nothing, and to ask for each of them takes every start a tenth of a
# second.
_PLANES: Final = (range(0x20000), range(0xE0000, 0xF0000))


def _format_characters() -> str:
    return "".join(chr(point) for plane in _PLANES for point in plane if unicodedata.category(chr(point)) == "Cf")


#: A character class (without brackets) of every character that is not seen.
INVISIBLE: Final = re.escape(_format_characters()) + _INVISIBLE_EXTRA
_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]+")


def _marks() -> str:
    """Every character that comes down to combining marks alone."""
    points = (*range(0x1F000), *range(0xE0100, 0xE01F0))
    return "".join(
        chr(point) for point in points if all(map(unicodedata.combining, unicodedata.normalize("NFKD", chr(point))))
    )


# A stroke or dot over a letter leaves it readable; and putting thousands of them in order takes Unicode seconds.
_MARKS: Final = re.compile(f"[{re.escape(_marks())}]+")

# Letter-like symbols that UTS #39 has no ASCII prototype for: small capitals, squared, regional indicators.
_SYMBOL_BLOCKS: Final = (range(0x0250, 0x02B0), range(0x1D00, 0x1DC0), range(0xA720, 0xA800), range(0x1F100, 0x1F200))
_SYMBOL_NAME: Final = re.compile(r"(?:SMALL CAPITAL|SQUARED LATIN CAPITAL LETTER|INDICATOR SYMBOL LETTER) ([A-Z])$")


@cache
def _fold_table() -> dict[int, str]:
    table: dict[int, str] = {}
    for char, alike in confusables_data.items():
        if len(char) == 1 and not char.isascii():
            for other in (entry["c"] for entry in alike):
                if len(other) == 1 and other.isascii():
                    table.setdefault(ord(char), other)
    for block in _SYMBOL_BLOCKS:
        for point in block:
            named = _SYMBOL_NAME.search(unicodedata.name(chr(point), ""))
            if named:
                table.setdefault(point, named[1])
    return table


def fold(text: str) -> str:
    """`text` as a reader sees it, in letters that can be compared; ASCII text is returned as it is."""
    if text.isascii():
        return text
    seen = _MARKS.sub("", _INVISIBLE.sub("", text))
    table = _fold_table()
    # Twice, for letters whose compatibility form is itself a look-alike, and before NFKC recomposes accents.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen.translate(table)).translate(table))
