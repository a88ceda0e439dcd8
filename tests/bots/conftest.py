"""A database, a service and a homeserver for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bots.charts.artist import Artist
from bots.kernel.store import Store
from tests.bots.support import DRAWN, BotsProcess, Homeserver, write_config
from tests.support.server import free_ports


@pytest.fixture
async def homeserver() -> AsyncIterator[Homeserver]:
    async with Homeserver() as server:
        yield server


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/bots.db", busy_timeout=0.2)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def process(tmp_path: Path, homeserver: Homeserver) -> AsyncIterator[BotsProcess]:
    process = BotsProcess(write_config(tmp_path, homeserver.url, free_ports(1)[0]))
    yield process
    process.end()


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was to be drawn; nothing is, to save time."""
    asked: list[Any] = []

    async def draw(_artist: Artist, chart: Any) -> bytes:
        asked.append(chart)
        return DRAWN

    monkeypatch.setattr(Artist, "draw", draw)
    return asked
