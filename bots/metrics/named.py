"""In which months organisations were active, kept for those that let themselves be named (`belisha.metrics.naming`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import sqlalchemy as sa

from belisha.metrics import naming
from belisha.metrics.days import Period, month_of
from belisha.metrics.rollups import Rollups
from bots.metrics.tables import named

#: By month and organisation whether it was active; None where that is withheld.
Named = Mapping[tuple[Period, str], bool | None]


def decide(connection: sa.Connection, rollups: Rollups, months: Sequence[Period], today: date) -> None:
    """Decides about the months that are due, once and for good."""
    known = {date.fromordinal(one) for one in connection.scalars(sa.select(named.c.month).distinct())}
    for month in months:
        if month.first in known or not naming.is_due(month, today):
            continue
        rows = [
            {"month": month.first.toordinal(), "organisation": name, "active": active}
            for name, active in naming.activity(rollups, month, today).items()
        ]
        if rows:
            connection.execute(named.insert(), rows)


def read(connection: sa.Connection) -> Named:
    """What was decided."""
    rows = connection.execute(sa.select(named))
    return {(month_of(date.fromordinal(one.month)), one.organisation): one.active for one in rows}
