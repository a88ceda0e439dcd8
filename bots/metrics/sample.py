"""Fills the figures of a demo with those of a made-up community (`belisha.metrics.pilot`), and marks them as such."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.metrics.actions import ACTIVE
from belisha.metrics.days import Period, day_of, months
from belisha.metrics.pilot import pilot
from belisha.metrics.pulse import SCALE, pulse_cells, quarter_of
from belisha.metrics.respect import SETTLED, release
from bots.kernel.store import insert_on
from bots.metrics import monthly, publishing, rolling
from bots.metrics.book import row_of
from bots.metrics.tables import category, fact, progress, shown

_POINTS: Final = range(1, len(SCALE) + 1)
#: How often each point is given to either question, and how many answer at all.
_SHARING, _USING, _ANSWER = (1, 3, 6, 14, 9), (2, 5, 8, 12, 6), 0.5


class NotEmpty(Exception):
    """There are figures already."""


def fill(connection: sa.Connection, now: float, zone: ZoneInfo) -> int:
    """Adds eight months of 200 made-up members that end with the last week; how many facts that were.

    Raises:
        NotEmpty: something was counted or shown here before.
    """
    if connection.execute(sa.select(shown.c.first).limit(1)).first() is not None:
        raise NotEmpty
    world = pilot()
    # Whole weeks, so that a Monday stays one.
    later = timedelta(weeks=(day_of(int(now * 1000), zone) - world.last).days // 7)
    numbers = progress.update().values(highest=progress.c.highest + len(world.people), sample=True)
    base = connection.execute(numbers.returning(progress.c.highest)).scalar_one() - len(world.people)
    shift = int(later.total_seconds() * 1000)
    moved = (one._replace(at=one.at + shift, day=one.day + later, member=one.member + base) for one in world.facts)
    connection.execute(insert_on(connection, fact).on_conflict_do_nothing(), [row_of(one) for one in moved])
    rows = [{"organisation": key, "category": name} for key, name in world.categories.items()]
    connection.execute(insert_on(connection, category).on_conflict_do_nothing(), rows)
    rolling.roll_up(connection, now, zone, journeys=True)
    publishing.publish(connection, now, zone)
    _pulses(connection, world.first + later, day_of(int(now * 1000), zone))
    monthly.freeze(connection, now, zone)
    return len(world.facts)


def _pulses(connection: sa.Connection, first: date, today: date) -> None:
    """What some of the members answered to the questions of each quarter that is over."""
    rollups, dice = rolling.load(connection, date.min), random.Random(1)  # noqa: S311  nothing is kept secret by it
    quarter = quarter_of(first)
    while quarter.last + SETTLED < today:
        within = Period(quarter.first, months(quarter)[1].last)
        answers = {
            member: (dice.choices(_POINTS, _SHARING)[0], dice.choices(_POINTS, _USING)[0])
            for member in rollups.members(ACTIVE, within)
            if dice.random() < _ANSWER
        }
        cells, partitions = pulse_cells(answers, within)
        decided = release(rollups, cells, partitions, today, {})
        connection.execute(shown.insert(), [publishing.row(name, one) for name, one in decided.items()])
        quarter = quarter_of(quarter.last + timedelta(days=1))
