"""When a poll closes: “Friday 17:00”, “2d”, “2026-06-05 17:00”, by the clock on the community's wall."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from belisha.commands.values import Type, Wrong
from belisha.translation import _, marked

#: A poll is closed by itself within so many days.
LONGEST_DAYS: Final = 366
#: What is accepted, as examples.
EXAMPLES: Final = "Friday 17:00, tomorrow 9:00, 17:00, 2026-06-05 17:00, 90m, 6h, 2d, 1w"

_UNKNOWN: Final = marked("I do not understand when that is. Please write it in one of these ways: {examples}.")
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_AFTER: Final = re.compile(r"(\d{1,4})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.ASCII)
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MOMENT: Final = re.compile(
    r"(?:(?P<date>\d{4}-\d{2}-\d{2})|(?P<word>[a-z]+))?[ t,]*(?:at )?(?P<hour>[01]?\d|2[0-3])[:.](?P<minute>[0-5]\d)",
    re.ASCII,
)


class NoDeadline(ValueError):
    """A poll cannot close then; `str()` is a sentence for who asked, with what is accepted."""


def deadline(text: str, now: float, zone: ZoneInfo) -> float:
    """The moment that a text names, in seconds since 1970.

    A time that the clocks skip comes as much later as they skip; of one that comes twice the first counts, or
    the second where the first is over (PEP 495). A length of time is one of the clock that runs: `1d` is 24 hours.

    Args:
        text: what was written.
        now: the present moment, in seconds since 1970.
        zone: where the clock hangs.

    Raises:
        NoDeadline: it names no moment, one that is over, or one that is too far away.
    """
    due = _due(_normal(text), now, zone)
    if due is None:
        raise NoDeadline(unknown_format())
    if due <= now:
        raise NoDeadline(
            _("That moment is over. Please name one to come, such as: {examples}.").format(examples=EXAMPLES)
        )
    if due > now + LONGEST_DAYS * 86_400:
        raise NoDeadline(_("A poll closes within a year. Please name an earlier moment."))
    return due


def unknown_format() -> str:
    """What is said where a text names no moment."""
    return _(_UNKNOWN).format(examples=EXAMPLES)


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _due(text: str, now: float, zone: ZoneInfo) -> float | None:
    if after := _AFTER.fullmatch(text):
        return now + int(after[1]) * _SECONDS[after[2][0]]
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    at = time(int(found["hour"]), int(found["minute"]))
    today = datetime.fromtimestamp(now, zone).date()
    if found["date"]:
        try:
            return _on(date.fromisoformat(found["date"]), at, now, zone)
        except (ValueError, OverflowError):
            return None
    word = found["word"]
    if word in (None, "today"):
        due = _on(today, at, now, zone)
        return due if due > now or word == "today" else _on(today + timedelta(days=1), at, now, zone)
    if word == "tomorrow":
        return _on(today + timedelta(days=1), at, now, zone)
    days = [place for place, name in enumerate(_WEEKDAYS) if len(word) >= 2 and name.startswith(word)]
    if len(days) != 1:
        return None
    day = today + timedelta(days=(days[0] - today.weekday()) % 7)
    due = _on(day, at, now, zone)
    return due if due > now else _on(day + timedelta(days=7), at, now, zone)


def _on(day: date, at: time, now: float, zone: ZoneInfo) -> float:
    first, second = (datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC).timestamp() for fold in (0, 1))
    # Where the clocks skip, fold=1 comes first, and counts for nothing.
    return second if first <= now < second else first


def _read(text: str) -> str | Wrong:
    # Whether it is over is for those to say who have a clock; that it names a moment shows at any.
    normal = _normal(text)
    if _due(normal, 0.0, ZoneInfo("UTC")) is None:
        return Wrong(_UNKNOWN, (("examples", EXAMPLES),))
    return normal


#: What a command takes as a deadline.
DEADLINE: Final = Type(_read, takes_rest=True, shown="WHEN")
