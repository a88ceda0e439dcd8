"""What Belisha costs a send in a real Synapse, beside no module and one that only adds a key, switched in turn.

One server (SQLite), its callback switched before each block. A round is one block of each condition, the same messages
in each, in an order that is drawn, and Belisha twice: the second beside the first is the A/A run, which shows what the
machine's own noise makes of a ratio. Each ratio is the trimmed geometric mean of its rounds' ratios, with a 95 %
bootstrap interval; CPU is the server process's own, so it is steadier than throughput.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import tempfile
import time
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final, NamedTuple

import aiohttp
import yaml

from bench.report import Bar, Result, say
from bench.send_load import Block, Sender, contents
from bench.send_switch import BENCH_API, MODULE
from bench.stats import Interval, bootstrap, trimmed_geometric_mean, trimmed_mean
from tests.support.server import Server, ended

_SENDERS: Final = 8
_PARENTS: Final = 20
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  the folder in it is made by tempfile
#: Blocks of a round; `belisha_again` is the other half of the A/A run.
_CONDITIONS: Final = ("none", "one_key", "belisha", "belisha_again")
_MINIMUM_ROUNDS: Final = 6


class Setting(NamedTuple):
    """How many send at once in a room of how many, sends in a block, and how long to go on, in seconds."""

    concurrency: int
    members: int
    sends: int
    seconds: float

    @property
    def name(self) -> str:
        """As it ends the names of figures."""
        return f"c{self.concurrency}_m{self.members}"


_FULL: Final = (Setting(8, 10, 16, 100), Setting(1, 10, 10, 80), Setting(8, 200, 16, 120), Setting(1, 200, 6, 100))
_QUICK: Final = (Setting(8, 10, 16, 20), Setting(1, 10, 10, 15))
_BARS: Final = {f"throughput_vs_one_key_{setting.name}_hi": Bar(least=0.95) for setting in _FULL}

Round = dict[str, Block]


def run(*, quick: bool) -> Result:
    """Starts the server, fills the rooms, measures every setting."""
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        return asyncio.run(_run(Path(made), _QUICK if quick else _FULL))


def folder() -> Path | None:
    """Where the server's data lies: in memory, so that a disk's stalls hide no difference; or where TMPDIR says."""
    return _IN_MEMORY if "TMPDIR" not in os.environ and _IN_MEMORY.is_dir() else None


async def _run(folder: Path, settings: tuple[Setting, ...]) -> Result:
    server = Server(folder / "data")
    _make_ours(server.place.rendered / "homeserver.yaml")
    with ended(server):
        say("starting Synapse …")
        await server.start()
        async with aiohttp.ClientSession() as session:
            bench = _Bench(session, server)
            sizes = sorted({setting.members for setting in settings})
            await bench.prepare(sizes)
            rounds = {setting: await bench.measure(setting) for setting in settings}
            spent = [await bench.callback_ns(members) for members in sizes]
    return _result(rounds, dict(zip(sizes, spent, strict=True)))


def _make_ours(config: Path) -> None:
    """Loads the switch in place of the product's module, and lifts the limits on how fast a member may send."""
    parsed = yaml.safe_load(config.read_text(encoding="utf-8"))
    parsed["modules"][0]["module"] = MODULE
    parsed["rc_message"] = {"per_second": 100_000, "burst_count": 100_000}
    config.write_text(yaml.safe_dump(parsed), encoding="utf-8")


class _Bench:
    def __init__(self, session: aiohttp.ClientSession, server: Server) -> None:
        self._session = session
        self._server = server
        self._rooms: dict[int, str] = {}
        self._parents: dict[int, list[str]] = {}
        self._seed = itertools.count()

    async def _ask(self, act: str, **body: Any) -> dict[str, Any]:
        return await self._post(f"{BENCH_API}/{act}", body, {})

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        async with self._session.post(self._server.url + path, json=body, headers=headers) as answer:
            answer.raise_for_status()
            answered: dict[str, Any] = await answer.json()
            return answered

    async def prepare(self, sizes: list[int]) -> None:
        """Makes the members, a closed room of each size, and messages to answer in it."""
        say(f"making {max(sizes)} members and rooms of {' and '.join(map(str, sizes))} …")
        tokens = (await self._ask("people", count=max(sizes), senders=_SENDERS))["tokens"]
        maker = next(iter(tokens))
        headers = {"Authorization": f"Bearer {tokens[maker]}"}
        self._sender = Sender(self._session, self._server.url, list(tokens.values()), self._server.pid)
        for size in sizes:
            wish = {"preset": "private_chat", "name": f"Room of {size}"}
            room_id = (await self._post("/_matrix/client/v3/createRoom", wish, headers))["room_id"]
            await self._ask("fill", room_id=room_id, maker=maker, members=size)
            texts = itertools.islice(contents(next(self._seed), []), _PARENTS)
            self._parents[size] = [await self._sender.send(room_id, text) for text in texts]
            self._rooms[size] = room_id

    async def measure(self, setting: Setting) -> list[Round]:
        """Rounds of one setting for as long as it says."""
        say(f"{setting.concurrency} at once, {setting.members} members: about {setting.seconds:.0f} s …")
        draw = random.Random(setting.name)
        rounds: list[Round] = []
        end = time.monotonic() + setting.seconds
        while len(rounds) < _MINIMUM_ROUNDS or time.monotonic() < end:
            order = list(_CONDITIONS)
            draw.shuffle(order)
            seed = next(self._seed)
            rounds.append({condition: await self._block(setting, condition, seed) for condition in order})
        await self._ask("callback", to="belisha")
        return rounds

    async def _block(self, setting: Setting, condition: str, seed: int) -> Block:
        texts = list(itertools.islice(contents(seed, self._parents[setting.members]), setting.sends))
        await self._ask("callback", to=condition.removesuffix("_again"))
        room_id = self._rooms[setting.members]
        return await self._sender.block(room_id, setting.concurrency, texts)

    async def callback_ns(self, members: int, sends: int = 100) -> list[int]:
        """How long each call of Belisha's callback takes, in nanoseconds, from one sender at a time."""
        texts = list(itertools.islice(contents(next(self._seed), self._parents[members]), sends))
        await self._ask("callback", to="timed")
        await self._sender.block(self._rooms[members], 1, texts)
        await self._ask("callback", to="belisha")
        spent: list[int] = (await self._ask("spent"))["spent_ns"]
        return spent


def _result(rounds: dict[Setting, list[Round]], spent: dict[int, list[int]]) -> Result:
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for setting, each in rounds.items():
        for condition in ("none", "one_key", "belisha"):
            blocks = [one[condition] for one in each]
            figures[f"sends_per_s_{condition}_{setting.name}"] = median(block.rate for block in blocks)
            latencies = itertools.chain.from_iterable(block.latencies for block in blocks)
            figures[f"median_ms_{condition}_{setting.name}"] = median(latencies) * 1000
            figures[f"cpu_ms_per_send_{condition}_{setting.name}"] = median(_cpu_ms(block) for block in blocks)
        for name, peer in (("", "one_key"), ("vs_none_", "none")):
            added = [_cpu_ms(one["belisha"]) - _cpu_ms(one[peer]) for one in each]
            _put(figures, f"added_cpu_ms_per_send_{name}{setting.name}", bootstrap(added, trimmed_mean))
        figures[f"rounds_{setting.name}"] = len(each)
        for name, one, other in (
            ("throughput_vs_one_key", "belisha", "one_key"),
            ("throughput_vs_none", "belisha", "none"),
            ("aa", "belisha_again", "belisha"),
        ):
            pairs = [both[one].rate / both[other].rate for both in each]
            _put(ratios, f"{name}_{setting.name}", bootstrap(pairs, trimmed_geometric_mean))
    of_ten = [setting for setting in rounds if setting.members == min(spent)]
    figures["added_cpu_ms_per_send"] = fmean(figures[f"added_cpu_ms_per_send_{setting.name}"] for setting in of_ten)
    for members, nanoseconds in spent.items():
        figures[f"callback_ms_m{members}"] = median(nanoseconds) / 1e6
    first = next(iter(rounds)).name
    return Result(
        bench="send",
        figures=figures,
        ratios=ratios,
        bars={name: bar for name, bar in _BARS.items() if name in ratios},
        meaning=f"A server with Belisha sends {ratios[f'throughput_vs_one_key_{first}']:.1%} of what it sends with a "
        f"module that only adds a key ({first}; 95 % interval {ratios[f'throughput_vs_one_key_{first}_lo']:.1%} to "
        f"{ratios[f'throughput_vs_one_key_{first}_hi']:.1%}); labelling takes "
        f"{figures['added_cpu_ms_per_send']:.2f} ms more CPU a send than adding a key.",
    )


def _cpu_ms(block: Block) -> float:
    return block.cpu / block.sends * 1000


def _put(into: dict[str, float], name: str, found: Interval) -> None:
    into[name], into[f"{name}_lo"], into[f"{name}_hi"] = found
