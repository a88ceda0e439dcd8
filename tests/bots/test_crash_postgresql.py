"""As `test_crash.py`, with the bots' tables in PostgreSQL; a file of its own, so that the two run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bots.crash import crash
from tests.bots.test_crash import EVENTS, ROUNDS, as_it_must_be
from tests.support.databases import postgresql
from tests.support.sampling import sampled

#: Rounds, events and a seed: of four rounds, one in which each is killed, some after hanging.
_FEW, _MANY = (4, 100, 54), (ROUNDS, EVENTS, 2)


@pytest.mark.full
@pytest.mark.parametrize(("rounds", "events", "seed"), sampled((_FEW, _MANY), (_FEW,)), ids=["few", "many"])
async def test_crashes_on_postgresql(tmp_path: Path, rounds: int, events: int, seed: int) -> None:
    with postgresql() as address:
        found = await crash(tmp_path / "data", rounds=rounds, events=events, seed=seed, bots_database=address)
    as_it_must_be(found, rounds)
