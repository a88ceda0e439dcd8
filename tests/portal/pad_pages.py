"""Pads as a browser has them open, without one: pages by their connection, and a group in which pads are written."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
import yaml
from pycrdt import Doc, Text

from bots.pads.updates import ASK, CHANGE, GIVE, frame, read_frame
from tests.portal.support import Here, Visitor
from tests.support.community import unique
from tests.support.patience import until
from tests.support.server import request

V3 = "/_matrix/client/v3"
TABLES = ("pad", "pad_update", "pad_client", "pad_version", "pad_version_author", "pad_unversioned")


class Page:
    """A browser with a pad open: the sync protocol, by pycrdt."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.doc: Doc[Text] = Doc()
        self.text = self.doc.get("text", type=Text)
        self.said: list[dict[str, Any]] = []
        self.saved = self.sent = 0
        self.is_asked = False
        self.over_at: float | None = None
        self._made: list[bytes] = []
        self.doc.observe(lambda event: self._made.append(event.update))
        self.task = asyncio.create_task(self._listen())

    @property
    def end(self) -> str:
        return next((str(said["end"]) for said in self.said if "end" in said), "")

    def last(self, key: str) -> Any:
        return next((said[key] for said in reversed(self.said) if key in said), None)

    async def until(self, is_so: Callable[[], object]) -> None:
        async def found() -> object:
            await asyncio.sleep(0.01)
            return is_so()

        await until(found)

    async def write(self, words: str) -> None:
        """Writes at the end, and waits until it is safe."""
        await self.until(lambda: self.is_asked)
        self._made.clear()
        self.text += words
        for made in list(self._made):
            await self._give(CHANGE, made)
        await self.until(lambda: self.saved == self.sent)

    async def ended(self) -> str:
        await self.until(lambda: self.over_at is not None)
        return self.end

    async def _give(self, kind: int, body: bytes) -> None:
        self.sent += 1
        await self.socket.send_bytes(frame(kind, body))

    async def _listen(self) -> None:
        await self.socket.send_bytes(frame(ASK, self.doc.get_state()))
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                said = json.loads(message.data)
                self.saved = said.get("saved", self.saved)
                self.said.append(said)
                continue
            kind, body = read_frame(message.data)
            if kind == ASK:
                self.is_asked = True
                await self._give(GIVE, self.doc.get_update(body))
            else:
                self.doc.apply_update(body)
        self.over_at = time.monotonic()


class Pads:
    """A closed group in which pads are written."""

    def __init__(self, here: Here, key: str = "pads") -> None:
        self.here = here
        self.room = here.groups[key]

    async def begin(self, by: str = "pia", words: str = "!pad", room: str = "") -> str:
        """Begins a pad; the id of its message."""
        room = room or self.room
        event_id = await self.here.say(by, words, room)
        assert "write together" in await self.here.answer(by, event_id, room)
        return event_id

    def address(self, event_id: str, room: str = "") -> str:
        return f"/pads/{quote(room or self.room, safe='')}/{quote(event_id, safe='')}"

    @contextlib.asynccontextmanager
    async def open(self, visitor: Visitor, address: str, origin: str | None = None) -> AsyncIterator[Page]:
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        headers = {"Cookie": cookie} | ({} if origin == "" else {"Origin": origin or self.here.url})
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.ws_connect(f"{self.here.url}{address}/live", headers=headers) as socket,
        ):
            page = Page(socket)
            yield page
            page.task.cancel()

    async def refused(self, visitor: Visitor, address: str, origin: str | None = None) -> int:
        """The status with which a connection is not opened."""
        try:
            async with self.open(visitor, address, origin):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status

    async def put(self, by: str, path: str, body: Any, method: str = "PUT") -> None:
        status, told = await request(self.here.people[by], method, f"{V3}/rooms/{quote(self.room)}/{path}", body)
        assert status == 200, told

    async def redact(self, by: str, event_id: str) -> None:
        await self.put(by, f"redact/{quote(event_id)}/{unique('r')}", {})

    def kept(self, words: str) -> list[str]:
        """The tables in which something stands."""
        config = yaml.safe_load((self.here.server.place.rendered / "bots.yaml").read_text())
        path = config["database"].removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as database:
            return [
                table
                for table in TABLES
                for row in database.execute(f"SELECT * FROM {table}")  # noqa: S608 - names above
                if words.encode() in b" ".join(one if isinstance(one, bytes) else str(one).encode() for one in row)
            ]
