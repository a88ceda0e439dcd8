"""Kills bots, Synapse and both while members write, then compares what the bot was to do with what is in the rooms."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import nio
import yaml

from tests.bots.support import STEWARD, BotsProcess
from tests.support.patience import until
from tests.support.server import ROOT, Server, ended, free_ports

Json = dict[str, Any]
_STALLED_S = 120.0
_HANGS = 0.5
_LONGEST_PAUSE_S = 1.0


@dataclass
class Found:
    """What came of it."""

    events: int = 0
    lost: int = 0
    """Events without their answer, edit or reaction."""
    doubled: int = 0
    disordered: int = 0
    lost_by_plain_push: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Plain:
    """The receiver that trusts push alone: a second application service, interested in the one who writes."""

    def __init__(self, server: Server, localpart: str) -> None:
        self.file = server.data / "plain.txt"
        self.file.touch()
        (self._port,) = free_ports(1)
        self._server = server
        registration = {
            "id": "plain",
            "url": f"http://127.0.0.1:{self._port}",
            "as_token": "plain push",
            "hs_token": "plain pushed",
            "sender_localpart": "plain",
            "rate_limited": False,
            "namespaces": {"users": [{"exclusive": False, "regex": f"@{localpart}:.*"}], "aliases": [], "rooms": []},
        }
        path = server.data / "plain.yaml"
        path.write_text(yaml.safe_dump(registration))
        config = server.place.rendered / "homeserver.yaml"
        files = [*yaml.safe_load(config.read_text())["app_service_config_files"], str(path)]
        config.write_text(f"{config.read_text()}\napp_service_config_files: {files}\n")
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        arguments = [sys.executable, "-m", "tests.bots.plain_push", str(self._port), str(self.file)]
        self._process = subprocess.Popen(arguments, cwd=ROOT)

        async def answers() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                url = f"http://127.0.0.1:{self._port}/readyz"
                async with aiohttp.ClientSession() as session, session.get(url) as response:
                    return response.status == 200
            return False

        await until(answers)
        with contextlib.suppress(aiohttp.ClientError):
            await self.ping()

    async def ping(self) -> None:
        address = f"{self._server.url}/_matrix/client/v1/appservice/plain/ping"
        headers = {"Authorization": "Bearer plain push"}
        async with aiohttp.ClientSession() as session, session.post(address, json={}, headers=headers):
            return

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    def received(self) -> set[str]:
        return set(self.file.read_text().split())


async def crash(
    data: Path,
    *,
    rounds: int,
    events: int,
    rooms: int = 4,
    seed: int = 1,
    bots_database: str | None = None,
    overrides: str = "",
    say: Callable[[str], None] = lambda _text: None,
) -> Found:
    """One run in an empty folder; where it does not settle, what is missing then is lost.

    Args:
        data: The folder.
        rounds: How many kills. Their moments are drawn among the events: each follows, within a second, after so many
            have been written, and some fall together, so that what has just started is killed again.
        events: How many messages are written.
        rooms: How many rooms they are written into, side by side.
        seed: What all that is drawn follows from.
        bots_database: Where the bots' tables are; SQLite in the folder where none is given.
        overrides: More of homeserver.yaml.
        say: Told of the progress.
    """
    drawn = random.Random(seed)  # noqa: S311  no secret
    server = Server(data, overrides=overrides)
    plain = Plain(server, "ada")
    config = server.place.rendered / "bots.yaml"
    if bots_database:
        config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"database": bots_database}))
    bots = BotsProcess(config, "tests.bots.tally")
    found = Found(events=events)
    with ended(server):
        await server.start()
        await server.organisation("harbour")
        ada = await server.member("ada", "harbour")
        try:
            await asyncio.gather(bots.start(), plain.start())
            groups = []
            for number in range(rooms):
                made = await ada.room_create(name=f"Buoy {number}", preset=nio.RoomPreset.public_chat)
                assert isinstance(made, nio.RoomCreateResponse), made
                groups.append(made.room_id)
            written: list[list[str]] = [[] for _ in groups]
            writing = asyncio.gather(
                *(
                    _write(ada, group, range(number, events, rooms), written[number])
                    for number, group in enumerate(groups)
                )
            )
            began = time.monotonic()
            for round_, moment in enumerate(sorted(drawn.randrange(events) for _ in range(rounds)), 1):
                while sum(map(len, written)) < moment:
                    await asyncio.sleep(0.05)
                await asyncio.sleep(drawn.uniform(0.0, _LONGEST_PAUSE_S))
                await _kill_and_start(drawn, server, bots, plain, found)
                known, took = sum(map(len, written)), time.monotonic() - began
                say(f"kill {round_} of {rounds}, {known} of {events} events written, after {took:.0f} s")
            await writing
            say("all is written")
            await _settle(bots, plain, events, say)
            sent = [set(ids) for ids in written]
            for group, ids in zip(groups, sent, strict=True):
                _compare(await _timeline(ada, group), ids, found)
            found.lost_by_plain_push = len(set().union(*sent) - plain.received())
        finally:
            bots.end()
            plain.kill()
            await ada.close()
    return found


async def _kill_and_start(drawn: random.Random, server: Server, bots: BotsProcess, plain: Plain, found: Found) -> None:
    what = drawn.choice(("bots", "Synapse", "both"))
    found.kills[what] += 1
    if drawn.random() < _HANGS:
        # As on a machine that swaps or is paused: Synapse waits for an answer, and what follows waits in its memory.
        for pid in (bots.pid, plain.pid):
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(drawn.uniform(0.2, 1.0))
        found.kills["after hanging"] += 1
    both_ends = []
    if what in ("Synapse", "both"):
        server.kill()
        both_ends.append(_insist(server.start))
    if what in ("bots", "both"):
        bots.end()
        plain.kill()
        both_ends += [_insist(lambda: bots.start(until="/healthz")), _insist(plain.start)]
    for pid in (bots.pid, plain.pid) if what == "Synapse" else ():
        os.kill(pid, signal.SIGCONT)
    await asyncio.gather(*both_ends)


async def _insist(start: Callable[[], Awaitable[object]]) -> None:
    """Starts again where a port was taken meanwhile, as the way out of somebody's connection."""
    for _ in range(10):
        try:
            await start()
        except (AssertionError, TimeoutError):
            await asyncio.sleep(2)
        else:
            return
    raise AssertionError("it does not start any more")


async def _write(ada: nio.AsyncClient, group: str, numbers: range, ids: list[str]) -> None:
    """Writes one after the other, each under its own transaction id, until the server has taken it; notes their ids."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ada.access_token}"}) as session:
        for number in numbers:
            address = f"{ada.homeserver}/_matrix/client/v3/rooms/{quote(group)}/send/m.room.message/n{number}"
            content = {"msgtype": "m.text", "body": f"message {number}"}
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError, ValueError):
                    async with session.put(address, json=content) as response:
                        if response.status == 200:
                            ids.append(str((await response.json())["event_id"]))
                            break
                await asyncio.sleep(0.1)


async def _metric(bots: BotsProcess, name: str) -> int:
    _, page = await bots.get("/metrics")
    return sum(int(float(line.split()[-1])) for line in page.splitlines() if line.startswith(name))


async def _settle(bots: BotsProcess, plain: Plain, events: int, say: Callable[[str], None]) -> None:
    """Waits until nothing waits, in the bots or on the way of plain push; what does not come by then is lost.

    It takes as long as something still becomes less: that depends on the machine alone.
    """
    least, since = None, time.monotonic()
    while time.monotonic() < since + _STALLED_S:
        names = ("rooms_to_read", "inbox_pending", "outbox_pending")
        waiting = [await _metric(bots, f"belisha_bots_{name}") for name in names]
        if not any(waiting) and (await bots.get("/readyz"))[0] == 200:
            break
        if least is None or waiting < least:
            least, since = waiting, time.monotonic()
        say("still waiting: {} rooms to be read, {} events, {} effects".format(*waiting))
        await asyncio.sleep(5)
    before = -1
    while before != (now := len(plain.received())) and now < events + 10_000:
        before = now
        await plain.ping()
        await asyncio.sleep(5)


async def _timeline(ada: nio.AsyncClient, group: str) -> list[Json]:
    events: list[Json] = []
    page = ""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ada.access_token}"}) as session:
        while True:
            query = {"dir": "f", "limit": "500"} | ({"from": page} if page else {})
            address = f"{ada.homeserver}/_matrix/client/v3/rooms/{quote(group)}/messages"
            async with session.get(address, params=query) as response:
                body = await response.json()
            events += body["chunk"]
            page = body.get("end", "")
            if not page or not body["chunk"]:
                return events


def _compare(events: list[Json], sent: set[str], found: Found) -> None:
    """Each message has one answer with its number, one edit of it and one reaction, and the numbers are in order."""
    written = [event["event_id"] for event in events if event["event_id"] in sent]
    found.wrong += [f"{len(sent) - len(written)} messages are not in the room"] * (len(written) != len(sent))
    answers: Counter[str] = Counter()
    edits: Counter[str] = Counter()
    reactions: Counter[str] = Counter()
    counts = []
    for event in events:
        if event["sender"] != STEWARD:
            continue
        content, relation = event["content"], event["content"].get("m.relates_to", {})
        if event["type"] == "m.reaction":
            reactions[relation["event_id"]] += 1
        elif relation.get("rel_type") == "m.replace":
            edits[content["m.new_content"]["of"]] += 1
        elif "of" in content:
            answers[content["of"]] += 1
            counts.append(content["count"])
            if content["count"] > len(written) or written[content["count"] - 1] != content["of"]:
                found.disordered += 1
    found.disordered += sum(later <= earlier for earlier, later in pairwise(counts))
    for one in (answers, edits, reactions):
        found.lost += sum(event_id not in one for event_id in written)
        found.doubled += sum(number - 1 for number in one.values())
