"""Since when accounts are there, and the day on which each was last active; no time of the day, no device, no address.

Synapse keeps it in three places, each of which forgets: a device with its session, an address after four weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction

DAY_S: Final = 86_400
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).date()
_AT_ONCE: Final = 200
_SEEN: Final = (
    "SELECT user_id, MAX(last_seen) FROM devices WHERE user_id IN ({}) GROUP BY user_id",
    "SELECT user_id, MAX(last_seen) FROM user_ips WHERE user_id IN ({}) GROUP BY user_id",
    "SELECT user_id, MAX(timestamp) FROM user_daily_visits WHERE user_id IN ({}) GROUP BY user_id",
)


class Activity(NamedTuple):
    """Days since 1970 (UTC); `last` is None for who never signed in, as far as is known."""

    since: int
    last: int | None


def day_of(seconds: float) -> int:
    """The day of a time, both since 1970."""
    return int(seconds // DAY_S)


def date_of(day: int) -> str:
    """A day as it is told: `2026-03-02`."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def of(txn: LoggingTransaction, user_ids: Sequence[str]) -> dict[str, Activity]:
    """When accounts were there; those that Synapse does not have are left out."""
    since: dict[str, int] = {}
    last: dict[str, int] = {}
    for some in _parts(user_ids):
        places = ", ".join("?" for _ in some)
        txn.execute(f"SELECT name, creation_ts FROM users WHERE name IN ({places})", tuple(some))  # noqa: S608 - marks
        since |= {row[0]: day_of(int(row[1] or 0)) for row in txn.fetchall()}
        for statement in _SEEN:
            txn.execute(statement.format(places), tuple(some))
            for user_id, seen_ms in txn.fetchall():
                if seen_ms:
                    last[user_id] = max(last.get(user_id, 0), day_of(int(seen_ms) / 1000))
    return {user_id: Activity(day, last.get(user_id)) for user_id, day in since.items()}


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
