"""A thousand members at once: their clients wait for news, and they do what the metrics' pilot does, ever more often.

Each step doubles how much is done in a second, until what is written takes more than three seconds to arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.report import BenchFailed, Result, say
from bench.traffic import ACTS, Seen, Traffic, mix, quantile
from tests.deploy.hosted import settings
from tests.deploy.several import Several

_GROUPS: Final = 30
#: From each address nginx takes 500 connections; each organisation has one.
_OFFICES: Final = 30
_SLOW_S: Final = 3.0
_STEPS: Final = (0.5, 1, 2, 4, 8, 16, 32)
#: What members of the pilot do in the busiest hour of a day: an eighth of the day's acts.
_BUSY_HOUR: Final = 1 / 8


def run(*, quick: bool, members: int | None = None) -> Result:
    """Makes the community, and goes up the steps."""
    return asyncio.run(_run(members or (100 if quick else 1000), 20 if quick else 60))


async def _run(members: int, seconds: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="belisha-") as folder:
        several = Several(Path(folder), settings())
        with contextlib.closing(several):
            await several.start()
            async with several.session(offices=_OFFICES) as outside:
                traffic = Traffic(several, outside)
                say(f"making {members} members and {_GROUPS} groups …")
                await traffic.found(members, _GROUPS)
                return await _climb(traffic, members, seconds)


async def _climb(traffic: Traffic, members: int, seconds: float) -> Result:
    over = asyncio.Event()
    listening = [asyncio.create_task(traffic.listen(client, over)) for client in traffic.clients]
    acts = mix()
    dice = random.Random(1)
    held: tuple[float, Seen] | None = None
    for rate in _STEPS:
        traffic.seen = Seen()
        begun = time.monotonic()
        running: list[asyncio.Task[None]] = []
        while time.monotonic() - begun < seconds:
            (act,) = dice.choices(list(acts), list(acts.values()))
            running.append(asyncio.create_task(traffic.act(dice.choice(traffic.clients), act)))
            await asyncio.sleep(dice.expovariate(rate))
        await asyncio.gather(*running)
        await asyncio.sleep(2)
        arrived = quantile(traffic.seen.arrived, 0.95)
        say(f"{rate} acts a second: what is written arrives within {arrived:.2f} s (p95), {traffic.seen.failed} failed")
        if traffic.seen.failed or arrived > _SLOW_S:
            break
        held = rate, traffic.seen
    over.set()
    await asyncio.gather(*listening)
    if held is None:
        raise BenchFailed("not even the first step was carried")
    rate, seen = held
    figures: dict[str, float] = {"members": members, "acts_per_s": rate, "arrival_p95_s": quantile(seen.arrived, 0.95)}
    figures |= {f"{act}_p95_ms": quantile(seen.took.get(act, []), 0.95) * 1000 for act in ACTS}
    meaning = (
        f"With {members} clients open, on one process of Synapse and PostgreSQL, {rate} acts a second are carried; "
        f"the pilot's members do {_busy_hour(members):.2f} a second in a busy hour."
    )
    return Result("load", figures, {"of_a_busy_hour": rate / _busy_hour(members)}, meaning=meaning)


def _busy_hour(members: int) -> float:
    """Acts a second of as many members in the busiest hour of a working day; the pilot has 200, and 242 days."""
    return sum(mix().values()) / 242 / 200 * members * _BUSY_HOUR / 3600 * 7 / 5
