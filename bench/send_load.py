"""Sends like those of a real room, as many at once as asked, and what a block of them took."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import aiohttp

from bench.report import BenchFailed

_SENTENCES: Final = (
    "Morning all, the report queue is shorter today.",
    "Does anybody have the contact at the harbour office? Mine has left.",
    "We see the same sender since Tuesday, about forty messages an hour, all with the same attachment name.",
    "Thanks, that helps.",
    "The workshop begins at 10:00, room 2; the link for those at home is in the calendar.",
    "I would wait for the second sample before we say anything, the first one could be a test.",
    "👍 done on our side",
    "Two of our members asked about it as well. May I bring it up on Thursday?\nOtherwise I keep it here.",
    "Grüße aus Köln, wir haben den Fall heute auch gesehen.",
    "Can someone from the hotline look at the numbers in the table? The median of May looks too high to me.",
)
_MARKERS: Final = ("TLP:AMBER ", "TLP:GREEN ", "[TLP:AMBER] ", "TLP:AMBER\n")
#: Of ten messages: eight plain, one with a marker, one reply.
_KINDS: Final = ("plain",) * 8 + ("marker", "reply")


class Block(NamedTuple):
    """What one block took: seconds from the first request to the last answer, the server's CPU seconds, each send's."""

    sends: int
    seconds: float
    cpu: float
    latencies: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Sends a second."""
        return self.sends / self.seconds


def contents(seed: int, parents: list[str]) -> Iterator[dict[str, Any]]:
    """Message contents without end, the same for the same seed; replies answer one of `parents`."""
    draw = random.Random(seed)
    while True:
        text = draw.choice(_SENTENCES)
        kind = draw.choice(_KINDS)
        if kind == "marker":
            text = draw.choice(_MARKERS) + text
        content: dict[str, Any] = {"msgtype": "m.text", "body": text}
        if kind == "reply" and parents:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": draw.choice(parents)}}
        yield content


class Sender:
    """Sends with kept connections, one per worker."""

    def __init__(self, session: aiohttp.ClientSession, url: str, tokens: list[str], pid: int) -> None:
        self._session = session
        self._url = url
        self._tokens = tokens
        # The clock of another process's CPU time, in nanoseconds: what clock_getcpuclockid(3) gives.
        self._cpu_clock = (~pid << 3) | 2
        self._transaction = itertools.count()

    async def send(self, room_id: str, content: dict[str, Any], worker: int = 0) -> str:
        """Sends one message; gives its event id."""
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/send/m.room.message/bench{next(self._transaction)}"
        async with self._session.put(
            self._url + path, json=content, headers={"Authorization": f"Bearer {self._tokens[worker]}"}
        ) as answer:
            body: dict[str, str] = await answer.json()
            if answer.status != 200:
                raise BenchFailed(f"Synapse answered a send with {answer.status}: {body}")
            return body["event_id"]

    async def block(self, room_id: str, concurrency: int, texts: list[dict[str, Any]]) -> Block:
        """Sends all of `texts`, `concurrency` at once."""
        queue = iter(texts)
        latencies: list[float] = []

        async def work(worker: int) -> None:
            for content in queue:
                before = time.perf_counter()
                await self.send(room_id, content, worker)
                latencies.append(time.perf_counter() - before)

        cpu, start = time.clock_gettime(self._cpu_clock), time.perf_counter()
        await asyncio.gather(*(work(worker) for worker in range(concurrency)))
        seconds = time.perf_counter() - start
        return Block(len(texts), seconds, time.clock_gettime(self._cpu_clock) - cpu, tuple(latencies))
