"""The database holds everybody up, or hangs up, amid sends: then it goes on, and nothing is half done (L1, L4, X1)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.bustle import Bustle
from tests.support.community import FAST, Community, started
from tests.support.server import Server
from tests.support.workers import Workers

#: `make test-full` has a database that fails in `test_faults.py`, and processes that are killed in `test_workers.py`.
pytestmark = [pytest.mark.full, pytest.mark.nightly]
#: Longer than SQLite waits for a lock before it fails, in seconds.
HELD = 7.0


@pytest_asyncio.fixture(scope="module")
async def locked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone, on one process with SQLite or on several with PostgreSQL."""
    server: Server = request.param(tmp_path_factory.mktemp("locked") / "data", overrides=FAST)
    async with started(server) as here:
        yield here


@contextlib.contextmanager
def held(server: Server) -> Iterator[None]:
    """Nobody else writes: on SQLite nothing, on PostgreSQL nothing of ours."""
    if isinstance(server, Workers):
        with server._connected() as cursor:
            cursor.execute("LOCK TABLE belisha_item, belisha_room, belisha_review, belisha_revision")
            yield
    else:
        path = server.data / "homeserver.db"
        with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            yield
            database.execute("ROLLBACK")


# Workers first in both, so that they are started once.
@pytest.mark.parametrize("locked", [Workers, Server], indirect=True)
async def test_held_up_amid_everything(locked: Community) -> None:
    bustle = Bustle(locked, 2)
    await bustle.make()
    bustle.start()
    await bustle.busy(8)
    with held(locked.server):
        before = len(bustle.told)
        await asyncio.sleep(HELD)
        assert len(bustle.told) <= before + 8, "it held nobody up"
    await bustle.busy(8)
    await bustle.stop()
    await bustle.check()


@pytest.mark.parametrize("locked", [Workers], indirect=True)
async def test_hung_up_on_amid_everything(locked: Community) -> None:
    """On PostgreSQL alone: SQLite has no connections that could be ended."""
    server = locked.server
    assert isinstance(server, Workers)
    bustle = Bustle(locked, 3)
    await bustle.make()
    bustle.start()
    for _ in range(2):
        await bustle.busy(8)
        with server._connected() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await bustle.busy(8)
    await bustle.stop()
    await bustle.check()
