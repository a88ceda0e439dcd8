"""How much one server carries with 0, 1 and 2 further processes: messages per second, and how long they take.

The same members write as fast as they are answered while all of them wait for news, behind the real nginx, with
PostgreSQL. What makes the load takes its share of the same cores: a gain is smaller here than on a machine with more.
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
from bench.traffic import Traffic, quantile
from tests.deploy.hosted import settings
from tests.deploy.several import Several

#: The further processes of each run: what is changed in the example's settings.
_RUNS: Final = {
    0: (),
    1: (("  client: 0\n", "  client: 1\n"),),
    2: (("  client: 0\n", "  client: 1\n"), ("  persister: 0\n", "  persister: 1\n")),
}
_MEMBERS: Final = 40
_GROUPS: Final = 8
_WRITERS: Final = 12


def run(*, quick: bool) -> Result:
    """Measures each number of processes, each on a community of its own."""
    seen = {count: asyncio.run(_of(count, 15 if quick else 60)) for count in _RUNS}
    figures: dict[str, float] = {}
    for count, (rate, p50, p95, arrived) in seen.items():
        figures |= {
            f"sends_per_s_{count}_workers": rate,
            f"send_p50_ms_{count}_workers": p50 * 1000,
            f"send_p95_ms_{count}_workers": p95 * 1000,
            f"arrival_p95_ms_{count}_workers": arrived * 1000,
        }
    ratios = {f"throughput_{count}_to_0_workers": seen[count][0] / seen[0][0] for count in (1, 2)}
    meaning = (
        f"{_WRITERS} of {_MEMBERS} members write without a pause in {_GROUPS} groups; arrival is until another "
        "member's client has the message."
    )
    return Result("scale", figures, ratios, meaning=meaning)


async def _of(count: int, seconds: float) -> tuple[float, float, float, float]:
    say(f"{count} further processes …")
    with tempfile.TemporaryDirectory(prefix="belisha-") as folder:
        several = Several(Path(folder), settings(*_RUNS[count]))
        with contextlib.closing(several):
            await several.start()
            async with several.session() as outside:
                traffic = Traffic(several, outside)
                await traffic.found(_MEMBERS, _GROUPS, organisations=5)
                over = asyncio.Event()
                listening = [asyncio.create_task(traffic.listen(client, over)) for client in traffic.clients]
                begun = time.monotonic()
                dice = random.Random(count)

                async def write() -> None:
                    while time.monotonic() - begun < seconds:
                        await traffic.act(dice.choice(traffic.clients), "posted")

                await asyncio.gather(*(write() for _ in range(_WRITERS)))
                took = time.monotonic() - begun
                over.set()
                await asyncio.gather(*listening)
    seen = traffic.seen
    if seen.failed:
        raise BenchFailed(f"{seen.failed} requests failed")
    sends = seen.took["posted"]
    return len(sends) / took, quantile(sends, 0.5), quantile(sends, 0.95), quantile(seen.arrived, 0.95)
