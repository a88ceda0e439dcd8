"""Dead letters: what was given up, to be looked at, tried again or dropped. Without content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bots.kernel.store import Store
from bots.kernel.tables import inbox, job, outbox


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One thing that was given up."""

    key: str
    """By which it is named: `in-`, `out-` or `job-` and a number."""
    about: str
    since: float
    attempts: int
    error: str


_AGAIN = {"state": "pending", "attempts": 0, "not_before": 0.0}


class DeadLetters:
    """The dead letters of a store."""

    def __init__(self, store: Store) -> None:
        """Works on an open store."""
        self._store = store

    async def all(self) -> list[DeadLetter]:
        """Every one, oldest first in each of the three tables."""
        async with self._store.reading() as connection:
            events = (await connection.execute(_failed(inbox).order_by(inbox.c.received))).all()
            effects = (await connection.execute(_failed(outbox).order_by(outbox.c.number))).all()
            jobs = (await connection.execute(_failed(job).order_by(job.c.number))).all()
        return [
            *(
                DeadLetter(f"in-{row.received}", f"event {row.event_id} in {row.room_id}", row.received_at, *_end(row))
                for row in events
            ),
            *(
                DeadLetter(f"out-{row.number}", f"{row.bot}: {row.kind} in {row.lane}", row.created_at, *_end(row))
                for row in effects
            ),
            *(DeadLetter(f"job-{row.number}", f"{row.bot}: {row.name}", row.due, *_end(row)) for row in jobs),
        ]

    async def retry(self, keys: Sequence[str]) -> int:
        """Has them tried again; how many there were."""
        changed = 0
        async with self._store.writing() as connection:
            for table, of in _by_table(keys):
                changed += (await connection.execute(table.update().where(of).values(_AGAIN))).rowcount
        return changed

    async def drop(self, keys: Sequence[str]) -> int:
        """Forgets them, their content first of all; how many there were. An event's id stays known."""
        changed = 0
        async with self._store.writing() as connection:
            for table, of in _by_table(keys):
                if table is inbox:
                    gone: sa.Update | sa.Delete = table.update().where(of).values(state="handled", json=None)
                else:
                    gone = table.delete().where(of)
                changed += (await connection.execute(gone)).rowcount
        return changed


def _failed(table: sa.Table) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(table.c.state == "failed")


def _end(row: sa.Row[tuple[object, ...]]) -> tuple[int, str]:
    return row.attempts, row.last_error or ""


def _by_table(keys: Sequence[str]) -> list[tuple[sa.Table, sa.ColumnElement[bool]]]:
    found: list[tuple[sa.Table, sa.ColumnElement[bool]]] = []
    for table, prefix, number in (
        (inbox, "in-", inbox.c.received),
        (outbox, "out-", outbox.c.number),
        (job, "job-", job.c.number),
    ):
        numbers = [int(key.removeprefix(prefix)) for key in keys if key.startswith(prefix)]
        if numbers:
            found.append((table, (table.c.state == "failed") & number.in_(numbers)))
    return found
