"""What became of each month's posts, kept as sets of members before the facts of that month are deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pyroaring import BitMap

from belisha.metrics.asks import Kept, asks, kept, settled
from belisha.metrics.days import Period, day_of, month_of
from belisha.metrics.respect import SETTLED
from bots.metrics.book import fact_from, oldest_kept
from bots.metrics.tables import asked, fact

_ACTIONS: Final = ("posted", "answered")
_SETS: Final = ("heard", "unheard", "answerers")


def keep(connection: sa.Connection, months: Sequence[Period], now: float, zone: ZoneInfo) -> dict[Period, Kept]:
    """What is kept of some months; those that are due are computed of their facts, once and for good.

    A month is due when the answers to its last post have had their time and have come in, and as long as the facts of
    all its days are there.

    Args:
        connection: a transaction that writes.
        months: whole months.
        now: seconds since 1970.
        zone: of the community's clock.
    """
    today, oldest = day_of(int(now * 1000), zone), oldest_kept(now, zone)
    found = dict(_read(connection))
    for month in months:
        if month not in found and month.first >= oldest and settled(month).last + SETTLED < today:
            found[month] = _made(connection, month)
    return {month: found[month] for month in months if month in found}


def forget(connection: sa.Connection, number: int) -> None:
    """Takes a member out of every month."""
    for row in connection.execute(sa.select(asked)).all():
        sets = {name: BitMap.deserialize(getattr(row, name)) for name in _SETS}
        if any(number in members for members in sets.values()):
            values = {name: (members - BitMap([number])).serialize() for name, members in sets.items()}
            connection.execute(asked.update().where(asked.c.month == row.month).values(values))


def _made(connection: sa.Connection, month: Period) -> Kept:
    span = settled(month)
    within = fact.c.day.between(span.first.toordinal(), span.last.toordinal())
    rows = connection.execute(sa.select(fact).where(within, fact.c.action.in_(_ACTIONS)))
    one = kept(asks((fact_from(row) for row in rows), month))
    values = {name: getattr(one, name).serialize() for name in _SETS}
    connection.execute(asked.insert().values(month=month.first.toordinal(), minutes=one.minutes, **values))
    return one


def _read(connection: sa.Connection) -> Iterator[tuple[Period, Kept]]:
    for row in connection.execute(sa.select(asked)):
        sets = [BitMap.deserialize(getattr(row, name)) for name in _SETS]
        yield month_of(date.fromordinal(row.month)), Kept(sets[0], sets[1], sets[2], row.minutes)
