"""The usual community, settled once in a test run and copied from then on: four seconds less for each file of tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from belisha.settings import Settings
from tests.support import topology
from tests.support.community import FAST, Community, settle, steward_of
from tests.support.server import ended
from tests.support.workers import Workers


@dataclass(frozen=True)
class _Settled:
    folder: tempfile.TemporaryDirectory[str]
    #: Each member's user id, device id and access token, by their name.
    sessions: dict[str, tuple[str, str, str]]
    rooms: dict[str, str]

    @property
    def data(self) -> Path:
        return Path(self.folder.name) / "data"

    @property
    def database(self) -> Path:
        return Path(self.folder.name) / "database"


_settled: list[_Settled] = []


async def make_community(data: Path, changed: Settings | None = None, module: str | None = None) -> Community:
    """Starts the server and makes members and rooms; the caller stops it.

    Args:
        data: the data folder, which is not there yet.
        changed: belisha.yaml, the example's where none are given.
        module: a test's subclass of the module, which Synapse loads in its place.
    """
    if changed is None:
        return await _copy(data, module)
    server = topology.make_server(data, changed, overrides=FAST, module=module)
    await server.start()
    return await settle(server)


@asynccontextmanager
async def own_community(data: Path, module: str | None = None) -> AsyncIterator[Community]:
    """The usual community for one file of tests alone; it is ended whatever happens."""
    here = await make_community(data, module=module)
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def _copy(data: Path, module: str | None) -> Community:
    if not _settled:
        _settled.append(await _settle())
    first = _settled[0]
    shutil.copytree(first.data, data, ignore=shutil.ignore_patterns("logs", "workers"))
    server = topology.make_server(data, overrides=FAST, module=module)
    if isinstance(server, Workers):
        server.database_of = first.database
    await server.start()
    here = Community(server, rooms=dict(first.rooms))
    for name, session in first.sessions.items():
        here.people[name] = server.client(name)
        here.people[name].restore_login(*session)
    here.people["steward"] = steward_of(server)
    return here


async def _settle() -> _Settled:
    folder = tempfile.TemporaryDirectory(prefix="belisha-settled-")
    server = topology.make_server(Path(folder.name) / "data", overrides=FAST)
    if isinstance(server, Workers):
        server.database_kept = Path(folder.name) / "database"
    with ended(server):
        await server.start()
        here = await settle(server)
        await here.close()
    members = {name: client for name, client in here.people.items() if name != "steward"}
    sessions = {name: (each.user_id, each.device_id, each.access_token) for name, each in members.items()}
    return _Settled(folder, sessions, here.rooms)
