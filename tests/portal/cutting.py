"""A network that breaks: Chromium reaches the portal through it, under the portal's own address."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Cutting:
    """Passes bytes on, until it cuts: then connections end at once, and for a while there are no new ones."""

    def __init__(self, dice: random.Random) -> None:
        self.cuts = 0
        self._dice = dice
        self._open: set[asyncio.StreamWriter] = set()
        self._is_down = False

    async def cut(self, seconds: float) -> None:
        """Cuts about half of what is open (never nothing) amid whatever it carries, and lets nothing new through."""
        self._is_down = True
        for writer in [one for one in self._open if self._dice.random() < 0.5] or list(self._open):
            writer.transport.abort()
            self.cuts += 1
        await asyncio.sleep(seconds)
        self._is_down = False

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """One connection of a browser."""
        if self._is_down:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            ways = [asyncio.create_task(_pump(reader, back)), asyncio.create_task(_pump(there, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._open.discard(writer)
            for end in (writer, back):
                end.transport.abort()


@asynccontextmanager
async def cutting(port: int, dice: random.Random) -> AsyncIterator[tuple[Cutting, int]]:
    """A network in front of a port; and its own port."""
    network = Cutting(dice)
    server = await asyncio.start_server(lambda reader, writer: network.pass_on(reader, writer, port), "127.0.0.1", 0)
    try:
        yield network, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
