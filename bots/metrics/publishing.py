"""Decides, once and for good, which numbers may be shown, by the one function that does (`belisha.metrics.respect`).

Pages, files and reports read what was decided (`metrics_shown`) and nothing else: they never see a roll-up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.metrics import acknowledging
from belisha.metrics.asks import cells as cells_of
from belisha.metrics.days import Period, day_of, months, months_before, weeks
from belisha.metrics.pulse import MEASURE as PULSE
from belisha.metrics.report import report
from belisha.metrics.respect import SETTLED, Name, Release, Shown, release
from bots.metrics import asking, named, rolling
from bots.metrics.book import fact_from
from bots.metrics.tables import fact, shown

#: For so many months new numbers are asked for, and compared with all that was shown. Longer than any number reaches
#: back: a cohort is followed for twelve months behind its quarter, a funnel is of twelve months and six weeks.
WINDOW: Final = 18


def publish(connection: sa.Connection, now: float, zone: ZoneInfo) -> int:
    """Decides about what is due; how many decisions that were.

    Raises:
        DamagedRollup: a day's roll-up is not what was written; `belisha metrics rebuild` mends it.
    """
    today = day_of(int(now * 1000), zone)
    rollups = rolling.load(connection, date.min)
    span = rollups.span()
    if span is None:
        return 0
    # A community's first month is decided about though it began within it: before it nobody was there.
    first = max(span.first.replace(day=1), months_before(today, WINDOW))
    over = Period(first, today - SETTLED)
    periods = months(over), weeks(over)
    named.decide(connection, rollups, periods[0], today)
    # A pulse is decided about beside itself alone: nobody knows any more who is in its numbers.
    known = read(connection, {*periods[0], *periods[1]})
    earlier = {name: one for name, one in known.items() if name.measure != PULSE}
    further = cells_of(asking.keep(connection, periods[0], now, zone))
    further += acknowledging.cells(rollups, periods[0], _times(connection, periods[0], today, earlier))
    cells, partitions = report(rollups, rolling.note_categories(connection), *periods, earlier, further)
    if all(cell.name in earlier or cell.span.last + SETTLED >= today for cell in cells):
        return 0
    decided = release(rollups, cells, partitions, today, earlier)
    new = [row(name, one) for name, one in decided.items() if name not in earlier]
    if new:
        connection.execute(shown.insert(), new)
    return len(new)


def _times(connection: sa.Connection, months: Sequence[Period], today: date, earlier: Release) -> dict[Period, int]:
    """The time to acknowledgement of the quarters that are due, by their first months; nothing was decided of these."""
    found = {}
    for month, quarter in acknowledging.quarters(months).items():
        span = acknowledging.settled(quarter)
        if Name(month, acknowledging.MEASURE) in earlier or span.last + SETTLED >= today:
            continue
        within = fact.c.day.between(span.first.toordinal(), span.last.toordinal())
        actions = fact.c.action.in_((acknowledging.REPORTED, acknowledging.ACKNOWLEDGED))
        facts = map(fact_from, connection.execute(sa.select(fact).where(within, actions)))
        if (minutes := acknowledging.time_to_acknowledgement(facts, quarter)) is not None:
            found[month] = minutes
    return found


def read(connection: sa.Connection, periods: Iterable[Period] | None = None) -> Release:
    """What was decided about some periods; about all where none are named."""
    wanted = None if periods is None else set(periods)
    found: dict[Name, Shown] = {}
    for one in connection.execute(sa.select(shown)):
        period = Period(date.fromordinal(one.first), date.fromordinal(one.last))
        if wanted is None or period in wanted:
            found[Name(period, one.measure, one.part)] = Shown(one.members, json.loads(one.figures))
    return found


def row(name: Name, one: Shown) -> dict[str, object]:
    """A decision as it is stored."""
    return {
        "first": name.period.first.toordinal(),
        "last": name.period.last.toordinal(),
        "measure": name.measure,
        "part": name.part,
        "members": one.members,
        "figures": json.dumps(dict(one.figures)),
    }
