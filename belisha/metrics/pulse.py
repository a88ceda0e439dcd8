"""The pulse: two questions a quarter about trust, as docs/metrics.md defines it; pure.

Both answers are one ballot (`belisha.polls.ballots`): the first question's five points are its places 1 to 5, the
second's 6 to 10. Who gave which is known while they are counted and to nobody afterwards, so nothing that is shown
later can be compared with a pulse: it is decided about beside itself alone, all of it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from pyroaring import BitMap

from belisha.metrics.days import Period, month_of
from belisha.metrics.respect import Cell, Name, Partition

#: The questions, as they are asked.
QUESTIONS: Final = {
    "sharing": "What I share goes no further than I want",
    "using": "I got something I could use",
}
#: The points, from 1 on.
SCALE: Final = ("No, not at all", "Rather not", "Neither", "Rather yes", "Yes, fully")
#: In which three parts the points are told of.
PARTS: Final = {"agree": (4, 5), "neither": (3,), "disagree": (1, 2)}
MEASURE: Final = "pulse"
#: How long it can be answered, and for how long at least, in days; it ends with its quarter at the latest.
OPEN_DAYS: Final = 28
FEWEST_DAYS: Final = 7
_DAY: Final = timedelta(days=1)
_QUARTER: Final = 3

#: The points that somebody gave, in the order of the questions.
Given = tuple[int, int]


def quarter_of(day: date) -> Period:
    """The calendar quarter that a day lies in."""
    first = day.replace(month=day.month - (day.month - 1) % _QUARTER, day=1)
    last = month_of(first)
    for _ in range(_QUARTER - 1):
        last = month_of(last.last + _DAY)
    return Period(first, last.last)


def asked_in(today: date) -> Period | None:
    """From today to the last day on which a pulse of today's quarter can be answered; None while none is begun.

    It is begun from the first day of the quarter's second month on, unless less than a week of the quarter is left.
    """
    quarter = quarter_of(today)
    second = month_of(quarter.first).last + _DAY
    found = Period(today, min(quarter.last, today + _DAY * (OPEN_DAYS - 1)))
    return found if today >= second and found.length >= FEWEST_DAYS else None


def choices(given: Given) -> tuple[int, ...]:
    """What a ballot says."""
    return tuple(number * len(SCALE) + point for number, point in enumerate(given))


def given(chosen: Sequence[int]) -> Given | None:
    """What was given to both questions; None where a ballot says anything else."""
    found = tuple(one - number * len(SCALE) for number, one in enumerate(sorted(chosen)))
    if len(found) != len(QUESTIONS) or any(not 1 <= point <= len(SCALE) for point in found):
        return None
    return found[0], found[1]


def middle(points: Sequence[int]) -> int | None:
    """The median, the lower one of two; None of none."""
    return sorted(points)[(len(points) - 1) // 2] if points else None


def pulse_cells(answers: Mapping[int, Given], within: Period) -> tuple[list[Cell], list[Partition]]:
    """The cells of a pulse, which is called after the first month of its quarter: all, and who answered how.

    Args:
        answers: what each member gave, by number.
        within: from the first day of its quarter to the last on which it could be answered.
    """
    month = month_of(within.first)
    whole = Name(month, MEASURE)
    points = {question: [one[place] for one in answers.values()] for place, question in enumerate(QUESTIONS)}
    figures = {question: float(found) for question, one in points.items() if (found := middle(one)) is not None}
    cells = [Cell(whole, BitMap(answers), within, figures)]
    partitions = []
    for place, question in enumerate(QUESTIONS):
        names = {part: Name(month, MEASURE, f"{question} {part}") for part in PARTS}
        parts = {
            part: BitMap(member for member, one in answers.items() if one[place] in wanted)
            for part, wanted in PARTS.items()
        }
        largest_first = sorted(parts.items(), key=lambda one: (-len(one[1]), one[0]))
        cells += [Cell(names[part], members, within) for part, members in largest_first]
        partitions.append(Partition(whole, tuple(names.values())))
    return cells, partitions
