"""How long a letter of one of 20 editors takes to the other screens, how a long pad opens, and what an idle one holds.

A real Synapse with the module, and the real bots process on PostgreSQL, which waits for the disk; the editors are in
processes of their own, on the same machine, and go by WebSockets to the portal, which asks who may read as always.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from pycrdt import Doc, Text

from belisha.tlp import Label
from bench.report import Bar, BenchFailed, Result, say
from bench.traffic import quantile
from bots.kernel.store import Store
from bots.pads import book
from bots.pads.book import PadBook
from bots.pads.updates import ASK, GIVE, frame, read_frame
from tests.portal.support import Here, Visitor, join, make_group, running, settings_with
from tests.support.databases import postgresql
from tests.support.server import ROOT, Server, request

_EDITORS: Final = 20
_PROCESSES: Final = 4
_PER_SECOND: Final = 5.0
#: Seconds at the beginning that are not counted: connections, caches.
_WARM: Final = 3.0
_OPERATIONS: Final = 100_000
_WRITERS: Final = 20
#: As many as stay behind the kept state at most: those are read one by one.
_BEHIND: Final = 399
_OPENED: Final = 5
#: Pads that stand open at once while memory is read; about each the module is asked twice a second.
_STAND_OPEN: Final = 40
_ROOM: Final = "pads"


def run(*, quick: bool) -> Result:
    """Measures all three; for less time, and with fewer pads, where that is to be `quick`."""
    return asyncio.run(_run(10.0 if quick else 30.0, 50 if quick else 200))


async def _run(seconds: float, pads: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="belisha-bench-") as folder, postgresql(fsync=True) as address:
        async with _community(Path(folder), address) as at:
            say(f"{_EDITORS} editors write {_PER_SECOND:g} letters a second each for {seconds:g} seconds …")
            before = _cpu(at.here.bots.pid), _cpu(at.here.server.pid)
            delays = await _write(at, seconds)
            letters = len(delays) / (_EDITORS - 1) * (1 + _WARM / seconds)
            bots_ms = (_cpu(at.here.bots.pid) - before[0]) / letters * 1000
            synapse_ms = (_cpu(at.here.server.pid) - before[1]) / letters * 1000
            say(f"… {quantile(delays, 0.95) * 1000:.0f} ms (p95) at a load of {os.getloadavg()[0]:.1f}")
            say(f"a pad with {_OPERATIONS:,} operations is opened …")
            opened = await _open_long(at)
            say(f"… within {max(opened) * 1000:.0f} ms")
            say(f"{_STAND_OPEN} pads stand open, and {pads} are opened and left …")
            open_kib, left_kib = await _idle(at, pads)
    figures = {
        "keystroke_p95_ms": quantile(delays, 0.95) * 1000,
        "keystroke_p50_ms": quantile(delays, 0.5) * 1000,
        "keystrokes_seen": float(len(delays)),
        "keystroke_bots_cpu_ms": bots_ms,
        "keystroke_synapse_cpu_ms": synapse_ms,
        "open_100k_ms": quantile(opened, 0.5) * 1000,
        "open_100k_slowest_ms": max(opened) * 1000,
        "idle_pad_kib": open_kib,
        "left_pad_kib": left_kib,
    }
    return Result(
        "pads",
        figures,
        bars={
            "keystroke_p95_ms": Bar(most=100.0),
            "open_100k_ms": Bar(most=500.0),
            "idle_pad_kib": Bar(most=256.0),
            "left_pad_kib": Bar(most=16.0),
        },
        meaning="`keystroke` is from a letter typed until another page has it. `idle_pad_kib` is what the bots hold\n"
        "for each pad that a page has open, `left_pad_kib` what they grow by with each that was opened and left.",
    )


@dataclass
class _At:
    """The community, and its pads."""

    here: Here
    database: str
    visitors: list[Visitor]
    _number: int = 0

    @property
    def room(self) -> str:
        return self.here.groups[_ROOM]

    async def begin(self, store: Store) -> str:
        """A pad of its own, as the bots begin one behind a message; its id."""
        self._number += 1
        path = f"/_matrix/client/v3/rooms/{quote(self.room)}/send/m.room.message/bench-{self._number}"
        body = {"msgtype": "m.text", "body": f"Pad {self._number}"}
        status, answer = await request(self.here.people["pad0"], "PUT", path, body)
        if status != 200:
            raise BenchFailed(f"No message for a pad: {status}.")
        event_id = str(answer["event_id"])
        await store.write(lambda connection: book.make(connection, event_id, self.room, time.time()))
        return event_id

    def address(self, event_id: str) -> str:
        """Where its pages connect."""
        return f"{self.here.url}/pads/{quote(self.room, safe='')}/{quote(event_id, safe='')}/live"

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The bots' database."""
        store = Store(self.database)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def connection(self, visitor: Visitor, event_id: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A page's connection."""
        headers = {"Origin": self.here.url, "Cookie": _cookie(visitor)}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.ws_connect(self.address(event_id), headers=headers, max_msg_size=0) as socket,
        ):
            yield socket


@asynccontextmanager
async def _community(folder: Path, database: str) -> AsyncIterator[_At]:
    def on_postgresql(server: Server) -> None:
        config = server.place.rendered / "bots.yaml"
        config.write_text(re.sub(r"(?m)^database:.*$", f"database: {database}", config.read_text()))

    names = [f"pad{number}" for number in range(_EDITORS)]

    async def settle(here: Here) -> None:
        for organisation in ("harbour", "chandlers"):
            await here.server.organisation(organisation)
        for number, name in enumerate(names):
            await join(here, name, ("harbour", "chandlers")[number % 2])
        invited = [here.people[name].user_id for name in names[1:]]
        await make_group(here, names[0], _ROOM, "Writing", "private_chat", invite=invited)
        for name in names[1:]:
            path = f"/_matrix/client/v3/rooms/{quote(here.groups[_ROOM])}/join"
            if (await request(here.people[name], "POST", path, {}))[0] != 200:
                raise BenchFailed("A member could not join the group.")

    say(f"making a community with {_EDITORS} members …")
    async with running(folder, settings_with(), settle, before_bots=on_postgresql) as here:
        visitors = [await here.sign_in(name) for name in names]
        yield _At(here, database, visitors)


# --- Letters ----------------------------------------------------------------------------------------------------------


async def _write(at: _At, seconds: float) -> list[float]:
    """Seconds from each letter until each other page has it."""
    async with at.store() as store:
        event_id = await at.begin(store)
    each = _EDITORS // _PROCESSES
    given = [
        {
            "address": at.address(event_id),
            "origin": at.here.url,
            "cookies": [_cookie(one) for one in at.visitors[number * each : (number + 1) * each]],
            "seconds": seconds + _WARM,
            "per_second": _PER_SECOND,
            "seed": number,
        }
        for number in range(_PROCESSES)
    ]
    told = await _told(given)
    if any(one["unsaved"] or one["ends"] for one in told):
        raise BenchFailed(f"Not every letter was kept: {[(one['unsaved'], one['ends']) for one in told]}.")
    sent = {(client, clock): moment for one in told for client, clock, moment in one["sent"]}
    begun = min(sent.values()) + _WARM
    seen = [(sent[client, clock], moment) for one in told for client, clock, moment in one["seen"]]
    if len(seen) != len(sent) * (_EDITORS - 1):
        raise BenchFailed(f"Of {len(sent) * (_EDITORS - 1)} letters on other pages {len(seen)} came.")
    return [moment - typed for typed, moment in seen if typed >= begun]


async def _told(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Has editors write in processes of their own, all at once; what each process noted."""
    running_ = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.pads_editors", cwd=ROOT, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, limit=2**28,
        )
        for _ in given
    ]  # fmt: skip
    try:
        for process, one in zip(running_, given, strict=True):
            _stdin(process).write(json.dumps(one).encode() + b"\n")
        for process in running_:
            if (await _stdout(process).readline()).strip() != b"ready":
                raise BenchFailed("Not all editors could open the pad.")
        for process in running_:
            _stdin(process).write(b"go\n")
        return [json.loads(await _stdout(process).readline()) for process in running_]
    finally:
        for process in running_:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


# --- A long pad -------------------------------------------------------------------------------------------------------


async def _open_long(at: _At) -> list[float]:
    """Seconds from the request until a page has the whole text, each time in a process that does not have it open."""
    async with at.store() as store:
        event_id = await at.begin(store)
        text = await _fill(store, event_id)
    found = []
    for number in range(_OPENED):
        doc: Doc[Text] = Doc()
        shown = doc.get("text", type=Text)
        begun = time.perf_counter()
        async with at.connection(at.visitors[number], event_id) as socket:
            await socket.send_bytes(frame(ASK, doc.get_state()))
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY and read_frame(message.data)[0] == GIVE:
                    doc.apply_update(read_frame(message.data)[1])
                    break
        found.append(time.perf_counter() - begun)
        if str(shown) != text:
            raise BenchFailed("The page does not have the whole text.")
        await asyncio.sleep(0.5)  # until the process has let it go
    return found


async def _fill(store: Store, event_id: str) -> str:
    """Writes so many letters, and deletes some, as 20 people at places of their own; the text."""
    dice = random.Random(5)
    docs: list[Doc[Text]] = [Doc(client_id=number + 1) for number in range(_WRITERS)]
    texts = [doc.get("text", type=Text) for doc in docs]
    merged: Doc[Text] = Doc(client_id=_WRITERS + 1)
    shown = merged.get("text", type=Text)
    made: list[bytes] = []
    merged.observe(lambda event: made.append(event.update))
    left, state = _OPERATIONS, b""
    while left:
        for doc, text in zip(docs, texts, strict=True):
            doc.apply_update(merged.get_update(doc.get_state()))
            place = dice.randint(0, len(text))
            for _ in range(min(50, left)):
                if place and dice.random() < 0.2:
                    place -= 1
                    del text[place : place + 1]
                else:
                    text.insert(place, dice.choice("etaoin shrdlu\n"))
                    place += 1
                left -= 1
            if not left:
                state = merged.get_update()
                made.clear()
            merged.apply_update(doc.get_update(merged.get_state()))
    _one_by_one(docs[0], merged)
    owners = {number + 1: f"@pad{number}:belisha.localhost" for number in range(_WRITERS)}
    kept = PadBook(store)
    about: dict[str, Any] = {"title": "A long pad", "label": Label.CLEAR, "now": time.time()}
    await kept.append(event_id, 0, [state], owners, **about)
    await kept.fold(event_id, 1, state)
    await kept.append(event_id, 1, made, {}, **about)
    return str(shown)


def _one_by_one(doc: Doc[Text], merged: Doc[Text]) -> None:
    """As many single letters behind the kept state as there can be."""
    doc.apply_update(merged.get_update(doc.get_state()))
    text = doc.get("text", type=Text)
    for _ in range(_BEHIND - 1):
        text += "."
        merged.apply_update(doc.get_update(merged.get_state()))


# --- Idle pads --------------------------------------------------------------------------------------------------------


async def _idle(at: _At, pads: int) -> tuple[float, float]:
    """KiB of the bots' process for each pad: while a page has each of some open, and when many were opened and left."""
    async with at.store() as store:
        ids = [await at.begin(store) for _ in range(pads)]
    async with at.connection(at.visitors[0], ids[0]):  # what the first one brings for all
        await asyncio.sleep(1)
    before = _rss(at.here.bots.pid)
    async with contextlib.AsyncExitStack() as stack:
        for number, event_id in enumerate(ids[:_STAND_OPEN]):
            visitor = at.visitors[number % _EDITORS]
            await stack.enter_async_context(at.connection(visitor, event_id))
        await asyncio.sleep(2)
        during = _rss(at.here.bots.pid)
    await asyncio.sleep(2)
    closed = _rss(at.here.bots.pid)
    for number, event_id in enumerate(ids):
        async with at.connection(at.visitors[number % _EDITORS], event_id):
            pass
    await asyncio.sleep(2)
    after = _rss(at.here.bots.pid)
    return max(0.0, during - before) / _STAND_OPEN, max(0.0, after - closed) / pads


def _cpu(pid: int) -> float:
    """Seconds of the processor (proc(5), `stat`: the 14th and 15th field, behind a name in brackets)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss(pid: int) -> float:
    """KiB (proc(5), `smaps_rollup`)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("Rss:"))


def _cookie(visitor: Visitor) -> str:
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())


def _stdin(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if process.stdin is None:
        raise BenchFailed("A process of editors has no input.")
    return process.stdin


def _stdout(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise BenchFailed("A process of editors has no output.")
    return process.stdout
