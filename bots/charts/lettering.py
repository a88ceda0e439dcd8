"""Texts of members as they are drawn: in lines that fit, in fonts that have their signs, and moving no other words."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from matplotlib import font_manager, get_data_path
from matplotlib.ft2font import FT2Font

#: The font that comes with Matplotlib: Latin, Greek, Cyrillic, Arabic, Hebrew and some pictures.
BUNDLED: Final = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
BUNDLED_BOLD: Final = BUNDLED.with_name("DejaVuSans-Bold.ttf")
MOST_LINES: Final = 4
_CUT: Final = "…"
_LONGEST: Final = 1000
#: Signs that turn the direction of what follows, and do not end with their text.
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Signs without a picture of their own, which join others.
_JOINING: Final = frozenset("\u200c\u200d\u200e\u200f\ufe0e\ufe0f")

Width = Callable[[str], float]


def one_line(text: str) -> str:
    """A text without line breaks, and without what would change how the texts around it are read."""
    kept = (" " if sign.isspace() else sign for sign in text if sign not in _TURNING)
    return " ".join("".join(sign for sign in kept if unicodedata.category(sign) not in ("Cc", "Cs", "Cn")).split())


def lines(text: str, width: float, measured: Width, most: int = MOST_LINES) -> list[str]:
    """A text in lines that are no wider than `width`, the last one cut where they are too many.

    Args:
        text: what is to be written, on one line.
        width: how wide a line may be.
        measured: how wide a text is.
        most: how many lines there may be.
    """
    found, line, whole = list[str](), "", one_line(text)
    # What is longer fills all lines in any case; of signs without a width there can be as many as an event holds.
    for word in (whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 1]}{_CUT}").split(" "):
        joined = f"{line} {word}".strip()
        if measured(joined) <= width:
            line = joined
            continue
        if line:
            found.append(line)
        line = word
        while measured(line) > width:
            place = _fitting(line, width, measured)
            found.append(line[:place])
            line = line[place:]
        if len(found) > most:
            break
    found.append(line)
    if len(found) <= most:
        return found
    last = found[most - 1]
    while last and measured(last + _CUT) > width:
        last = last[:-1]
    return [*found[: most - 1], last.rstrip() + _CUT]


def _fitting(word: str, width: float, measured: Width) -> int:
    """How many signs of a word fit on a line; one at least, and none parted from what joins to it."""
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measured(word[:middle]) <= width else (low, middle - 1)
    place = low
    while place > 1 and place < len(word) and (word[place] in _JOINING or unicodedata.combining(word[place])):
        place -= 1
    return place


def fonts_for(texts: Collection[str]) -> list[str]:
    """The names of the fonts that have the texts' signs: the bundled one, then the machine's where that lacks some."""
    wanted = {ord(sign) for text in texts for sign in text if not sign.isspace() and sign not in _JOINING}
    bundled = _signs(BUNDLED)
    names = ["DejaVu Sans"]
    wanted -= bundled
    for path in sorted(font_manager.findSystemFonts()) if wanted else ():
        if has := wanted & _signs(Path(path)):
            font_manager.fontManager.addfont(path)
            names.append(FT2Font(path).family_name)
            wanted -= has
        if not wanted:
            break
    return names


def _signs(path: Path) -> set[int]:
    try:
        font = FT2Font(str(path))
        return set(font.get_charmap()) if font.scalable else set()
    except (OSError, RuntimeError, ValueError):  # a font of bitmaps, or a broken one
        return set()
