"""Some of the editors of `bench pads`, in a process of their own: each writes as a page does, and notes what it sees.

On standard input comes one JSON object (`address`, `origin`, `cookies`, `seconds`, `per_second`, `seed`), then a line
when all are to begin. On standard output go `ready`, and at the end one JSON object: `sent` and `seen`, each a list of
`[client, clock, at]`, at in seconds of the machine's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
import sys
import time
from typing import Any

import aiohttp
from pycrdt import Doc, Text

from bots.pads.updates import ASK, CHANGE, GIVE, frame, read_frame, read_update

#: How long the last letters may be on their way, in seconds.
_LATEST = 20.0


class Typist:
    """A page with the pad open. It is told of everything that a browser's is told, and does with it what that does."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, dice: random.Random) -> None:
        """Begins as an empty page."""
        self._socket, self._dice = socket, dice
        self._doc: Doc[Text] = Doc()
        self._text = self._doc.get("text", type=Text)
        self._made: list[bytes] = []
        self._doc.observe(lambda event: self._made.append(event.update))
        self.asked = asyncio.Event()
        self.given = self.taken = 0
        self.end = ""
        self._all_safe = asyncio.Event()
        self.sent: list[tuple[int, int, float]] = []
        self.seen: list[tuple[int, int, float]] = []

    async def listen(self) -> None:
        """Takes in what comes, until the connection ends."""
        await self._socket.send_bytes(frame(ASK, self._doc.get_state()))
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                said = json.loads(message.data)
                self.taken = said.get("saved", self.taken)
                if self.taken >= self.given:
                    self._all_safe.set()
                self.end = said.get("end", self.end)
                continue
            kind, body = read_frame(message.data)
            if kind == ASK:
                self.asked.set()
                await self._give(GIVE, self._doc.get_update(body))
                continue
            self._doc.apply_update(body)
            now = time.monotonic()
            for run in read_update(body).written if kind == CHANGE else ():
                if run.client == self._doc.client_id:  # its own, among what others wrote at the same moment
                    continue
                self.seen += [(run.client, clock, now) for clock in range(run.clock, run.end)]

    async def type(self, until: float, per_second: float) -> None:
        """Types letters, each at some place of the text, and says where its cursor is."""
        clock = 0
        while time.monotonic() < until:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) / per_second)
            self._made.clear()
            now = time.monotonic()
            self._text.insert(self._dice.randint(0, len(self._text)), self._dice.choice("etaoin shrdlu"))
            self.sent.append((self._doc.client_id, clock, now))
            clock += 1
            await self._give(CHANGE, self._made[0])
            place = base64.b64encode(self._dice.randbytes(9)).decode()
            await self._socket.send_json({"place": [place, place]})

    async def settled(self) -> None:
        """Waits until all that was written is safe."""
        await self._all_safe.wait()

    async def _give(self, kind: int, body: bytes) -> None:
        self.given += 1
        self._all_safe.clear()
        await self._socket.send_bytes(frame(kind, body))


async def _run(given: dict[str, Any]) -> None:
    dice = random.Random(given["seed"])
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        typists = []
        for cookie in given["cookies"]:
            headers = {"Origin": given["origin"], "Cookie": cookie}
            typists.append(Typist(await session.ws_connect(given["address"], headers=headers), dice))
        listening = [asyncio.create_task(one.listen()) for one in typists]
        await asyncio.gather(*(one.asked.wait() for one in typists))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        until = time.monotonic() + given["seconds"]
        await asyncio.gather(*(one.type(until, given["per_second"]) for one in typists))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(one.settled() for one in typists)), _LATEST)
        await asyncio.sleep(2)  # and what the others wrote
        for task in listening:
            task.cancel()
        told = {
            "sent": [each for one in typists for each in one.sent],
            "seen": [each for one in typists for each in one.seen],
            "unsaved": sum(one.given - one.taken for one in typists),
            "ends": [one.end for one in typists if one.end],
        }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.stdin.readline())))
