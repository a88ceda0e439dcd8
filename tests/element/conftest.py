"""What the module is built and checked with, installed once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.element.standin import served
from tests.portal.chromium import chromium
from tests.support.npm import install

MODULE = Path(__file__).resolve().parents[2] / "element-config" / "module"


@pytest.fixture(scope="session")
async def module() -> Path:
    """The module's folder, with its node_modules."""
    await install(MODULE, dev=True)
    return MODULE


@pytest.fixture(scope="module")
async def address(module: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where the stand-in for Element is."""
    async with served(module, tmp_path_factory.mktemp("element")) as found:
        yield found


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found
