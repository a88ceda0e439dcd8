"""The section of trust: what members answered to the quarter's two questions, and how that changes; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from belisha.metrics.days import Period
from belisha.metrics.pulse import MEASURE, PARTS, QUESTIONS, SCALE
from bots.metrics import plots
from bots.metrics.sections import Asked, Block, Number, quarter_name

_PARTS: Final = {"agree": "Yes", "neither": "Neither", "disagree": "No"}
_QUARTERS: Final = 8
if set(_PARTS) != set(PARTS):
    raise ImportError("Every part of the answers has a name.")


def trust(asked: Asked) -> Sequence[Block]:
    """Each question, by quarter."""
    quarters = [one for one in asked.figures.months if asked.figures.parts(one, MEASURE)][-_QUARTERS:]
    return [_question(asked, quarters, question, text) for question, text in QUESTIONS.items()]


def _question(asked: Asked, quarters: Sequence[Period], question: str, text: str) -> Block:
    figures = asked.figures
    heads = ("Quarter", "Answered", *_PARTS.values(), "Middle answer")
    rows, cells = list[tuple[str | Number, ...]](), list[tuple[str, Sequence[int | str | None]]]()
    for month in quarters:
        counts = [figures.number(month, MEASURE, part) for part in ("", *(f"{question} {part}" for part in PARTS))]
        middle = figures.figure(month, MEASURE, question)
        name = quarter_name(month)
        rows.append((name, *counts, None if middle is None else SCALE[int(middle) - 1]))
        cells.append((name, counts))
    told = (
        f"“{text}”: how many members answered in each quarter, and how. The middle answer is the one that stands in the"
        " middle when all of them stand in order."
    )
    return Block(question, text, told, plots.heat(told, heads[1:-1], cells), heads, tuple(rows))
