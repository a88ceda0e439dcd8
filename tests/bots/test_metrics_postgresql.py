"""Figures, journeys, pulses, reports and named organisations of eight months come out alike in both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.metrics.respect import Release
from bots.kernel.store import Store
from bots.metrics import named, publishing, reports, rolling
from bots.metrics.sample import fill
from bots.metrics.tables import day, fact
from tests.bots.test_schedule import LONDON, at
from tests.support.databases import postgresql

#: `make test-full` has `bench metrics --quick`, in which both databases have to agree.
pytestmark = [pytest.mark.full, pytest.mark.nightly]
NOW = at("2026-11-30 07:00")


@asynccontextmanager
async def filled(database: str) -> AsyncIterator[Store]:
    """A store with the figures of the pilot."""
    store = Store(database)
    await store.open()
    try:
        await store.write(lambda connection: fill(connection, NOW, LONDON))
        yield store
    finally:
        await store.close()


async def told(store: Store) -> dict[str, Any]:
    """All that anybody may be shown, and what it is made of."""

    def look(connection: sa.Connection) -> dict[str, Any]:
        made = [reports.document(connection, month) for month in reports.months(connection)]
        days = connection.execute(sa.select(day.c.day, day.c.facts, day.c.rollup).order_by(day.c.day)).all()
        return {
            "release": publishing.read(connection),
            "named": named.read(connection),
            "reports": made,
            "days": [(row.day, row.facts, bytes(row.rollup)) for row in days],
        }

    return await store.read(look)


async def test_both_databases_tell_the_same(tmp_path: Path) -> None:
    with postgresql() as address:
        async with filled(f"sqlite:///{tmp_path}/bots.db") as one, filled(address) as other:
            expected = await told(one)
            release: Release = expected["release"]
            measures = {name.measure for name, shown in release.items() if shown.members is not None}
            assert {"active", "move", "pulse", "reports", "asks", "funnel"} <= measures
            assert expected["reports"] and True in expected["named"].values()
            assert await told(other) == expected
            rebuilt = await other.write(lambda connection: rolling.rebuild(connection, NOW, LONDON))
            assert rebuilt == (len(expected["days"]), [])
            for store in (one, other):
                lowest = sa.select(sa.func.min(fact.c.member))
                number = await store.read(lambda connection, lowest=lowest: connection.execute(lowest).scalar_one())  # type: ignore[misc]
                await store.write(lambda connection, number=number: rolling.forget(connection, number))  # type: ignore[misc]
            assert [row[0::2] for row in (await told(other))["days"]] == [
                row[0::2] for row in (await told(one))["days"]
            ]
