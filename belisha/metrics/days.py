"""Days, weeks and months by the community's clock.

A fact belongs to the day that its own time falls on, whenever it arrives. A day is what a calendar in the community's
time zone calls one, so it has 23 or 25 hours where the clock changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


class Period(NamedTuple):
    """Whole days, both ends included."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def __contains__(self, other: object) -> bool:
        """Whether a day, or every day of another period, lies in it."""
        if isinstance(other, Period):
            return self.first <= other.first and other.last <= self.last
        return isinstance(other, date) and self.first <= other <= self.last

    def overlaps(self, other: Period) -> bool:
        """Whether they have a day in common."""
        return self.first <= other.last and other.first <= self.last

    def days(self) -> Iterator[date]:
        """Its days in order."""
        return (self.first + _DAY * number for number in range(self.length))


def day_of(at: int, zone: ZoneInfo) -> date:
    """The day on which `at` falls, in milliseconds since 1970 (UTC), by the clock of `zone`."""
    return datetime.fromtimestamp(at // 1000, UTC).astimezone(zone).date()


def week_of(day: date) -> Period:
    """The week from Monday to Sunday (ISO 8601) that `day` lies in."""
    monday = day - _DAY * day.weekday()
    return Period(monday, monday + _DAY * 6)


def month_of(day: date) -> Period:
    """The calendar month that `day` lies in."""
    first = day.replace(day=1)
    return Period(first, (first + _DAY * 31).replace(day=1) - _DAY)


def months_before(day: date, count: int) -> date:
    """The first day of the month that lies so many months before that of a day."""
    for _ in range(count):
        day = month_of(day).first - _DAY
    return month_of(day).first


def weeks(within: Period) -> list[Period]:
    """The whole weeks that lie in a period, in order."""
    first = week_of(within.first)
    starts = (first.first + _DAY * 7 * number for number in range(within.length // 7 + 2))
    return [week for week in map(week_of, starts) if week in within]


def months(within: Period) -> list[Period]:
    """The whole months that lie in a period, in order."""
    found, month = [], month_of(within.first)
    while month.last <= within.last:
        if month in within:
            found.append(month)
        month = month_of(month.last + _DAY)
    return found
