"""Draws bar charts with Matplotlib, as cards that can be read on a light and on a dark page, and without colours.

Every number is written at its bar, what leads is bold and dark, and the second sort of bars is hatched.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle

from bots.charts.bars import Bar, Bars
from bots.charts.lettering import fonts_for, lines, one_line

#: Pixels: of the picture, and of what is in it.
WIDTH: Final = 960
_EDGE, _GAP = 32.0, 22.0
_BAR, _SECOND = 26.0, 16.0
_TITLE, _TEXT, _SMALL = 26.0, 20.0, 17.0
_LEADING: Final = 1.36
_ROOM: Final = 190.0  # beside a full bar, for what is said at its end
_PAPER, _INK, _SOFT, _TRACK = "#ffffff", "#1b1d22", "#4b5563", "#e5e7eb"
_PLAIN, _LEADS = "#8fb3d9", "#0b5394"
_DPI: Final = 100
_POINTS: Final = 72 / _DPI


class _Card:
    """A sheet whose measures are pixels from its upper left corner, and which grows downwards."""

    def __init__(self, fonts: Sequence[str]) -> None:
        self.figure = Figure(figsize=(WIDTH / _DPI, 1), dpi=_DPI, facecolor=_PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self._fonts = list(fonts)
        self._renderer: Any = RendererAgg(WIDTH, 1, _DPI)  # type: ignore[no-untyped-call]  # it has no types
        self._texts: list[tuple[float, float, str, FontProperties, str]] = []
        self._boxes: list[tuple[float, float, float, float, dict[str, Any]]] = []
        self.y = _EDGE

    def font(self, size: float, *, bold: bool = False) -> FontProperties:
        return FontProperties(family=self._fonts, size=size * _POINTS, weight="bold" if bold else "normal")

    def width_of(self, text: str, font: FontProperties) -> float:
        return float(self._renderer.get_text_width_height_descent(text, font, False)[0])

    def write(self, text: str, size: float, *, bold: bool = False, colour: str = _INK, most: int = 4) -> None:
        """Writes a text in as many lines as it needs, and goes on below it."""
        font = self.font(size, bold=bold)
        for line in lines(text, WIDTH - 2 * _EDGE, lambda found: self.width_of(found, font), most):
            self._texts.append((_EDGE, self.y + size, line, font, colour))
            self.y += size * _LEADING

    def bar(self, share: float, height: float, said: str, look: dict[str, Any], *, bold: bool) -> None:
        """Draws a bar on its track, and writes at its end."""
        full = WIDTH - 2 * _EDGE - _ROOM
        self._boxes.append((_EDGE, self.y, full, height, {"facecolor": _TRACK, "linewidth": 0}))
        if share > 0:
            self._boxes.append((_EDGE, self.y, max(3.0, full * share), height, look))
        size = min(_TEXT, height + 2)
        place = (_EDGE + full + 14, self.y + height / 2 + size * 0.36, said, self.font(size, bold=bold), _INK)
        self._texts.append(place)
        self.y += height

    def box(self, width: float, height: float, look: dict[str, Any]) -> None:
        """Draws a box at the left edge, and stays where it is."""
        self._boxes.append((_EDGE, self.y, width, height, look))

    def label(self, x: float, text: str, size: float) -> None:
        """Writes one line at a place, and stays where it is."""
        self._texts.append((x, self.y + size, one_line(text), self.font(size), _SOFT))

    def png(self) -> bytes:
        """The finished sheet."""
        height = self.y + _EDGE
        self.figure.set_size_inches(WIDTH / _DPI, height / _DPI)
        for x, y, wide, high, look in self._boxes:
            corner, extent = (x / WIDTH, 1 - (y + high) / height), (wide / WIDTH, high / height)
            self.figure.add_artist(Rectangle(corner, *extent, transform=self.figure.transFigure, **look))
        for x, y, text, font, colour in self._texts:
            # A dollar sign is one: members write no formulas.
            self.figure.text(
                x / WIDTH, 1 - y / height, text, fontproperties=font, color=colour, va="baseline", parse_math=False
            )
        out = io.BytesIO()
        self.figure.savefig(out, format="png", dpi=_DPI, facecolor=_PAPER, metadata={"Software": None})
        return out.getvalue()


def png(chart: Bars) -> bytes:
    """A bar chart as a PNG, `WIDTH` pixels wide and as high as it needs; the same chart gives the same bytes."""
    every = [chart.title, chart.told, *(bar.name for bar in chart.bars), *chart.notes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signs that no font has: a picture of their alphabet stands for them
        card = _Card(fonts_for([one_line(text) for text in every]))
        card.write(chart.title, _TITLE, bold=True)
        card.y += 6
        card.write(chart.told, _TEXT, colour=_SOFT)
        card.y += _GAP / 2
        if chart.key is not None:
            _key(card, chart.key)
        for bar in chart.bars:
            card.y += _GAP
            _draw(card, bar, chart)
        card.y += _GAP / 2 if chart.notes else 0
        for note in chart.notes:
            card.y += 8
            card.write(note, _SMALL, colour=_SOFT)
        return card.png()


def _draw(card: _Card, bar: Bar, chart: Bars) -> None:
    card.write(bar.name, _TEXT, bold=bar.leads)
    card.y += 6
    if bar.value is not None:
        share = bar.value / chart.whole if chart.whole else 0.0
        card.bar(share, _BAR, bar.said, _first(leads=bar.leads), bold=bar.leads)
        card.y += 4
    if bar.second is not None:
        share = bar.second / chart.second_whole if chart.second_whole else 0.0
        card.bar(share, _SECOND, bar.second_said, _hatched(), bold=False)


def _key(card: _Card, key: tuple[str, str]) -> None:
    for words, look in zip(key, (_first(leads=False), _hatched()), strict=True):
        card.y += 6
        card.box(34, _SECOND, look)
        card.label(_EDGE + 44, words, _SECOND - 1)
        card.y += _SMALL


def _first(*, leads: bool) -> dict[str, Any]:
    return {"facecolor": _LEADS if leads else _PLAIN, "edgecolor": _LEADS, "linewidth": 1.0}


def _hatched() -> dict[str, Any]:
    return {"facecolor": _PAPER, "edgecolor": _SOFT, "hatch": "////", "linewidth": 1.0}
