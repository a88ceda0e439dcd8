"""What members see, and for how long, when a part of a server dies: each is killed in turn while they write and read.

What dies is started again after as long as its unit waits. Members' clients send again by the same key what was not
answered; in the end each message is in the database once, or the benchmark fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiohttp

from bench.report import BenchFailed, Result, say
from bench.traffic import V3, Client, Traffic
from tests.deploy.hosted import settings
from tests.deploy.several import Outside, Several

_PROCESSES: Final = (
    ("  client: 0\n", "  client: 2\n"),
    ("  sync: 0\n", "  sync: 1\n"),
    ("  persister: 0\n", "  persister: 1\n"),
    ("  media: 0\n", "  media: 1\n"),
)
#: As `RestartSec` of the units has it, in seconds.
_UNIT_WAITS: Final = {"redis": 1.0}
_USUALLY: Final = 2.0
#: How long a process that hangs hangs, and how long is written before and after a fault.
_HANGS: Final = 8.0
_AROUND: Final = 4.0
_PATIENCE: Final = 120.0

Fault = Callable[[], Awaitable[None]]


@dataclass
class Told:
    """What one member's client was told meanwhile.

    Attributes:
        longest: from the first attempt to the answer, of the message that waited longest, in seconds.
        refused: how many attempts failed, by what came: a status, or 0 where nothing answered.
        texts: what was sent, and answered with 200.
    """

    longest: float = 0.0
    refused: dict[int, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


def run(*, quick: bool) -> Result:
    """Kills each part in turn."""
    return asyncio.run(_run(1 if quick else 3))


async def _run(times: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="belisha-") as folder:
        several = Several(Path(folder), settings(*_PROCESSES))
        with contextlib.closing(several):
            await several.start()
            async with several.session() as outside:
                traffic = Traffic(several, outside)
                await traffic.found(members=4, groups=1, organisations=2)
                figures: dict[str, float] = {}
                for name, fault in _faults(several).items():
                    say(f"{name} …")
                    rounds = [await _amid(traffic, outside, several, fault) for _ in range(times)]
                    figures[f"{name}_send_s"] = max(told.longest for told, _ in rounds)
                    figures[f"{name}_arrival_s"] = max(arrived for _, arrived in rounds)
                    figures[f"{name}_attempts_failed"] = sum(sum(told.refused.values()) for told, _ in rounds)
    meaning = (
        "The longest that a message waited to be sent, and to arrive with another member, around each fault; "
        "failed attempts were sent again by the client. None was lost or stored twice."
    )
    return Result("faults", figures, meaning=meaning)


def _faults(several: Several) -> dict[str, Fault]:
    def killed(name: str, start: Callable[[], None]) -> Fault:
        async def fault() -> None:
            several.kill_part(name)
            await asyncio.sleep(_UNIT_WAITS.get(name, _USUALLY))
            start()

        return fault

    async def hung() -> None:
        several.signal("belisha-synapse@client2.service", signal.SIGSTOP)
        await asyncio.sleep(_HANGS)
        several.signal("belisha-synapse@client2.service", signal.SIGCONT)

    units = {unit.removeprefix("belisha-synapse").strip("@").removesuffix(".service"): unit for unit in several.units}
    found: dict[str, Fault] = {
        name.removeprefix(".service") or "main": killed(unit, lambda u=unit: several.start_unit(u))
        for name, unit in units.items()
    }
    found["redis"] = killed("redis", several.start_redis)
    found["nginx"] = killed("nginx", several.start_nginx)
    found["postgresql_restarted"] = several.restart_postgresql
    found["client2_hung"] = hung
    return found


async def _amid(traffic: Traffic, outside: Outside, several: Several, fault: Fault) -> tuple[Told, float]:
    """A member writes, another listens; the fault comes amid it."""
    traffic.seen.arrived.clear()
    writer, listener = traffic.clients[0], traffic.clients[1]
    over, quiet = asyncio.Event(), asyncio.Event()
    told = Told()
    writing = asyncio.create_task(_write(traffic, outside, writer, told, quiet))
    listening = asyncio.create_task(traffic.listen(listener, over))
    await asyncio.sleep(_AROUND)
    await fault()
    await asyncio.sleep(_AROUND)
    for unit in several.units:
        await several.answers(unit)
    await asyncio.sleep(_AROUND)
    quiet.set()
    await writing
    deadline = time.monotonic() + _PATIENCE
    while len(traffic.seen.arrived) < len(told.texts):
        if time.monotonic() > deadline:
            raise BenchFailed(f"{len(told.texts) - len(traffic.seen.arrived)} messages did not arrive")
        await asyncio.sleep(0.2)
    over.set()
    await listening
    stored = [body.rpartition(" ")[2] for body in several.bodies(writer.rooms[0])]
    if (wrong := [text for text in told.texts if stored.count(text) != 1]) != []:
        raise BenchFailed(f"{len(wrong)} messages are not there once")
    return told, max(traffic.seen.arrived)


async def _write(traffic: Traffic, outside: Outside, client: Client, told: Told, over: asyncio.Event) -> None:
    while not over.is_set():
        text = traffic.begin()
        path = f"{V3}/rooms/{quote(client.rooms[0])}/send/m.room.message/{text}"
        begun = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(30):
                    body = {"msgtype": "m.text", "body": f"The tide is out, says {text}"}
                    status, _ = await outside.ask(client.token, "PUT", path, body)
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            if status == 200:
                break
            told.refused[status] = told.refused.get(status, 0) + 1
            await asyncio.sleep(0.3)
        told.longest = max(told.longest, time.monotonic() - begun)
        told.texts.append(text)
        await asyncio.sleep(0.1)
