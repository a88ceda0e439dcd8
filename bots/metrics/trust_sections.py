"""The section of trust: the answers to the quarter's two questions, and how soon reports are looked after; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from belisha.metrics import acknowledging
from belisha.metrics.days import Period
from belisha.metrics.pulse import MEASURE, PARTS, QUESTIONS, SCALE
from bots.metrics import plots
from bots.metrics.plots import WITHHELD
from bots.metrics.sections import Asked, Block, Number, duration, quarter_name

_PARTS: Final = {"agree": "Yes", "neither": "Neither", "disagree": "No"}
_QUARTERS: Final = 8
if set(_PARTS) != set(PARTS):
    raise ImportError("Every part of the answers has a name.")


def trust(asked: Asked) -> Sequence[Block]:
    """Each question, by quarter, and reports."""
    quarters = _quarters(asked, MEASURE)
    return [*(_question(asked, quarters, question, text) for question, text in QUESTIONS.items()), _reports(asked)]


def _quarters(asked: Asked, measure: str) -> Sequence[Period]:
    """The newest about which a measure was decided."""
    return [one for one in asked.figures.months if asked.figures.parts(one, measure)][-_QUARTERS:]


def _reports(asked: Asked) -> Block:
    """How soon stewards look after what members report."""
    figures, rows, columns = asked.figures, list[tuple[str | Number, ...]](), []
    for month in _quarters(asked, acknowledging.MEASURE):
        members = figures.number(month, acknowledging.MEASURE)
        minutes = figures.figure(month, acknowledging.MEASURE, acknowledging.MINUTES)
        name, wait = quarter_name(month), WITHHELD if minutes is None else _wait(int(minutes))
        rows.append((name, members, wait))
        columns.append(plots.Column(name, members, wait))
    told = (
        "Members who reported something in each quarter, and within what time half of them had it looked after by a"
        " steward; of who reported more than once, the time in the middle of theirs counts."
    )
    heads = ("Quarter", "Members who reported", "Half had it looked after within")
    return Block("reports", "Reports", told, plots.columns(told, columns), heads, tuple(rows))


def _wait(minutes: int) -> str:
    return "seven days, or not at all" if minutes >= acknowledging.LONGEST else duration(minutes)


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
