"""Fills the figures of a demo with those of a made-up community (`belisha.metrics.pilot`), and marks them as such."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.metrics.days import day_of
from belisha.metrics.pilot import pilot
from bots.kernel.store import insert_on
from bots.metrics import monthly, publishing, rolling
from bots.metrics.book import row_of
from bots.metrics.tables import category, fact, progress, shown


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
    rolling.roll_up(connection, now, zone)
    publishing.publish(connection, now, zone)
    monthly.freeze(connection, now, zone)
    return len(world.facts)
