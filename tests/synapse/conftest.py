"""One server with one small community for the whole run."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.community import Community
from tests.support.settled import own_community


@pytest_asyncio.fixture(scope="session")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """The community that most tests share; a test changes no room or member that another reads."""
    async with own_community(tmp_path_factory.mktemp("community") / "data") as here:
        yield here
