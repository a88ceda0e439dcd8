"""A real Synapse with Belisha's module, from the configuration that `belisha render` writes, in a temporary folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import nio

from belisha import secrets
from belisha.render import Place, render, write
from belisha.resources import shipped
from belisha.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long sample password"
_START_S = 60.0


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nothing listens on, one behind the other, all free at the same moment."""
    while True:
        with contextlib.ExitStack() as stack:
            first = socket.socket()
            stack.enter_context(first)
            first.bind(("127.0.0.1", 0))
            ports = [first.getsockname()[1] + step for step in range(count)]
            try:
                for port in ports[1:]:
                    other = socket.socket()
                    stack.enter_context(other)
                    other.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return ports


class Server:
    """One homeserver process; `start`, `stop` and `kill` as often as wanted over the same data."""

    def __init__(self, data: Path, settings: Settings | None = None, overrides: str = "") -> None:
        data.mkdir(parents=True, exist_ok=True)
        (data / "logs").mkdir(exist_ok=True)
        port, _portal, bots, metrics = free_ports(4)
        self.data = data
        self.settings = settings or load(shipped("config", "belisha.example.yaml"))
        self.place = Place(data, port, bots, metrics)
        write(render(self.settings, self.place, secrets.ensure(data)), self.place.rendered)
        if overrides:
            config = self.place.rendered / "homeserver.yaml"
            config.write_text(config.read_text() + "\n" + overrides)
        self.url = self.place.homeserver
        self.name = self.settings.server_name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Starts Synapse and waits until the module has made the rooms of the start."""
        log = (self.data / "logs" / "console.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "synapse.app.homeserver", "-c", str(self.place.rendered / "homeserver.yaml")],
            stdout=log,
            stderr=log,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=self.data,
        )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(aiohttp.ClientError, AssertionError):
                status, body = await self.local("GET", "status")
                if status == 200 and body["ready"]:
                    return
            await asyncio.sleep(0.1)
        raise AssertionError("Synapse did not start:\n" + (self.data / "logs" / "console.log").read_text()[-4000:])

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ends the process and waits for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(30)
        self._process = None

    def kill(self) -> None:
        """kill -9."""
        self.stop(signal.SIGKILL)

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

    async def sign_in(self, localpart: str) -> nio.AsyncClient:
        """A signed-in matrix-nio client."""
        client = nio.AsyncClient(self.url, f"@{localpart}:{self.name}", config=nio.AsyncClientConfig(max_timeouts=1))
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
        server.stop()
