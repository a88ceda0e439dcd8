"""As `test_crash.py`, with the bots' tables in PostgreSQL; a file of its own, so that the two run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bots.crash import crash
from tests.bots.test_crash import EVENTS, ROUNDS, as_it_must_be
from tests.support.databases import postgresql


@pytest.mark.full
async def test_crashes_on_postgresql(tmp_path: Path) -> None:
    with postgresql() as address:
        found = await crash(tmp_path / "data", rounds=ROUNDS, events=EVENTS, seed=2, bots_database=address)
    as_it_must_be(found)
