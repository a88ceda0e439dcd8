"""The cells of journeys: the moves of each month, and how each quarter's newcomers began; for `respect.release`.

A quarter's newcomers and not a year's: two of these have nobody in common, so nothing follows from one for the other,
while two years that are a month apart differ by a month's newcomers, who are too few for each path.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pyroaring import BitMap

from belisha.metrics.days import Period
from belisha.metrics.journeys import COMES_AGAIN, FIRST_WEEK, STEPS, called, first_weeks, is_whole, moves
from belisha.metrics.respect import Cell, Name, Partition
from belisha.metrics.rollups import Rollups

_QUARTER: Final = 3
_DAY: Final = timedelta(days=1)


def journey_cells(rollups: Rollups, months: Sequence[Period]) -> tuple[list[Cell], list[Partition]]:
    """All cells of journeys in some months, which follow each other, and what adds up to what.

    A quarter's are called after its first month. Months and quarters in which journeys were not looked at on every day
    have none.
    """
    cells: list[Cell] = []
    partitions: list[Partition] = []
    for month in months:
        if is_whole(rollups, month):
            found = moves(rollups, month)
            largest_first = sorted(found, key=lambda move: (-len(found[move]), move))
            cells += [Cell(Name(month, "move", called(move)), found[move], month) for move in largest_first]
    for number, month in enumerate(months[: max(0, len(months) - _QUARTER + 1)]):
        quarter = Period(month.first, months[number + _QUARTER - 1].last)
        if month.first.month % _QUARTER == 1 and is_whole(rollups, _followed(quarter, FIRST_WEEK - 1)):
            more, split = _first_weeks(rollups, month, quarter)
            cells += more
            partitions += split
    return cells, partitions


def _followed(quarter: Period, days: int) -> Period:
    return Period(quarter.first, quarter.last + _DAY * days)


def _first_weeks(rollups: Rollups, month: Period, quarter: Period) -> tuple[list[Cell], list[Partition]]:
    found = first_weeks(rollups, quarter)
    week, weeks = _followed(quarter, FIRST_WEEK - 1), _followed(quarter, FIRST_WEEK - 1 + COMES_AGAIN)
    paths = sorted(found.paths.items(), key=lambda one: (-len(one[1]), one[0]))
    cells = [Cell(Name(month, "path", path), members, week) for path, members in paths]
    all_stopped = Name(month, "stopped")
    cells.append(Cell(all_stopped, BitMap.union(*found.stopped.values()), weeks))
    stopped = sorted(found.stopped.items(), key=lambda one: (-len(one[1]), one[0]))
    cells += [Cell(Name(month, "stopped", step), members, weeks) for step, members in stopped]
    return cells, [
        Partition(Name(month, "cohort"), tuple(Name(month, "path", path) for path, _ in paths)),
        Partition(all_stopped, tuple(Name(month, "stopped", step) for step in STEPS)),
    ]
