"""The cells of how members arrive and stay: a year's funnel, and the retention of each quarter's newcomers.

In a community of 200 a month's newcomers are too few to be shown in steps; a year's are not. It is counted anew each
quarter and not each month: two years that are a month apart differ by a month's newcomers again, and what is shown of
them keeps other numbers from being shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pyroaring import BitMap

from belisha.metrics.actions import ACTIVE
from belisha.metrics.days import Period, months_before
from belisha.metrics.measures import FUNNEL_DAYS, WEEK, first_steps
from belisha.metrics.respect import Cell, Name
from belisha.metrics.rollups import Rollups

#: How long before a month's end the members of its funnel were invited.
FUNNEL_MONTHS: Final = 12
#: In which months behind its quarter a cohort is looked at again.
FOLLOWED: Final = (3, 6, 9, 12)
#: So long after an invitation all steps of the funnel have had their time.
_STEPS: Final = timedelta(days=FUNNEL_DAYS + 2 * WEEK - 1)
_QUARTER: Final = 3


def arrivals(rollups: Rollups, months: Sequence[Period]) -> list[Cell]:
    """All cells of the newcomers of some months, which follow each other.

    A funnel is called after the last month of its year, which ends a quarter. A cohort is called after the first month
    of its quarter; its parts are the months behind it, `03` the third one.
    """
    cells: list[Cell] = []
    for month in months:
        if month.first.month % _QUARTER:
            continue
        first = months_before(month.first, FUNNEL_MONTHS - 1)
        reached = first_steps(rollups, Period(first, month.last))
        span = Period(first, month.last + _STEPS)
        cells += [Cell(Name(month, "funnel", step), members, span) for step, members in reached.items()]
    for number, month in enumerate(months[: max(0, len(months) - _QUARTER + 1)]):
        if month.first.month % _QUARTER == 1:
            cells += _cohort(rollups, month, months[number + _QUARTER - 1], months[number + _QUARTER :])
    return cells


def _cohort(rollups: Rollups, first: Period, last: Period, later: Sequence[Period]) -> list[Cell]:
    quarter = Period(first.first, last.last)
    fresh: BitMap = rollups.members(ACTIVE, quarter) - rollups.before(ACTIVE, quarter.first)
    cells = [Cell(Name(first, "cohort"), fresh, quarter)]
    for behind in FOLLOWED:
        if behind <= len(later):
            month = later[behind - 1]
            stayed = fresh & rollups.members(ACTIVE, month)
            cells.append(Cell(Name(first, "cohort", f"{behind:02}"), stayed, Period(quarter.first, month.last)))
    return cells
