"""One community with its portal for all tests of pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.portal.support import Here, Visitor, running, settings_with
from tests.support.server import free_ports


@pytest.fixture(scope="session")
def element_port() -> int:
    """Where a stand-in for Element listens: another site than the portal's, since `localhost` is not `127.0.0.1`."""
    return free_ports(1)[0]


@pytest_asyncio.fixture(scope="session")
async def here(tmp_path_factory: pytest.TempPathFactory, element_port: int) -> AsyncIterator[Here]:
    settings = settings_with(f"http://localhost:{element_port}")
    async with running(tmp_path_factory.mktemp("portal") / "data", settings) as community:
        yield community


@pytest_asyncio.fixture(scope="session")
async def ana(here: Here) -> Visitor:
    """A browser in which Ana is signed in; no test ends it."""
    return await here.sign_in("ana")


@pytest_asyncio.fixture(scope="session")
async def finn(here: Here) -> Visitor:
    """The same for Finn, of another organisation."""
    return await here.sign_in("finn")
