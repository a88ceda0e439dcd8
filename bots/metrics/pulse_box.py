"""The pulses that were asked, and their sealed answers: the portal's way to them, and what the steward's part keeps.

The answers are ballots of anonymous polls (`bots.polls.ballot_box`): sealed under a key that lies in a file of its own,
is in no backup, and is destroyed when they are counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from belisha.metrics.pulse import Given, choices
from belisha.polls.ballots import Ballot
from bots.kernel.store import Store
from bots.metrics.tables import pulse
from bots.polls.ballot_box import Closed, put, voted
from bots.polls.key_files import KeyFiles

OPEN, COUNTED, DROPPED = "open", "counted", "dropped"


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse that was asked.

    Attributes:
        quarter: the first day of its quarter.
        closes: when no answer is taken any more, in seconds since 1970.
        state: `open` until it is counted, `counted`, or `dropped` where its key was lost.
        has_key: whether anybody has answered.
    """

    quarter: date
    closes: float
    state: str
    has_key: bool

    @property
    def kept(self) -> Mapping[str, Any]:
        """As the box of ballots knows it."""
        return {"event_id": ballot_id(self.quarter), "has_key": self.has_key}

    def is_open(self, now: float) -> bool:
        """Whether it takes answers."""
        return self.state == OPEN and now < self.closes


def ballot_id(quarter: date) -> str:
    """What its ballots are kept under, and its key: no event's id, since those begin otherwise."""
    return f"pulse {quarter.isoformat()}"


def of(connection: sa.Connection, quarter: date) -> Pulse | None:
    """The pulse of a quarter; None where it was not asked."""
    row = connection.execute(sa.select(pulse).where(pulse.c.quarter == quarter.toordinal())).one_or_none()
    return None if row is None else _pulse(row)


def has_answered(connection: sa.Connection, keys: KeyFiles, one: Pulse, members: Collection[str]) -> set[str]:
    """Those of some members who have answered one that is not counted.

    Raises:
        LostKey: nobody can tell any more.
    """
    return voted(connection, keys, one.kept, members)


class PulseBox:
    """The portal's way to pulses."""

    def __init__(self, store: Store, keys: KeyFiles, now: Callable[[], float] = time.time) -> None:
        """Keeps answers in an open store, and their keys in files."""
        self._store = store
        self._keys = keys
        self._now = now

    async def present(self) -> Pulse | None:
        """The pulse that takes answers at this moment."""
        query = sa.select(pulse).where(pulse.c.state == OPEN).order_by(pulse.c.quarter.desc()).limit(1)
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        found = None if row is None else _pulse(row)
        return found if found is not None and found.is_open(self._now()) else None

    async def has_answered(self, one: Pulse, user_id: str) -> bool:
        """Whether a member has answered it.

        Raises:
            LostKey: nobody can tell any more.
        """
        return bool(await self._store.read(lambda connection: has_answered(connection, self._keys, one, (user_id,))))

    async def answer(self, one: Pulse, user_id: str, once: str, given: Given) -> None:
        """Takes an answer in the place of the member's earlier one.

        Args:
            one: the pulse.
            user_id: who answers: a member, as the module said a moment ago.
            once: what a form that is sent twice carries twice.
            given: the points.

        Raises:
            Closed: it takes none any more.
            LostKey: nobody can count it any more.
        """

        def work(connection: sa.Connection) -> None:
            # The row's lock keeps counting and other replicas apart from this; SQLite has one writer anyway.
            mine = pulse.c.quarter == one.quarter.toordinal()
            found = _pulse(connection.execute(sa.select(pulse).where(mine).with_for_update()).one())
            if not found.is_open(self._now()):
                raise Closed
            event_id = ballot_id(found.quarter)
            if found.has_key:
                key = self._keys.read(event_id)
            else:
                key = self._keys.make(event_id)
                connection.execute(pulse.update().where(mine).values(has_key=True))
            put(connection, self._keys, key, event_id, user_id, Ballot(key.receipt(user_id, once), choices(given)))

        await self._store.write(work)


def _pulse(row: sa.Row[tuple[object, ...]]) -> Pulse:
    return Pulse(date.fromordinal(row.quarter), row.closes, row.state, bool(row.has_key))
