"""The cells of a week and of a month: what the metrics want to show, for `respect.release` to decide about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from pyroaring import BitMap

from belisha.metrics.actions import ACTIVE, CONTRIBUTED, KNOWN
from belisha.metrics.arrivals import arrivals
from belisha.metrics.days import Period, month_of, week_of
from belisha.metrics.in_groups import health, reach, turnout
from belisha.metrics.journey_cells import journey_cells
from belisha.metrics.measures import connections, growth, reading, searching, stickiness, top_decile
from belisha.metrics.respect import Cell, Name, Partition, Release
from belisha.metrics.rollups import GROUP, LABEL, ORGANISATION, Rollups

_DAY: Final = timedelta(days=1)
Report = tuple[list[Cell], list[Partition]]


def report(
    rollups: Rollups,
    category: Mapping[str, str],
    months: list[Period],
    weeks: list[Period],
    earlier: Release,
    further: Sequence[Cell] = (),
) -> Report:
    """All cells of some months and weeks, and what adds up to what among them; all months come before all weeks.

    What is asked of newcomers stands between them, and behind all what members did in each group in each month, who
    searched, and journeys.

    Args:
        rollups: them.
        category: of each organisation, by its id.
        months: in order and without a gap.
        weeks: likewise.
        earlier: what was decided before: what was shown, and has only erased members, is there as an empty cell.
        further: cells that come behind all of these.
    """
    cells: list[Cell] = []
    partitions: list[Partition] = []
    for periods, whole in ((months, True), (weeks, False)):
        for period in periods:
            cells.append(_active(rollups, period))
            for found, split in (
                _growth(rollups, period),
                _reading(rollups, period),
                _categories(rollups, category, period),
            ):
                cells += found
                partitions += split
            cells += _groups(rollups, period)
            if whole:
                cells += _only_monthly(rollups, category, period)
        if whole:
            cells += arrivals(rollups, periods)
    cells += [cell for month in months for cell in (*_in_groups(rollups, month), *_searching(rollups, month))]
    journeys, split = journey_cells(rollups, months)
    cells += journeys
    partitions += split
    cells += further
    names = {cell.name for cell in cells}
    erased = [name for name in earlier if name not in names and name.period in (*months, *weeks)]
    return [*cells, *(Cell(name, BitMap(), name.period) for name in erased)], partitions


def _active(rollups: Rollups, period: Period) -> Cell:
    share = stickiness(rollups, period).value
    figures = {} if share is None else {"stickiness": round(share, 3)}
    return Cell(Name(period, "active"), rollups.members(ACTIVE, period), period, figures)


def _growth(rollups: Rollups, period: Period) -> Report:
    """Who stayed, who came (new, or after a time), and who went quiet (or left)."""
    before = _before(period)
    (now,) = growth(rollups, [before, period])
    both = Period(before.first, period.last)
    sets = {"returning": now.returning, "came": now.new | now.resurrected, "quiet": now.dormant | now.lost}
    names = {part: Name(period, "growth", part) for part in sets}
    return [Cell(names[part], members, both) for part, members in sets.items()], [
        Partition(Name(period, "active"), (names["returning"], names["came"])),
        Partition(Name(before, "active"), (names["returning"], names["quiet"])),
    ]


def _before(period: Period) -> Period:
    day = period.first - _DAY
    return week_of(day) if period == week_of(period.first) else month_of(day)


def _reading(rollups: Rollups, period: Period) -> Report:
    contributed, only_read, neither = reading(rollups, period)
    parts = {"contributed": contributed, "did_not": only_read | neither}
    return _split(Name(period, "active"), "reading", parts, period)


def _categories(rollups: Rollups, category: Mapping[str, str], period: Period) -> Report:
    """The active members by the category of their organisation, everybody in the one they were in last."""
    active = rollups.members(ACTIVE, period)
    found: dict[str, BitMap] = {name: BitMap() for name in sorted({*category.values()})}
    placed = BitMap()
    for day in reversed(list(period.days())):
        for organisation, members in rollups.by(KNOWN, ORGANISATION, Period(day, day)).items():
            if (name := category.get(organisation)) is not None:
                found[name] |= (members & active) - placed
                placed |= members
    # Accounts without an organisation can do nothing that counts, so that there are none tells nobody anything.
    if others := active - placed:
        found["none"] = others
    return _split(Name(period, "active"), "category", found, period)


def _split(whole: Name, measure: str, sets: Mapping[str, BitMap], period: Period) -> Report:
    names = {part: Name(period, measure, part) for part in sets}
    largest_first = sorted(sets, key=lambda part: (-len(sets[part]), part))
    cells = [Cell(names[part], sets[part], period) for part in largest_first]
    return cells, [Partition(whole, tuple(names.values()))]


def _groups(rollups: Rollups, period: Period) -> list[Cell]:
    sets = rollups.by(ACTIVE, GROUP, period)
    return [Cell(Name(period, "group", value), members, period) for value, members in sets.items()]


def _in_groups(rollups: Rollups, period: Period) -> list[Cell]:
    """Who wrote, voted and opened files in each group: parts of its active members, where nobody is too few."""
    found = {
        "wrote_in": {group: one.contributed for group, one in health(rollups, _before(period), period).items()},
        "voted_in": {group: one.took for group, one in turnout(rollups, period).items()},
        "opened_in": {group: one.took for group, one in reach(rollups, period).items()},
    }
    return [
        Cell(Name(period, measure, group), members, period)
        for measure, sets in found.items()
        for group, members in sets.items()
    ]


def _searching(rollups: Rollups, period: Period) -> list[Cell]:
    searched, nothing = searching(rollups, period)
    return [
        Cell(Name(period, "search", "searched"), searched, period),
        Cell(Name(period, "search", "found_nothing"), nothing, period),
    ]


def _only_monthly(rollups: Rollups, category: Mapping[str, str], period: Period) -> list[Cell]:
    found = [
        Cell(Name(period, "label", value), members, period)
        for value, members in rollups.by(CONTRIBUTED, LABEL, period).items()
    ]
    between: dict[str, BitMap] = {}
    for pair, members in connections(rollups, period, category).items():
        both = " and ".join(sorted(pair))
        between[both] = between.get(both, BitMap()) | members
    found += [Cell(Name(period, "connection", both), members, period) for both, members in sorted(between.items())]
    top = top_decile(rollups, period)
    share = top.share.value
    figures = {} if share is None else {"share": round(share, 2)}
    return [*found, Cell(Name(period, "top_decile"), top.members, period, figures)]
