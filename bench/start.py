"""How long `belisha up` takes until everything is healthy, and how much memory all its processes hold.

Cold is the first run in an empty folder (secrets, database, first manager and rooms are made), warm each run after it;
the operating system's file cache is warm in both. Memory is read once a warm start has been ready for some seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from bench.report import Bar, BenchFailed, Result, say
from tests.support.server import ROOT, free_ports

_BARS: Final = {"warm_start_s": Bar(most=10.0), "rss_mb": Bar(most=400.0)}
_TIMEOUT_S: Final = 240
_SETTLE_S: Final = 5.0


class Memory(NamedTuple):
    """Megabytes (2**20 bytes): resident, and with shared pages divided among those that share them."""

    rss: float
    pss: float


def run(*, quick: bool) -> Result:
    """Starts and stops a community, once cold and then warm."""
    with tempfile.TemporaryDirectory(prefix="belisha-bench-") as folder:
        data = Path(folder) / "data"
        port, _portal = free_ports(2)
        try:
            say("cold start …")
            cold, _ = _up(data, port)
            warm: list[float] = []
            memory: dict[str, Memory] = {}
            for number in range(1 if quick else 5):
                _belisha("down", data)
                say(f"warm start {number + 1} …")
                seconds, run_json = _up(data, port)
                warm.append(seconds)
                if not memory:
                    time.sleep(_SETTLE_S)
                    memory = _memory_of(run_json)
            before = time.perf_counter()
            _belisha("down", data)
            down = time.perf_counter() - before
        finally:
            _belisha("down", data, check=False)
    figures = {
        "warm_start_s": median(warm),
        "warm_start_slowest_s": max(warm),
        "cold_start_s": cold,
        "down_s": down,
        "rss_mb": sum(each.rss for each in memory.values()),
        "pss_mb": sum(each.pss for each in memory.values()),
    }
    for name, each in memory.items():
        figures[f"rss_mb_{name}"] = each.rss
    return Result(
        bench="start",
        figures=figures,
        bars=_BARS,
        meaning=f"A community that has run before is ready {figures['warm_start_s']:.1f} s after the command; "
        f"its {len(memory)} processes together hold {figures['rss_mb']:.0f} MB.",
    )


def _up(data: Path, port: int) -> tuple[float, dict[str, int]]:
    """Seconds until `up --detach` said that all is healthy, and every process by name."""
    before = time.perf_counter()
    _belisha("up", data, "--port", str(port), "--detach")
    seconds = time.perf_counter() - before
    written = json.loads((data / "run.json").read_text(encoding="utf-8"))
    return seconds, {"supervisor": written["pid"], **written["pids"]}


def _belisha(command: str, data: Path, *options: str, check: bool = True) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "belisha", command, "--data", str(data), *options],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
    )
    if check and done.returncode:
        raise BenchFailed(f"`belisha {command}` ended with {done.returncode}: {(done.stderr or done.stdout)[-600:]}")


def _memory_of(processes: dict[str, int]) -> dict[str, Memory]:
    """The memory of each process with its descendants."""
    children = _children()
    named = set(processes.values())
    found = {}
    for name, pid in processes.items():
        family, queue = [pid], [pid]
        while queue:
            queue = [child for parent in queue for child in children.get(parent, []) if child not in named]
            family += queue
        each = [_memory(member) for member in family]
        found[name] = Memory(sum(memory.rss for memory in each), sum(memory.pss for memory in each))
    return found


def _children() -> dict[int, list[int]]:
    """Every process by its parent (proc(5), /proc/pid/stat: the fourth field, behind a name in brackets)."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        children.setdefault(parent, []).append(int(path.parent.name))
    return children


def _memory(pid: int) -> Memory:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    kilobytes = {line.split(":")[0]: float(line.split()[1]) for line in text.splitlines()[1:]}
    return Memory(kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024)
