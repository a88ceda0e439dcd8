"""Whether an organisation was active in a month, which is told by its name where a lead of it wants that.

Here the lead's consent stands in the place of the second organisation; the members' protection stays. It is said of an
organisation with five members at least who count, or not at all: so that one of it was active, or none, is about five.
How many were is not said, nor in which week. What was decided stays, so no late fact and no erasure shows by a change.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from pyroaring import BitMap

from belisha.metrics.actions import ACTIVE, KNOWN
from belisha.metrics.days import Period, months_before
from belisha.metrics.respect import AGE, MEMBERS, SETTLED
from belisha.metrics.rollups import ORGANISATION, Rollups

#: For so many months a member counts as one of the organisation in which they were last seen.
REACHES: Final = 12
_DAY: Final = timedelta(days=1)


def is_due(month: Period, today: date) -> bool:
    """Whether a month is decided about: late facts are in."""
    return month.last + SETTLED < today


def activity(rollups: Rollups, month: Period, today: date) -> dict[str, bool | None]:
    """Of each organisation of whose members anything was known in a year: whether one was active in a month.

    Everybody is of the organisation they were last seen in, up to the month's end, and of both where that day has two,
    for days know no order of what happened in them. Whose right to be here has ended by then is of none, and accounts
    under thirty days do not count. None stands where fewer than five are left.

    Args:
        rollups: them.
        month: a whole month that is due (`is_due`).
        today: the day on which this is decided.
    """
    gone, placed, found = BitMap(), BitMap(), dict[str, BitMap]()
    for day in reversed(list(Period(months_before(month.first, REACHES), month.last).days())):
        gone |= rollups.on("left", day) - placed
        seen = rollups.by(KNOWN, ORGANISATION, Period(day, day))
        for name, members in seen.items():
            found[name] = found.get(name, BitMap()) | (members - placed - gone)
        placed = placed.union(*seen.values())
    active, old = rollups.members(ACTIVE, month), rollups.before(KNOWN, today - AGE + _DAY)
    counting = {name: members & old for name, members in sorted(found.items()) if name}
    return {name: None if len(some) < MEMBERS else some.intersect(active) for name, some in counting.items()}
