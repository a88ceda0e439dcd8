"""Links to a month's few numbers, for sponsors: made by a manager, until they withdraw it or ninety days are over.

Whoever has a link needs no account, so a page behind one has four numbers of the month's frozen report, each about five
members or more, and the community's name; nothing that is decided or written later. The key stands in the link alone:
the database has its hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa

from bots.metrics.tables import report, sponsor

#: For so long a link leads somewhere, in seconds.
LASTS_S: Final = 90 * 86_400.0
#: So many there may be at once.
MOST: Final = 20


@dataclass(frozen=True, slots=True)
class SponsorLink:
    """A link that leads somewhere: its number, its month, when it was made, and until when, in seconds since 1970."""

    number: int
    month: date
    made: float
    until: float


class TooMany(Exception):
    """There are as many links as there may be."""


def make(connection: sa.Connection, month: date, now: float) -> str:
    """Makes a link to a month; its key.

    Raises:
        LookupError: the month has no report.
        TooMany: an older one has to be withdrawn before.
    """
    clear(connection, now)
    if connection.execute(sa.select(report.c.month).where(report.c.month == month.toordinal())).first() is None:
        raise LookupError
    if connection.execute(sa.select(sa.func.count()).select_from(sponsor)).scalar_one() >= MOST:
        raise TooMany
    key = secrets.token_hex(32)
    row = {"key": _hashed(key), "month": month.toordinal(), "made": now}
    connection.execute(sponsor.insert().values(row))
    return key


def links(connection: sa.Connection, now: float) -> Sequence[SponsorLink]:
    """Those that lead somewhere, the newest first."""
    query = sa.select(sponsor).where(sponsor.c.made > now - LASTS_S).order_by(sponsor.c.number.desc())
    return [
        SponsorLink(row.number, date.fromordinal(row.month), row.made, row.made + LASTS_S)
        for row in connection.execute(query)
    ]


def withdraw(connection: sa.Connection, number: int) -> None:
    """Has a link lead nowhere any more; nothing where it does so already."""
    connection.execute(sponsor.delete().where(sponsor.c.number == number))


def month_of_key(connection: sa.Connection, key: str, now: float) -> date | None:
    """The month to which a key leads; None where it leads nowhere."""
    fresh = (sponsor.c.key == _hashed(key)) & (sponsor.c.made > now - LASTS_S)
    found = connection.execute(sa.select(sponsor.c.month).where(fresh)).scalar_one_or_none()
    return None if found is None else date.fromordinal(found)


def clear(connection: sa.Connection, now: float) -> None:
    """Forgets links whose time is over."""
    connection.execute(sponsor.delete().where(sponsor.c.made <= now - LASTS_S))


def _hashed(key: str) -> str:
    # A key is 256 random bits: nothing is won by a slower hash.
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
