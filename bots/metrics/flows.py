"""A plot of moves from one thing to another, as a Sankey diagram in SVG; like `plots`, read without colour.

Each band is as thick as it has members, with their number at its beginning; thin ones are as thick as the number needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from bots.metrics.plots import WIDTH

_THINNEST, _GAP, _NODE, _NAMES = 17.0, 12.0, 10, 190
#: All bands together are about as high as this.
_HEIGHT: Final = 340.0


@dataclass(frozen=True, slots=True)
class Flow:
    """How many went from one to the other."""

    before: str
    after: str
    value: int


def flows(told: str, found: Sequence[Flow]) -> str:
    """Bands from the names on the left to those on the right, the largest of each on top."""
    total = sum(one.value for one in found) or 1
    thick = {one: max(_THINNEST, _HEIGHT * one.value / total) for one in found}
    left, left_height, left_nodes = _stacked([(one.before, one) for one in found], thick)
    right, right_height, right_nodes = _stacked([(one.after, one) for one in found], thick)
    x0, x1 = _NAMES + _NODE, WIDTH - _NAMES - _NODE
    parts = [_band(x0, left[one], x1, right[one], thick[one]) for one in found]
    for nodes, x, name_x, kind in (
        (left_nodes, _NAMES, _NAMES - 8, "plot-name"),
        (right_nodes, x1, x1 + _NODE + 8, "plot-after"),
    ):
        for name, (top, bottom) in nodes.items():
            box = f'x="{x}" y="{top:.1f}" width="{_NODE}" height="{bottom - top:.1f}"'
            parts.append(f'<rect class="plot-bar" {box}/>')
            parts.append(_text(name_x, (top + bottom) / 2 + 4, name, kind))
    parts += [_text(x0 + 8, left[one] + thick[one] / 2 + 4, str(one.value), "plot-value plot-on-2") for one in found]
    size = f'viewBox="0 0 {WIDTH} {max(left_height, right_height):g}"'
    return f'<svg class="plot" {size} role="img" aria-label="{escape(told)}">{"".join(parts)}</svg>'


Nodes = dict[str, tuple[float, float]]


def _stacked(named: Sequence[tuple[str, Flow]], thick: dict[Flow, float]) -> tuple[dict[Flow, float], float, Nodes]:
    """Where each band begins on one side, how high that side is, and from where to where each name reaches."""
    sums: dict[str, int] = {}
    for name, flow in named:
        sums[name] = sums.get(name, 0) + flow.value
    tops, nodes, y = dict[Flow, float](), Nodes(), 2.0
    for name in sorted(sums, key=lambda one: (-sums[one], one)):
        top = y
        for flow in sorted((flow for other, flow in named if other == name), key=lambda one: -one.value):
            tops[flow], y = y, y + thick[flow]
        nodes[name] = (top, y)
        y += _GAP
    return tops, y, nodes


def _band(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    bend = (x0 + x1) / 2
    upper = f"M{x0} {y0:.1f} C{bend} {y0:.1f} {bend} {y1:.1f} {x1} {y1:.1f}"
    lower = f"L{x1} {y1 + thick:.1f} C{bend} {y1 + thick:.1f} {bend} {y0 + thick:.1f} {x0} {y0 + thick:.1f} Z"
    return f'<path class="plot-flow" d="{upper} {lower}"/>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
