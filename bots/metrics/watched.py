"""The community's figures for Prometheus: of the newest week and month, what was decided to be shown, and nothing else.

Each series is there from the start, with the labels below and no others; one that is withheld is NaN. Days and rolling
windows are shown to nobody (`belisha.metrics.respect`), so there is none of them here either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from belisha.metrics.days import Period, month_of, week_of
from bots.metrics.tables import shown

#: What members did, by how it is called in the label `did`: measure and part.
DID: Final[Mapping[str, tuple[str, str]]] = {
    "active": ("active", ""),
    "returned": ("growth", "returning"),
    "came": ("growth", "came"),
    "quiet": ("growth", "quiet"),
    "contributed": ("reading", "contributed"),
}
#: Shares, by how they are called in the label `of`: measure and figure.
SHARES: Final[Mapping[str, tuple[str, str]]] = {
    "days_active": ("active", "stickiness"),
    "busiest_tenth": ("top_decile", "share"),
}
PERIODS: Final = ("week", "month")
#: Weeks and months about which something was decided, so many of the newest; the newest of each is among them.
_NEWEST: Final = 12
_DAY: Final = timedelta(days=1)


def page(connection: sa.Connection) -> bytes:
    """The text that Prometheus reads."""
    here = CollectorRegistry()
    members = Gauge(
        "belisha_community_members",
        "Members who did something in the newest period; NaN where that is not shown.",
        ["did", "period"],
        registry=here,
    )
    groups = Gauge(
        "belisha_community_groups",
        "Groups with so many active members that their number is shown.",
        ["period"],
        registry=here,
    )
    share = Gauge("belisha_community_share", "Shares beside them, of 1.", ["of", "period"], registry=here)
    ended = Gauge(
        "belisha_community_period_end_seconds",
        "The first moment (UTC) of the day after the newest period, in seconds since 1970.",
        ["period"],
        registry=here,
    )
    found = _newest(connection)
    for name in PERIODS:
        cells = _cells(connection, found[name]) if name in found else {}
        for did, which in DID.items():
            members.labels(did, name).set(_number(cells.get(which, (None, {}))[0]))
        for of, (measure, figure) in SHARES.items():
            number, figures = cells.get((measure, ""), (None, {}))
            share.labels(of, name).set(_number(None if number is None else figures.get(figure)))
        listed = [one for (measure, _part), (one, _) in cells.items() if measure == "group"]
        groups.labels(name).set(_number(sum(one is not None for one in listed) if name in found else None))
        ended.labels(name).set(_midnight(found[name].last + _DAY) if name in found else math.nan)
    return generate_latest(here)


def _newest(connection: sa.Connection) -> dict[str, Period]:
    """The newest week and month of which the active members were decided about."""
    query = sa.select(shown.c.first, shown.c.last).where(shown.c.measure == "active")
    found: dict[str, Period] = {}
    for row in connection.execute(query.order_by(shown.c.first.desc()).limit(_NEWEST)):
        period = Period(date.fromordinal(row.first), date.fromordinal(row.last))
        for name, whole in (("week", week_of(period.first)), ("month", month_of(period.first))):
            if period == whole:
                found.setdefault(name, period)
    return found


def _cells(connection: sa.Connection, period: Period) -> dict[tuple[str, str], tuple[int | None, Mapping[str, float]]]:
    """What was decided about a period, by measure and part."""
    here = (shown.c.first == period.first.toordinal()) & (shown.c.last == period.last.toordinal())
    rows = connection.execute(sa.select(shown).where(here))
    return {(row.measure, row.part): (row.members, json.loads(row.figures)) for row in rows}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
