"""What the gate of files costs a download in a real Synapse, beside the same download past it, in turn.

One server (SQLite). A round is one download through the gate, one past it, and one more through it, in an order that is
drawn: the machine's load is the same for all three, and the second through the gate beside the first is the A/A run. A
ratio is that of the medians over all rounds, with a 95 % bootstrap interval.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import aiohttp
import yaml

from bench.media_switch import MODULE, PAST_THE_GATE
from bench.report import Bar, BenchFailed, Result, say
from bench.send import folder
from bench.stats import Interval, bootstrap
from tests.support.community import Community, settle
from tests.support.files import message, upload
from tests.support.server import Server, ended

_BYTES: Final = 10_000
#: How long to go on with each file, in seconds.
_SECONDS: Final = 60.0
_QUICK_SECONDS: Final = 15.0
_CONDITIONS: Final = ("gated", "ungated", "gated_again")
#: A file that many messages share is asked of all of them.
_OFTEN: Final = 100

#: Seconds of each download, by condition; the same place in each list is the same round.
Spent = dict[str, list[float]]


def run(*, quick: bool) -> Result:
    """Starts the server, shares a file at AMBER, and one in many messages, and measures."""
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        return asyncio.run(_run(Path(made), _QUICK_SECONDS if quick else _SECONDS))


async def _run(made: Path, seconds: float) -> Result:
    server = Server(made / "data")
    config = server.place.rendered / "homeserver.yaml"
    parsed = yaml.safe_load(config.read_text(encoding="utf-8"))
    parsed["modules"][0]["module"] = MODULE
    parsed["rc_message"] = {"per_second": 100_000, "burst_count": 100_000}
    config.write_text(yaml.safe_dump(parsed), encoding="utf-8")
    with ended(server):
        say("starting Synapse …")
        await server.start()
        community = await settle(server)
        spent = {}
        for name, times in (("", 1), (f"_shared_{_OFTEN}_times", _OFTEN)):
            media_id = await upload(community, "ana", random.Random(name).randbytes(_BYTES), "tides.bin")
            for _ in range(times):
                await community.sent(message(community, media_id, "TLP:AMBER tides"), "named")
            say(f"a file that {times} {'messages share' if times > 1 else 'message shares'}: about {seconds:.0f} s …")
            spent[name] = await _measure(community, media_id, seconds)
        await community.close()
    return _result(spent)


async def _measure(community: Community, media_id: str, seconds: float) -> Spent:
    draw = random.Random(media_id)
    spent: Spent = {condition: [] for condition in _CONDITIONS}
    headers = {"Authorization": f"Bearer {community['finn'].access_token}"}
    url = f"{community.server.url}/_matrix/client/v1/media/download/{community.server.name}/{media_id}"
    async with aiohttp.ClientSession(headers=headers) as session:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for condition in draw.sample(_CONDITIONS, len(_CONDITIONS)):
                past = {PAST_THE_GATE: "1"} if condition == "ungated" else {}
                before = time.perf_counter()
                async with session.get(url, headers=past) as answer:
                    if answer.status != 200 or len(await answer.read()) != _BYTES:
                        raise BenchFailed(f"Synapse answered a download with {answer.status}.")
                spent[condition].append(time.perf_counter() - before)
    return spent


def _ratio(one: list[float], other: list[float]) -> Interval:
    def of_rounds(rounds: Sequence[float]) -> float:
        return median(one[int(each)] for each in rounds) / median(other[int(each)] for each in rounds)

    return bootstrap(range(len(one)), of_rounds, samples=500)


def _result(spent: dict[str, Spent]) -> Result:
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for name, each in spent.items():
        for condition in ("gated", "ungated"):
            figures[f"{condition}_ms_p50{name}"] = median(each[condition]) * 1000
        figures[f"rounds{name}"] = len(each["gated"])
        for ratio, one, other in (("gated_vs_ungated", "gated", "ungated"), ("aa", "gated_again", "gated")):
            key = f"{ratio}_p50{name}"
            ratios[key], ratios[f"{key}_lo"], ratios[f"{key}_hi"] = _ratio(each[one], each[other])
    return Result(
        bench="media",
        figures=figures,
        ratios=ratios,
        bars={"gated_vs_ungated_p50": Bar(most=1.10)},
        meaning=f"Opening a file of 10 kB takes {ratios['gated_vs_ungated_p50']:.1%} of what it takes without the gate "
        f"(95 % interval {ratios['gated_vs_ungated_p50_lo']:.1%} to {ratios['gated_vs_ungated_p50_hi']:.1%}); "
        f"{ratios[f'gated_vs_ungated_p50_shared_{_OFTEN}_times']:.1%} where {_OFTEN} messages share it.",
    )
