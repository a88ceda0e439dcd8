"""How an organisation's members are confirmed again, as data and pure steps; days are UTC, from 1970 on (rule M1).

    nobody is due ── somebody was confirmed 90 days ago ──▶ asked ── 14 days ──▶ warned ── 14 days ──▶ over: frozen
          ▲                                                   │                    │
          └──────────────── all who were due are confirmed ───┴────────────────────┘

A community that is older than that when it begins is not asked all at once: whoever is due already is due two to six
weeks later, on a day of their organisation's, and those who will be asked are told on the first day (`baseline`).

Each step takes its days from when the one before was really done, however long nobody was there to do it: so whoever is
frozen was warned 14 days before. Those who moderate are not a lead's to lose, and are never due.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from zlib import crc32

#: How many days a confirmation holds, where the community has set nothing else.
HOLDS: Final = 90
#: So many days after the community begins with it nobody is due who was due then already.
NOTICE: Final = 14
#: Over so many days after that the organisations are spread.
SPREAD: Final = 28
#: How many days leads have before their members are warned.
ASKED: Final = 14
#: How many days there are between the warning and the freezing.
WARNED: Final = 14
#: How many days after its end a round is still told about.
TOLD: Final = 14
#: What stands as the role of who froze an account that nobody confirmed; leads may thaw it.
FROZEN_BY: Final = "recertification"


class Round(NamedTuple):
    """One round of an organisation; the days on which it was begun, its members were warned, and it was over."""

    asked: int
    warned: int | None = None
    ended: int | None = None
    frozen: tuple[str, ...] = ()
    """The localparts of those whom it has frozen."""

    @property
    def freezes(self) -> int:
        """The day on which whoever is not confirmed is frozen, as it looks now."""
        return (self.asked + ASKED if self.warned is None else self.warned) + WARNED


def baseline(organisation: str, begun: int, holds: int = HOLDS) -> int:
    """The day from which on an organisation's accounts count at the earliest, as if they were confirmed then.

    Args:
        organisation: its id, from which its place in the spread follows.
        begun: the day on which the community began with it.
        holds: how many days a confirmation holds.
    """
    return begun + NOTICE + crc32(organisation.encode()) % SPREAD - holds


def unconfirmed(confirmed: Mapping[str, int], day: int, holds: int = HOLDS) -> tuple[str, ...]:
    """Those who were due on a day, by the day of their last confirmation."""
    return tuple(sorted(name for name, last in confirmed.items() if day - last >= holds))


def advance(current: Round | None, confirmed: Mapping[str, int], today: int, holds: int = HOLDS) -> Round | None:
    """What becomes of an organisation's round; asked again on the same day, it is the same.

    Args:
        current: the round that is not over, if there is one.
        confirmed: the day of each account's last confirmation: those that can act, and moderate nobody.
        today: the day.
        holds: how many days a confirmation holds.
    """
    if current is None:
        return Round(today) if unconfirmed(confirmed, today, holds) else None
    left = unconfirmed(confirmed, current.asked, holds)
    if not left:
        return current._replace(ended=today)
    if current.warned is None:
        return current._replace(warned=today) if today - current.asked >= ASKED else current
    return current._replace(ended=today, frozen=left) if today - current.warned >= WARNED else current
