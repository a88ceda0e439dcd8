"""A real Synapse with Belisha's module, from the configuration that `belisha render` writes, in a temporary folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import nio

from belisha import secrets
from belisha.render import Place, render, write
from belisha.resources import shipped
from belisha.settings import Settings, load
from tests.support import forking, processes

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long sample password"
PRODUCT_MODULE = "synapse_modules.module.BelishaModule"
#: How long a start may take on a machine that others use too; a process that ends, ends the waiting.
_START_S = 300.0
#: Of the 10,000 that the product's own choice leaves out (belisha/cli/ports.py), for each of five processes.
_PORTS_OF_ONE: Final = 2_000


@dataclass
class _Given:
    """How far the ports of this process of the test run are given away: it begins anywhere, other runs may be near."""

    lowest: int = 10_000 + _PORTS_OF_ONE * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 5)
    place: int = field(default_factory=lambda: random.randrange(_PORTS_OF_ONE))  # noqa: S311 - no secret


_given: Final = _Given()


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nothing listens on, one behind the other, all free at the same moment.

    They lie below those that the kernel gives to connections, so none is taken while a server is down for a restart.
    What was given before, here or to another process of the test run, may be about to be used, so others are given.
    """
    while True:
        first = _given.place
        _given.place += count
        if _given.place > _PORTS_OF_ONE:
            _given.place = 0
            continue
        ports = [_given.lowest + first + more for more in range(count)]
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in ports:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return ports


class Server:
    """One homeserver process; `start`, `stop` and `kill` as often as wanted over the same data.

    `tests.support.workers.Workers` is the same community on several processes.
    """

    def __init__(
        self, data: Path, settings: Settings | None = None, overrides: str = "", module: str | None = None
    ) -> None:
        """Renders the configuration.

        Args:
            data: the data folder.
            settings: belisha.yaml, the example's where none are given.
            overrides: YAML that comes behind the rendered homeserver.yaml and so wins.
            module: a test's subclass of the module, `package.module.Class`, which Synapse loads in its place.
        """
        data.mkdir(parents=True, exist_ok=True)
        (data / "logs").mkdir(exist_ok=True)
        port, _portal, bots, metrics = free_ports(4)
        self.data = data
        self.settings = settings or load(shipped("config", "belisha.example.yaml"))
        self.place = Place(data, port, bots, metrics)
        write(render(self.settings, self.place, secrets.ensure(data)), self.place.rendered)
        config = self.place.rendered / "homeserver.yaml"
        rendered = config.read_text().replace(PRODUCT_MODULE, module or PRODUCT_MODULE)
        config.write_text(f"{rendered}\n{overrides}")
        self.url = self.place.homeserver
        self.name = self.settings.server_name
        #: Each process's own address, and its metrics, by the process's name.
        self.urls = {"main": self.url}
        self.metrics_urls = {"main": f"http://127.0.0.1:{metrics}/metrics"}
        self._running: dict[str, processes.Process] = {}

    # --- Processes ---------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The main process that runs now."""
        return self._running["main"].pid

    @property
    def pids(self) -> list[int]:
        """All processes of Synapse that run now."""
        return [each.pid for name, each in self._running.items() if name in self.urls]

    def processor_seconds(self) -> float:
        """What its processes have computed up to now, in seconds, as proc(5) tells it."""
        ticks = 0
        for each in self._running.values():
            fields = Path(f"/proc/{each.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    async def start(self) -> None:
        """Starts Synapse and waits until the module has made the rooms of the start."""
        self.start_synapse("main", "synapse.app.homeserver")
        await self.ready()

    def start_synapse(self, name: str, app: str, *more: Path) -> None:
        """Starts one process of Synapse with homeserver.yaml, and what more of settings it has."""
        self.start_configured(name, app, (self.place.rendered / "homeserver.yaml", *more))

    def start_configured(self, name: str, app: str, configs: Sequence[Path]) -> None:
        """Starts one process of Synapse with its files of settings, of which later ones win."""
        arguments = [part for config in configs for part in ("-c", str(config))]
        self._running[name] = forking.start(app, arguments, self._log, cwd=self.data, env=os.environ)

    def _run(self, name: str, command: list[str]) -> None:
        self._running[name] = processes.start(command, self._log, cwd=self.data)

    @property
    def _log(self) -> Path:
        return self.data / "logs" / "console.log"

    async def ready(self) -> None:
        """Waits until the module has made the rooms of the start."""
        await self._wait_for(self._is_founded, "the community")

    async def _is_founded(self) -> bool:
        status, body = await self.local("GET", "status")
        return status == 200 and bool(body["ready"])

    async def _wait_for(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and all(each.poll() is None for each in self._running.values()):
            with contextlib.suppress(aiohttp.ClientError, AssertionError):
                if await condition():
                    return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{what} did not start:\n" + self._log.read_text()[-4000:])

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends the processes and waits for them."""
        for process in self._running.values():
            process.send_signal(number)
        for process in self._running.values():
            processes.end(process, number)
        self._running.clear()

    def _end(self, name: str, number: int) -> None:
        processes.end(self._running.pop(name), number)

    def kill(self) -> None:
        """kill -9."""
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """Ends everything for good, the database too."""
        self.stop()

    # --- The database ------------------------------------------------------------------------------------------

    def query(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Reads Synapse's database; question marks stand for the values, as in SQLite."""
        database = sqlite3.connect(f"file:{self.data / 'homeserver.db'}?mode=ro", uri=True, timeout=30)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(statement, values).fetchall()]
        finally:
            database.close()

    def tables(self) -> list[str]:
        """The names of all tables of Synapse's database."""
        return [row["name"] for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def change(self, statement: str, *values: object) -> None:
        """Changes Synapse's database behind its back."""
        with contextlib.closing(sqlite3.connect(self.data / "homeserver.db", timeout=30)) as database, database:
            database.execute(statement, values)

    # --- Requests ----------------------------------------------------------------------------------------------

    async def local(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """One request to the module's local API, with its secret."""
        secret = (self.data / "secrets" / "module_api").read_text().strip()
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method,
                f"{self.url}/_synapse/org.belisha/local/v1/{path}",
                json=body,
                headers={"Authorization": f"Bearer {secret}"},
            ) as answer,
        ):
            return answer.status, await answer.json()

    async def organisation(self, key: str, category: str = "charity") -> None:
        """Adds an organisation."""
        status, body = await self.local(
            "PUT", f"organisations/{key}", {"name": key.title(), "category": category, "domains": []}
        )
        assert status == 200, body

    async def member(self, localpart: str, organisation: str, *roles: str) -> nio.AsyncClient:
        """Adds a member and signs it in."""
        status, body = await self.local(
            "PUT",
            f"members/{localpart}",
            {
                "name": localpart.title(),
                "organisation": organisation,
                "roles": list(roles or ("member",)),
                "password": PASSWORD,
            },
        )
        assert status == 200, body
        return await self.sign_in(localpart)

    def client(self, localpart: str) -> nio.AsyncClient:
        """A matrix-nio client that is not signed in yet."""
        return nio.AsyncClient(self.url, f"@{localpart}:{self.name}", config=nio.AsyncClientConfig(max_timeouts=1))

    async def sign_in(self, localpart: str) -> nio.AsyncClient:
        """A signed-in matrix-nio client."""
        client = self.client(localpart)
        answer = await client.login(PASSWORD)
        assert isinstance(answer, nio.LoginResponse), answer
        return client


async def request(client: nio.AsyncClient, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    """A request that a client library would not let through, with the client's own token; bytes go as they are."""
    headers = {"Authorization": f"Bearer {client.access_token}"}
    given = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, client.homeserver + path, headers=headers, **given) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


@contextlib.contextmanager
def ended(server: Server) -> Iterator[Server]:
    """The server, ended whatever happens."""
    try:
        yield server
    finally:
        server.close()
