"""A forward proxy that writes down whatever a browser asks for, and passes on what is asked of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

_OWN = frozenset({"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Content-Length", "Host"})

#: Chromium asks what kinds of fields a form has, by hashes of its structure, before anything is typed.
_BROWSERS_OWN = frozenset({"content-autofill.googleapis.com:443"})


@dataclass
class Recording:
    """What was asked through a proxy.

    Attributes:
        port: where it listens, on 127.0.0.1.
        asked: the addresses; of an encrypted connection, host and port.
    """

    port: int
    asked: list[str] = field(default_factory=list)

    def origins(self) -> set[str]:
        """Scheme, host and port of each, but for what the browser asks of its maker whatever the page is."""
        found = {f"{urlsplit(one).scheme}://{urlsplit(one).netloc}" if "://" in one else one for one in self.asked}
        return found - _BROWSERS_OWN


@asynccontextmanager
async def recording(port: int) -> AsyncIterator[Recording]:
    """Runs one; hosts beside this machine are never asked, and answer 502."""
    found = Recording(port)

    async def passed_on(request: web.BaseRequest) -> web.StreamResponse:
        address = request.raw_path
        found.asked.append(address)
        if urlsplit(address).hostname not in ("127.0.0.1", "localhost"):
            return web.Response(status=502)
        headers = [(name, value) for name, value in request.headers.items() if name.title() not in _OWN]
        headers.append(("Host", urlsplit(address).netloc))
        async with (
            aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                request.method, address, headers=headers, data=await request.read(), allow_redirects=False
            ) as answer,
        ):
            response = web.Response(status=answer.status, body=await answer.read())
            response.headers.clear()
            for name, value in answer.headers.items():
                if name.title() not in _OWN:
                    response.headers.add(name, value)
            return response

    runner = web.ServerRunner(web.Server(passed_on), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield found
    finally:
        await runner.cleanup()
