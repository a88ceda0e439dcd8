"""Rules: when something comes again, on the wall's clock in a time zone with summer time, or every so many seconds.

Pure; the clock is given.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LONGEST_GAP = 400  # days; no rule's days lie further apart


@dataclass(frozen=True, slots=True)
class Rule:
    """A time of the day, on every day or on some."""

    at: time
    weekdays: frozenset[int] = frozenset()
    """0 is Monday; empty for every day."""
    day: int | None = None
    """The day of the month; the month's last where it has fewer."""
    every: int | None = None
    """It comes every so many seconds, whatever the rest says."""

    def falls_on(self, day: date) -> bool:
        """Whether the rule holds for a day."""
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        if self.day is None:
            return True
        is_last = (day + timedelta(days=1)).day == 1
        return day.day == self.day or (is_last and day.day < self.day)


def next_due(rule: Rule, after: float, zone: ZoneInfo) -> float:
    """The rule's next time, in seconds since 1970.

    Each day has the time once: one that the clocks skip comes as much later as they skip, and of one that comes
    twice the first counts (PEP 495, fold=0).

    Args:
        rule: The rule.
        after: Seconds since 1970; the answer is later.
        zone: Where the clock hangs.

    Raises:
        ValueError: The rule never comes.
    """
    if rule.every is not None:
        return float((after // rule.every + 1) * rule.every)
    first = datetime.fromtimestamp(after, zone).date() - timedelta(days=1)
    for offset in range(_LONGEST_GAP):
        day = first + timedelta(days=offset)
        if rule.falls_on(day):
            due = datetime.combine(day, rule.at, zone).astimezone(UTC).timestamp()
            if due > after:
                return due
    raise ValueError("this rule names no day that comes")


def share_of(key: str) -> float:
    """From 0 up to 1, the same for the same key: by it what is due for many at once is spread over a time."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32
