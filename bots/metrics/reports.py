"""The reports of months that were frozen (`bots.metrics.monthly`), as they are read."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import sqlalchemy as sa

from bots.metrics.tables import report


def months(connection: sa.Connection) -> list[date]:
    """The first days of the months that have a report, the newest first."""
    found = connection.scalars(sa.select(report.c.month).order_by(report.c.month.desc()))
    return [date.fromordinal(one) for one in found]


def document(connection: sa.Connection, month: date) -> dict[str, Any] | None:
    """A month's report as it was frozen; None where there is none."""
    query = sa.select(report.c.document).where(report.c.month == month.toordinal())
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else dict(json.loads(found))
