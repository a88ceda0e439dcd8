"""How soon what members report is looked after, as docs/metrics.md defines it, over facts.

It is a figure of the service and not of a person: nothing is known of the steward who looked after it. It stands beside
the members who reported something in a quarter, and is shown where they may be (`belisha.metrics.respect`): in a month
they are too few nearly everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from belisha.metrics.days import Period
from belisha.metrics.facts import Fact
from belisha.metrics.respect import Cell, Name
from belisha.metrics.rollups import Rollups

#: The cells' measure, and the figure beside the members who reported: the time to acknowledgement, in minutes.
MEASURE: Final = "reports"
MINUTES: Final = "minutes"
#: The actions of its facts; those of the second are about the reporter too, at the time when a steward first acted.
REPORTED: Final = "reported"
ACKNOWLEDGED: Final = "acknowledged"
#: For so long an acknowledgement is waited for; what has none by then counts as having waited for so long.
PATIENCE: Final = timedelta(days=7)
LONGEST: Final = PATIENCE // timedelta(minutes=1)
_MINUTE: Final = 60_000
_QUARTER: Final = 3


def time_to_acknowledgement(facts: Iterable[Fact], within: Period) -> int | None:
    """How long, in minutes, the member in the middle of those waited who reported something; None where nobody did.

    Of each member it is the middle one of the waits for each report of theirs, so who reports much counts once; of two
    in the middle the lower one. `LONGEST` is seven days, or longer, or never.

    Args:
        facts: each once (`facts.distinct`), in any order, of the period and of the seven days behind it.
        within: the period in which it was reported.
    """
    reported, acknowledged = dict[str, Fact](), dict[str, int]()
    for fact in facts:
        if fact.action == REPORTED and fact.day in within:
            reported[fact.ref] = min(reported.get(fact.ref, fact), fact, key=lambda one: (one.at, one.key))
        elif fact.action == ACKNOWLEDGED:
            acknowledged[fact.ref] = min(acknowledged.get(fact.ref, fact.at), fact.at)
    waits: dict[int, list[int]] = {}
    for ref, report in reported.items():
        wait = LONGEST
        if ref in acknowledged:
            wait = min(LONGEST, max(0, acknowledged[ref] - report.at) // _MINUTE)
        waits.setdefault(report.member, []).append(wait)
    return _middle([_middle(each) for each in waits.values()]) if waits else None


def settled(quarter: Period) -> Period:
    """The days whose facts tell what became of a quarter's reports."""
    return Period(quarter.first, quarter.last + PATIENCE)


def quarters(months: Sequence[Period]) -> dict[Period, Period]:
    """The whole quarters of some months, which follow each other, by their first months: their numbers' names."""
    return {
        one: Period(one.first, months[place + _QUARTER - 1].last)
        for place, one in enumerate(months[: max(0, len(months) - _QUARTER + 1)])
        if one.first.month % _QUARTER == 1
    }


def cells(rollups: Rollups, months: Sequence[Period], minutes: Mapping[Period, int]) -> list[Cell]:
    """What is asked for of each quarter: who reported something, with the time to acknowledgement.

    Args:
        rollups: them.
        months: in order and without a gap.
        minutes: the time, by the quarter's first month; of those that were decided about it is not needed.
    """
    return [
        Cell(
            Name(month, MEASURE),
            rollups.members(REPORTED, quarter),
            settled(quarter),
            {MINUTES: float(minutes[month])} if month in minutes else {},
        )
        for month, quarter in quarters(months).items()
    ]


def _middle(values: Sequence[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]
