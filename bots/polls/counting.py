"""Counts a poll as it was asked to be counted: until when, of whom, and with or without organisations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from belisha.polls.tally import Tally, tally
from bots.kernel.bot import PollFacts
from bots.kernel.store import Store
from bots.polls.tables import poll

#: What holds for a poll of which nothing was asked here.
PLAIN: Final[Mapping[str, Any]] = {
    "closes": None,
    "by_organisation": False,
    "quorum": None,
    "voters": "closing",
    "state": "open",
    "ended_at": None,
    "told_in": None,
    "place": None,
    "has_key": False,
}


def kept_of(connection: sa.Connection, event_id: str) -> Mapping[str, Any] | None:
    """The row of a poll."""
    row = connection.execute(sa.select(poll).where(poll.c.event_id == event_id)).mappings().one_or_none()
    return None if row is None else dict(row)


def until(facts: PollFacts, kept: Mapping[str, Any], now: float) -> int:
    """Until when votes count, in milliseconds since 1970: the due time, or the end where that is earlier."""
    due = kept["ended_at"] if kept["ended_at"] is not None else kept["closes"]
    moments = [*facts.ends[:1], *([] if due is None else [int(due * 1000)])]
    return min(moments, default=int(now * 1000))


def count(facts: PollFacts, kept: Mapping[str, Any], now: float) -> Tally:
    """Counts it; `now` in seconds since 1970 is the end of a poll that has none yet."""
    voters = facts.opening if kept["voters"] == "opening" else facts.closing
    organisations = voters if kept["by_organisation"] else None
    return tally(facts.start, facts.responses, until(facts, kept, now), voters, organisations)


class PollBook:
    """How polls are to be counted, for those outside the kernel's transactions."""

    def __init__(self, store: Store) -> None:
        """Reads from an open store."""
        self._store = store

    async def kept(self, event_id: str) -> Mapping[str, Any]:
        """The row of a poll, or what holds for one that has none."""
        return await self._store.read(lambda connection: kept_of(connection, event_id)) or PLAIN
