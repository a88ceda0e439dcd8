"""What a benchmark gives, and how it is shown: one JSON object, or a table for a person."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Table

_PEERS: Final = ("matrix-synapse", "casbin", "cedarpy", "duckdb", "pyroaring")


class BenchFailed(Exception):
    """A benchmark that cannot give its figures; the message is a sentence."""


class Bar(NamedTuple):
    """What a figure or ratio is held to: at least `least`, or at most `most`."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether `value` keeps to it."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        """The bar in words."""
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


@dataclass
class Result:
    """Numbers by name, what they are held to, and a sentence of what they mean."""

    bench: str
    figures: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    bars: dict[str, Bar] = field(default_factory=dict)
    meaning: str = ""

    def as_json(self) -> str:
        """The one object of `--json`."""
        return json.dumps(
            {
                "bench": self.bench,
                "figures": {name: round(value, 4) for name, value in self.figures.items()},
                "ratios": {name: round(value, 4) for name, value in self.ratios.items()},
                "machine": machine(),
            }
        )

    def show(self) -> None:
        """The table for a person."""
        table = Table(title=f"bench {self.bench}", title_justify="left")
        table.add_column("name")
        table.add_column("value", justify="right")
        table.add_column("bar")
        for name, value in (*self.figures.items(), *self.ratios.items()):
            bar = self.bars.get(name)
            kept = "" if bar is None else f"{bar}: {'kept' if bar.holds(value) else 'MISSED'}"
            table.add_row(name, f"{value:,}" if isinstance(value, int) else f"{value:,.3f}", kept)
        console = Console(highlight=False)
        console.print(table)
        console.print(self.meaning)
        about = machine()
        console.print(
            f"{about['processor']}, {about['cores']} cores, load {about['load']}, "
            f"Python {about['python']}, {about['time']}"
        )


def machine() -> dict[str, Any]:
    """What ran it: without it a figure says nothing."""
    versions = {}
    for name in _PEERS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": versions,
        "load": round(os.getloadavg()[0], 2),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def say(text: str) -> None:
    """Progress, on standard error, so that `--json` stays one object."""
    print(f"  {text}", file=sys.stderr, flush=True)
