"""How many events the bots take, from the HTTP request of a delivery until they are handled and committed.

Batches of 100 events in ten rooms go to the bots' process as Synapse sends them, one request after the other. The bot
counts in a table of its own; its answer to one event in a hundred goes through the outbox. A batch is timed from its
request until its last event is marked as handled, a few of them under way at a time.

After every block of that, the same rows are inserted in the same batches through the same driver into a table like the
inbox beside it, and nothing else is done: what the database alone makes of them at that moment.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import aiohttp
import sqlalchemy as sa

from bench.report import Bar, Result, say
from bots.kernel.events import receive
from bots.kernel.store import Store
from bots.kernel.tables import inbox, metadata
from tests.bots.support import HS_TOKEN, INSTANCE, BotsProcess, Homeserver, message, write_config
from tests.support.databases import postgresql
from tests.support.server import free_ports

_BARS: Final = {"sqlite_events_per_s": Bar(least=1000), "growth_mb": Bar(most=20)}
_BATCH, _ROOMS = 100, 10
_BLOCK = 5_000
_EVENTS, _POSTGRES_EVENTS = 200_000, 20_000
_QUICK_EVENTS, _QUICK_POSTGRES_EVENTS = 10_000, 5_000
_WARM_UP = 2_000
_LOOK_S = 0.01

#: A table like the inbox, with its indexes under other names.
RAW: Final = inbox.to_metadata(sa.MetaData(naming_convention=metadata.naming_convention), name="raw_inbox")
for _named in (RAW.primary_key, *RAW.indexes):
    _named.name = f"raw_{_named.name}"


def run(*, quick: bool, events: int | None = None) -> Result:
    """SQLite for long, PostgreSQL for a while; both wait for the disk at every commit.

    Args:
        quick: For less long.
        events: How many on SQLite, and at most on PostgreSQL, where it is not to be the numbers above.
    """
    logging.disable(logging.CRITICAL)
    long = events or (_QUICK_EVENTS if quick else _EVENTS)
    short = min(long, _QUICK_POSTGRES_EVENTS if quick else _POSTGRES_EVENTS)
    found = {"sqlite": asyncio.run(_measure(long, None))}
    with postgresql(fsync=True) as address:
        found["postgres"] = asyncio.run(_measure(short, address))
    figures = {f"{name}_{what}": value for name, one in found.items() for what, value in one.figures().items()}
    figures["growth_mb"] = figures["sqlite_growth_mb"]
    return Result(
        bench="ingest",
        figures=figures,
        ratios={f"{name}_{what}": value for name, one in found.items() for what, value in one.ratios().items()},
        bars=_BARS,
        meaning=f"{figures['sqlite_events_per_s']:.0f} events a second on SQLite and "
        f"{figures['postgres_events_per_s']:.0f} on PostgreSQL, handled and committed; over "
        f"{int(figures['sqlite_events'])} events the process grew by {figures['growth_mb']:.1f} MB.",
    )


@dataclass
class _Cost:
    """What some events have taken."""

    events: int
    wall_s: float
    cpu_s: float


@dataclass
class _Measured:
    """What came of one database."""

    batches_s: list[float] = field(default_factory=list)
    blocks: list[_Cost] = field(default_factory=list)
    raw: list[_Cost] = field(default_factory=list)
    before_mb: float = 0.0
    after_mb: float = 0.0

    def figures(self) -> dict[str, float]:
        """By name, without the database's."""
        events = sum(one.events for one in self.blocks)
        cuts = quantiles(self.batches_s, n=20)
        return {
            "events": events,
            "events_per_s": events / sum(one.wall_s for one in self.blocks),
            "batch_p50_ms": 1000 * cuts[9],
            "batch_p95_ms": 1000 * cuts[18],
            "cpu_ms_per_event": 1000 * sum(one.cpu_s for one in self.blocks) / events,
            "raw_inserts_per_s": events / sum(one.wall_s for one in self.raw),
            "raw_cpu_ms_per_insert": 1000 * sum(one.cpu_s for one in self.raw) / events,
            "rss_mb": self.after_mb,
            "growth_mb": self.after_mb - self.before_mb,
        }

    def ratios(self) -> dict[str, float]:
        """Medians over the blocks, each with the raw inserts that followed it."""
        pairs = list(zip(self.blocks, self.raw, strict=True))
        return {
            "time_vs_raw_inserts": median(block.wall_s / raw.wall_s for block, raw in pairs),
            "cpu_vs_raw_inserts": sum(block.cpu_s for block, _ in pairs) / sum(raw.cpu_s for _, raw in pairs),
        }


async def _measure(events: int, database: str | None) -> _Measured:
    with tempfile.TemporaryDirectory(prefix="belisha-bench-") as folder:
        async with Homeserver() as homeserver:
            homeserver.instance = INSTANCE
            changes = {"database": database} if database else {}
            config = write_config(Path(folder), homeserver.url, free_ports(1)[0], **changes)
            bots = BotsProcess(config, "bench.ingest_bots", forked=False)
            store = Store(database or f"sqlite:///{folder}/bots.db")
            try:
                await bots.start()
                await store.write(RAW.metadata.create_all)
                return await _blocks(bots, store, events)
            finally:
                bots.end()
                await store.close()


async def _blocks(bots: BotsProcess, store: Store, events: int) -> _Measured:
    found, name = _Measured(), "SQLite" if store.is_sqlite else "PostgreSQL"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {HS_TOKEN}"}) as session:
        await _batches(bots, session, store, range(0, _WARM_UP, _BATCH))
        await _insert(store, [_rows(start) for start in range(0, _WARM_UP, _BATCH)])
        found.before_mb = _resident_mb(bots.pid)
        for first in range(_WARM_UP, _WARM_UP + events, _BLOCK):
            starts = range(first, min(first + _BLOCK, _WARM_UP + events), _BATCH)
            count = len(starts) * _BATCH
            began, used = time.perf_counter(), _cpu_s(bots.pid)
            found.batches_s += await _batches(bots, session, store, starts)
            block = _Cost(count, time.perf_counter() - began, _cpu_s(bots.pid) - used)
            rows = [_rows(start) for start in starts]
            began, used = time.perf_counter(), time.process_time()
            await _insert(store, rows)
            raw = _Cost(count, time.perf_counter() - began, time.process_time() - used)
            found.blocks.append(block)
            found.raw.append(raw)
            say(
                f"{name}: {first - _WARM_UP + count} of {events} events, {count / block.wall_s:.0f} a second, "
                f"{1000 * block.cpu_s / count:.2f} ms of CPU each; {count / raw.wall_s:.0f} raw inserts a second"
            )
        found.after_mb = _resident_mb(bots.pid)
    return found


def _rows(start: int) -> list[dict[str, Any]]:
    """A batch as it stands in the inbox."""
    events = [receive(_event(number)) for number in range(start, start + _BATCH)]
    return [
        {"event_id": one.event_id, "room_id": one.room_id, "json": one.json, "received_at": one.sent_at}
        for one in events
    ]


async def _insert(store: Store, batches: Iterable[list[dict[str, Any]]]) -> None:
    """Inserts batch after batch, each in a transaction of its own."""
    add = store.insert(RAW, "event_id")
    for rows in batches:
        await store.write(partial(_execute, add, rows))


def _execute(statement: sa.Insert, rows: list[dict[str, Any]], connection: sa.Connection) -> None:
    connection.execute(statement, rows)


async def _batches(
    bots: BotsProcess, session: aiohttp.ClientSession, store: Store, starts: Iterable[int]
) -> list[float]:
    """Sends batch after batch until all is handled, two under way at a time; how long each took, in seconds."""
    waiting: list[asyncio.Task[None]] = []
    seconds: list[float] = []
    for start in starts:
        body = json.dumps({"events": [_event(number) for number in range(start, start + _BATCH)]}).encode()
        began = time.perf_counter()
        url = f"{bots.url}/_matrix/app/v1/transactions/{start}"
        async with session.put(url, data=body, headers={"Org-Belisha-Instance": INSTANCE}) as response:
            assert response.status == 200  # noqa: S101  a figure of refused deliveries would be none
        waiting.append(asyncio.create_task(_handled(store, start + _BATCH, began, seconds)))
        if len(waiting) > 1:
            await waiting.pop(0)
    await asyncio.gather(*waiting)
    return seconds


async def _handled(store: Store, count: int, began: float, seconds: list[float]) -> None:
    """Waits until none of the last events of the rooms waits: those before them in a room are handled by then."""
    ids = [f"$event{number}" for number in range(count - _ROOMS, count)]
    query = sa.select(sa.func.count()).where(inbox.c.event_id.in_(ids), inbox.c.state == "pending")
    while await store.read(lambda connection: connection.scalar(query)):  # noqa: ASYNC110  another process tells nobody
        await asyncio.sleep(_LOOK_S)
    seconds.append(time.perf_counter() - began)


def _event(number: int) -> dict[str, Any]:
    return message(f"$event{number}", f"message {number}", room=f"!room{number % _ROOMS}:bench") | {
        "origin_server_ts": int(time.time() * 1000)
    }


def _resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def _cpu_s(pid: int) -> float:
    """What a process and its threads have used so far, in seconds of CPU."""
    behind_the_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(behind_the_name[11]) + int(behind_the_name[12])) / os.sysconf("SC_CLK_TCK")
