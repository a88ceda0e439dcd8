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

from bench.report import Result, say
from bench.traffic import ACTS, Seen, Traffic, mix, quantile
from tests.deploy.hosted import settings
from tests.deploy.several import Several

_GROUPS: Final = 30
#: From each address nginx takes 500 connections; each organisation has one.
_OFFICES: Final = 30
#: What docs/scaling.md gives a server on which many are online, as a change of the example's settings.
_PROCESSES: Final = (("  client: 0\n", "  client: 1\n"),)
_SLOW_S: Final = 3.0
#: Acts a second in the first step, by how many members there are: what each does is told to two in five of them.
_FIRST: Final = 62.5
_STEPS: Final = 10
#: A step lasts until so many acts were begun, or longer: a tenth of them are messages.
_LEAST_ACTS: Final = 30
_LEAST_SENT: Final = 3
#: What members of the pilot do in the busiest hour of a day: an eighth of the day's acts.
_BUSY_HOUR: Final = 1 / 8


def run(*, quick: bool, members: int | None = None) -> Result:
    """Makes the community, and goes up the steps."""
    return asyncio.run(_run(members or (100 if quick else 1000), 20 if quick else 60))


async def _run(members: int, seconds: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="belisha-") as folder:
        several = Several(Path(folder), settings(*_PROCESSES))
        with contextlib.closing(several):
            await several.start()
            async with several.session(offices=_OFFICES) as outside:
                traffic = Traffic(several, outside)
                say(f"making {members} members and {_GROUPS} groups …")
                begun = time.monotonic()
                await traffic.found(members, _GROUPS)
                say(f"made in {(time.monotonic() - begun) / 60:.1f} minutes")
                return await _climb(traffic, members, seconds)


async def _climb(traffic: Traffic, members: int, seconds: float) -> Result:
    over = asyncio.Event()
    listening = [asyncio.create_task(traffic.listen(client, over)) for client in traffic.clients]
    figures: dict[str, float] = {"members": members, "acts_per_s": 0}
    seen = Seen()
    for rate in (_FIRST / members * 2**step for step in range(_STEPS)):
        step = await _step(traffic, rate, max(seconds, _LEAST_ACTS / rate))
        arrived = quantile(step.arrived, 0.95)
        figures |= {
            f"arrival_p50_s_at_{rate:.3g}": quantile(step.arrived, 0.5),
            f"arrival_p95_s_at_{rate:.3g}": arrived,
        }
        say(f"{rate:.3g} acts a second: what is written arrives within {arrived:.2f} s (p95), {step.failed} failed")
        if step.failed or arrived > _SLOW_S:
            break
        figures["acts_per_s"], seen = rate, step
    over.set()
    await asyncio.gather(*listening)
    figures |= {f"{act}_p95_ms": quantile(seen.took[act], 0.95) * 1000 for act in ACTS if act in seen.took}
    carried, asked = figures["acts_per_s"], _busy_hour(members)
    meaning = (
        f"With {members} clients open, on two processes of Synapse, {carried:.3g} acts a second are carried; "
        f"the pilot's members do {asked:.2f} a second in a busy hour."
    )
    return Result("load", figures, {"of_a_busy_hour": carried / asked}, meaning=meaning)


async def _step(traffic: Traffic, rate: float, seconds: float) -> Seen:
    """What is seen of so many acts a second, begun at random moments."""
    acts, dice = mix(), random.Random(rate)
    traffic.seen = seen = Seen()
    end = time.monotonic() + seconds
    running: list[asyncio.Task[None]] = []
    while time.monotonic() < end or seen.sent < _LEAST_SENT:
        (act,) = dice.choices(list(acts), list(acts.values()))
        running.append(asyncio.create_task(traffic.act(dice.choice(traffic.clients), act)))
        await asyncio.sleep(dice.expovariate(rate))
    await asyncio.gather(*running)
    await asyncio.sleep(2 * _SLOW_S)  # for what is still on its way
    return seen


def _busy_hour(members: int) -> float:
    """Acts a second of as many members in the busiest hour of a working day; the pilot has 200, and 242 days."""
    return sum(mix().values()) / 242 / 200 * members * _BUSY_HOUR / 3600 * 7 / 5
