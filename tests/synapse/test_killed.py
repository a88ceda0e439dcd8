"""kill -9 amid everything: what was acknowledged is there with its label, nothing is left half done (L1, L4, X1)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.bustle import Bustle
from tests.support.community import Community
from tests.support.server import Server
from tests.support.settled import own_community
from tests.support.workers import Workers
from tests.synapse.racing import Kind

#: In `make test-full` processes are killed amid sends and acts in test_workers.py, and at each step of acts elsewhere.
pytestmark = [pytest.mark.full, pytest.mark.nightly]
ROUNDS = 2


@pytest_asyncio.fixture(scope="module")
async def killed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: it is killed again and again."""
    async with own_community(tmp_path_factory.mktemp("killed") / "data") as here:
        yield here


async def crash(server: Server, chance: random.Random) -> None:
    """kill -9, and a new start; where there are workers, of any one of them."""
    if isinstance(server, Workers):
        name = chance.choice(("main", "client", "persister"))
        server.end_process(name)
        server.start_process(name)
        await server.ready()
    else:
        server.kill()
        await server.start()


async def test_killed_amid_everything(killed: Community) -> None:
    chance = random.Random(1)  # noqa: S311 - the moments of the kills
    bustle = Bustle(killed, 1)
    await bustle.make()
    bustle.start()
    for _ in range(ROUNDS):
        await bustle.busy(8)
        await asyncio.sleep(chance.uniform(0.0, 1.0))
        await crash(killed.server, chance)
    await bustle.busy(8)
    await bustle.stop()
    await bustle.check()
    assert bustle.answers[200] > 30, bustle.answers
    assert bustle.answers[None] > 0, "nobody noticed a kill"
    changed = Kind(killed)
    changed.room = bustle.changing
    assert changed.is_wrong() is None
