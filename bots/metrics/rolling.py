"""Days rolled up out of their facts: by night, anew on demand, and without a member who is forgotten.

A day is rolled up again where it has not as many facts as it was made of: something came late, or was deleted. What is
made of the same facts has the same bytes, so making it once more changes nothing. Whether journeys are in a day is
decided when it is rolled up first, so that nobody's order of steps is looked at afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.metrics.days import day_of
from belisha.metrics.journeys import add_journeys
from belisha.metrics.rollups import Rollups
from bots.directory.tables import directory_member
from bots.kernel.store import insert_on
from bots.metrics import asking
from bots.metrics.book import fact_from, oldest_kept
from bots.metrics.tables import category, day, fact

_UNKNOWN: Final = -1


def roll_up(
    connection: sa.Connection, now: float, zone: ZoneInfo, *, journeys: bool = False, at_most: int | None = None
) -> list[date]:
    """Rolls up the days that are over and whose facts have changed, the oldest first; which they were.

    Args:
        connection: a transaction that writes.
        now: seconds since 1970.
        zone: of the community's clock.
        journeys: whether they are to be in days that are rolled up for the first time.
        at_most: how many days.
    """
    today, oldest = day_of(int(now * 1000), zone).toordinal(), oldest_kept(now, zone).toordinal()
    counts = sa.select(fact.c.day, sa.func.count()).where(fact.c.day < today).group_by(fact.c.day)
    there = {row[0]: row[1] for row in connection.execute(counts)}
    known = {row[0]: row[1] for row in connection.execute(sa.select(day.c.day, day.c.facts))}
    emptied = {one for one in known if one >= oldest and one not in there}
    changed = emptied | {one for one, count in there.items() if known.get(one) != count}
    return [_roll(connection, one, journeys=journeys) for one in sorted(changed)[:at_most]]


def thin(connection: sa.Connection, now: float, zone: ZoneInfo) -> int:
    """Deletes the facts of days that are too old, which are rolled up; how many there were."""
    old = fact.c.day < oldest_kept(now, zone).toordinal()
    rolled = fact.c.day.in_(sa.select(day.c.day))
    return connection.execute(fact.delete().where(old, rolled)).rowcount


def rebuild(connection: sa.Connection, now: float, zone: ZoneInfo) -> tuple[int, list[date]]:
    """Makes every day whose facts are kept anew; how many there are, and which have other bytes than before."""
    roll_up(connection, now, zone)  # what is merely late is no difference
    oldest, different, count = oldest_kept(now, zone).toordinal(), list[date](), 0
    rows = connection.execute(sa.select(day.c.day, day.c.facts, day.c.rollup).where(day.c.day >= oldest)).all()
    for row in rows:
        _roll(connection, row.day)
        again = connection.execute(sa.select(day.c.rollup).where(day.c.day == row.day)).scalar_one_or_none()
        count += 1
        if again != row.rollup:
            different.append(date.fromordinal(row.day))
    return count, different


def forget(connection: sa.Connection, number: int) -> int:
    """Takes a member, whose facts are deleted, out of every day; how many days have changed."""
    asking.forget(connection, number)
    changed = 0
    for row in connection.execute(sa.select(day.c.day, day.c.rollup)).all():
        rollups = Rollups()
        at = rollups.load(row.rollup)
        if not rollups.erase(number):
            continue
        # Of no number of facts: where they are kept it is made of them again, by night.
        values = {"rollup": rollups.dump(at), "facts": _UNKNOWN}
        connection.execute(day.update().where(day.c.day == row.day).values(values))
        changed += 1
    return changed


def load(connection: sa.Connection, first: date) -> Rollups:
    """The roll-ups of all days from one on.

    Raises:
        DamagedRollup: a day's bytes are not those that were written.
    """
    rollups = Rollups()
    for rollup in _rollups(connection, first):
        rollups.load(rollup)
    return rollups


def note_categories(connection: sa.Connection) -> dict[str, str]:
    """The category of every organisation that is, or was, listed."""
    query = sa.select(directory_member.c.organisation, sa.func.max(directory_member.c.category))
    rows = connection.execute(query.group_by(directory_member.c.organisation)).all()
    for organisation, name in rows:
        put = insert_on(connection, category).values(organisation=organisation, category=name)
        change = put.on_conflict_do_update(index_elements=["organisation"], set_={"category": name})
        connection.execute(change)
    known = connection.execute(sa.select(category.c.organisation, category.c.category))
    return {row.organisation: row.category for row in known}


def _rollups(connection: sa.Connection, first: date) -> Iterator[bytes]:
    query = sa.select(day.c.rollup).where(day.c.day >= first.toordinal()).order_by(day.c.day)
    yield from connection.scalars(query)


def _roll(connection: sa.Connection, at: int, *, journeys: bool = False) -> date:
    """Rolls up a day; one that was rolled up before has journeys where it had them then."""
    rollups = Rollups()
    before = connection.execute(sa.select(day.c.journeys).where(day.c.day == at)).scalar_one_or_none()
    rows = connection.execute(sa.select(fact).where(fact.c.day == at)).all()
    facts = [fact_from(row) for row in rows]
    rollups.add(facts)
    if has_journeys := journeys if before is None else bool(before):
        add_journeys(rollups, facts)
    this = date.fromordinal(at)
    if not rows:
        connection.execute(day.delete().where(day.c.day == at))
        return this
    values = {"facts": len(rows), "rollup": rollups.dump(this), "journeys": has_journeys}
    put = insert_on(connection, day).values(day=at, **values)
    connection.execute(put.on_conflict_do_update(index_elements=["day"], set_=values))
    return this
