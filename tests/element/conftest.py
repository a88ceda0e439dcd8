"""What the module is built and checked with, installed once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.npm import install

MODULE = Path(__file__).resolve().parents[2] / "element-config" / "module"


@pytest.fixture(scope="session")
async def module() -> Path:
    """The module's folder, with its node_modules."""
    await install(MODULE, dev=True)
    return MODULE
