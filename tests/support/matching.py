"""A matcher of hashes, as an operator might run one: a small HTTP server (aiohttp) that answers as a test wants."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.support.server import free_ports

SECRET = "what the matcher is shown"


class MatcherServer:
    """Knows the hashes in `known`; `answer`, where it is set, is said in place of that."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        #: Status and body of every answer.
        self.answer: tuple[int, bytes] | None = None
        #: How long each byte of an answer takes, in seconds.
        self.pause = 0.0
        #: What it was sent: headers and bodies.
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self._runner: web.AppRunner | None = None
        #: Not one of those that the kernel gives to connections, which would keep it from a second start.
        (self.port,) = free_ports(1)

    @property
    def url(self) -> str:
        """Its whole address."""
        return f"http://127.0.0.1:{self.port}/known?community=test"

    async def start(self) -> None:
        """Begins to listen; on the same port as before."""
        app = web.Application()
        app.router.add_post("/known", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()

    async def stop(self) -> None:
        """Ends."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((dict(request.headers), body))
        said: Any = {"known": json.loads(body)["sha256"] in self.known}
        status, text = self.answer or (200, json.dumps(said).encode())
        answer = web.StreamResponse(status=status)
        await answer.prepare(request)
        for byte in text:
            await asyncio.sleep(self.pause)
            await answer.write(bytes([byte]))
        return answer
