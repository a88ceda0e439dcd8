"""Nothing is lost and nothing doubled, whatever is killed at whatever moment; beside it, plain push loses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bots.crash import Found, crash

ROUNDS, EVENTS = 8, 150


def as_it_must_be(found: Found, rounds: int = ROUNDS) -> None:
    assert sum(found.kills[what] for what in ("bots", "Synapse", "both")) == rounds
    assert len(found.kills) == 4, "each was killed, some after hanging"
    assert (found.lost, found.doubled, found.disordered, found.wrong) == (0, 0, 0, [])


@pytest.mark.full
@pytest.mark.nightly  # as on PostgreSQL, which `make test-full` has
async def test_crashes_on_sqlite(tmp_path: Path) -> None:
    as_it_must_be(await crash(tmp_path / "data", rounds=ROUNDS, events=EVENTS))
