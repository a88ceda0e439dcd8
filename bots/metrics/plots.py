"""Plots as SVG (SVG 1.1): read without colour, since every number stands in them, and without scripts.

How they look is the page's style sheet's matter (classes `plot-…`); there is no style in them. Texts are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

#: The width of every plot, in its own units.
WIDTH: Final = 720
_ROW, _BAR, _NAMES, _ENDS = 34, 20, 220, 60
_HEIGHT, _FOOT, _HEAD = 180, 34, 26
_CELL_HEIGHT: Final = 38
#: What names of a table take where none is long.
_FEW_LETTERS: Final = 150
#: Room for half of a name at the left edge.
_HALF_NAME: Final = 24
#: What stands for a number that is withheld.
WITHHELD: Final = "\u2013"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar by its name; the value is None where it is withheld."""

    name: str
    value: int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a series; `mark` is the number of an annotation, where there is one."""

    name: str
    value: int | None
    mark: str = ""


def bars(told: str, found: Sequence[Bar]) -> str:
    """Bars below each other, each with its name before and its number behind it."""
    most, full = max((bar.value or 0 for bar in found), default=0) or 1, WIDTH - _NAMES - _ENDS
    parts = []
    for number, bar in enumerate(found):
        y = number * _ROW + (_ROW - _BAR) / 2
        long = full * (bar.value or 0) / most
        parts.append(_text(_NAMES - 10, y + 15, _short(bar.name, 30), "plot-name"))
        kind = "plot-withheld" if bar.value is None else "plot-bar"
        parts.append(_box(_NAMES, y, 14 if bar.value is None else max(2, long), _BAR, kind))
        x = _NAMES + (22 if bar.value is None else long + 8)
        parts.append(_text(x, y + 15, WITHHELD if bar.value is None else str(bar.value), "plot-value"))
    return _svg(told, len(found) * _ROW, parts)


def columns(told: str, found: Sequence[Column]) -> str:
    """Columns beside each other, each with its number on top; every few have their names below."""
    most, wide = max((one.value or 0 for one in found), default=0) or 1, WIDTH / max(1, len(found))
    ground, every, parts = _HEAD + _HEIGHT, -(-len(found) // 9), []
    for number, one in enumerate(found):
        x, high = number * wide, _HEIGHT * (one.value or 0) / most
        kind = "plot-withheld" if one.value is None else "plot-bar"
        high = 6 if one.value is None else max(2, high)
        parts.append(_box(x + wide * 0.15, ground - high, wide * 0.7, high, kind))
        said = WITHHELD if one.value is None else str(one.value)
        parts.append(_text(x + wide / 2, ground - high - 6, said, "plot-on-top"))
        if number % every == 0:
            parts.append(_text(max(_HALF_NAME, x + wide / 2), ground + 18, one.name, "plot-below"))
        if one.mark:
            parts.append(_text(x + wide / 2, ground + 32, one.mark, "plot-mark"))
    parts.append(f'<line class="plot-ground" x1="0" y1="{ground}" x2="{WIDTH}" y2="{ground}"/>')
    return _svg(told, ground + _FOOT, parts)


def heat(told: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[int | str | None]]]) -> str:
    """A table of cells, the darker the more, each with its number; an empty text is a cell that cannot be."""
    numbers = [cell for _, cells in rows for cell in cells if isinstance(cell, int)]
    most = max(numbers, default=0) or 1
    names = _FEW_LETTERS if all(len(name) <= 16 for name, _ in rows) else _NAMES
    wide, parts = (WIDTH - names) / max(1, len(heads)), []
    for place, head in enumerate(heads):
        parts.append(_text(names + wide * (place + 0.5), 16, _short(head, int(wide // 8)), "plot-below"))
    for number, (name, cells) in enumerate(rows):
        y = _HEAD + number * _CELL_HEIGHT
        parts.append(_text(names - 10, y + 24, _short(name, 30), "plot-name"))
        for place, cell in enumerate(cells):
            if cell == "":
                continue
            x, step = names + wide * place, 0 if cell is None else 1 + round(4 * int(cell) / most)
            kind = "plot-withheld" if cell is None else f"plot-heat-{step}"
            parts.append(_box(x + 1, y + 1, wide - 2, _CELL_HEIGHT - 2, kind))
            said, look = (WITHHELD, "plot-cell") if cell is None else (str(cell), f"plot-cell plot-on-{step}")
            parts.append(_text(x + wide / 2, y + 24, said, look))
    return _svg(told, _HEAD + len(rows) * _CELL_HEIGHT, parts)


def states(told: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str | None]]], dark: str) -> str:
    """A table of words, one of which has dark cells; None is withheld."""
    wide, parts = (WIDTH - _NAMES) / max(1, len(heads)), []
    for place, head in enumerate(heads):
        parts.append(_text(_NAMES + wide * (place + 0.5), 16, head, "plot-below"))
    for number, (name, cells) in enumerate(rows):
        y = _HEAD + number * _CELL_HEIGHT
        parts.append(_text(_NAMES - 10, y + 24, _short(name, 30), "plot-name"))
        for place, cell in enumerate(cells):
            x, step = _NAMES + wide * place, None if cell is None else 5 * (cell == dark)
            kind = "plot-withheld" if step is None else f"plot-heat-{step}"
            parts.append(_box(x + 1, y + 1, wide - 2, _CELL_HEIGHT - 2, kind))
            look = "plot-cell" if step is None else f"plot-cell plot-on-{step}"
            parts.append(_text(x + wide / 2, y + 24, WITHHELD if cell is None else cell, look))
    return _svg(told, _HEAD + len(rows) * _CELL_HEIGHT, parts)


def _svg(told: str, height: float, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 {WIDTH} {height:g}"'
    return f'<svg class="plot" {size} role="img" aria-label="{escape(told)}">{"".join(parts)}</svg>'


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(1, most - 1)]}…"
