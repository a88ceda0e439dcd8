"""A Prometheus that looks every two seconds, by the shipped rules with their times shortened."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

from belisha.cli.ports import free
from tests.support import processes
from tests.support.patience import wait_until

#: The shipped windows, and what becomes of them; a day is longer than the test, so that a rate over it is small.
_WINDOWS: Final = {"5m": "20s", "10m": "20s", "30m": "30s", "1h": "60s", "6h": "60s", "1d": "10m", "30d": "10m"}
#: Limits that are times, in seconds, or many.
_LIMITS: Final = {
    "inbox_oldest_seconds) > 300": "inbox_oldest_seconds) > 3",
    "outbox_lag_seconds) > 900": "outbox_lag_seconds) > 3",
    "belisha_files_unscanned) > 20": "belisha_files_unscanned) > 1",
}
_EVERY: Final = {"scrape_interval: 15s": "2s", "scrape_timeout: 10s": "2s", "evaluation_interval: 15s": "2s"}


def hasty(rules: str) -> str:
    """Rules that find in seconds what the shipped ones find in minutes; nothing else of them is changed."""
    for limit, less in _LIMITS.items():
        rules = rules.replace(limit, less)
    rules = re.sub(r"\[(\d+[a-z])\]", lambda window: f"[{_WINDOWS[window[1]]}]", rules)
    return re.sub(r"^( +for:) \w+$", r"\1 0s", rules, flags=re.MULTILINE)


class Prometheus:
    """One that runs, and what it answers."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=30) as answer:  # noqa: S310  its own
            return json.load(answer)["data"]

    def targets(self) -> dict[str, str]:
        """The health of each job."""
        return {one["labels"]["job"]: one["health"] for one in self.get("targets")["activeTargets"]}

    def query(self, query: str) -> list[float]:
        """The values of an expression now."""
        return [float(one["value"][1]) for one in self.get("query", query=query)["result"]]

    def firing(self) -> set[str]:
        """The names of the alerts that are there now."""
        return {one["labels"]["alertname"] for one in self.get("alerts")["alerts"] if one["state"] == "firing"}


@contextmanager
def prometheus(rendered: Path, folder: Path) -> Iterator[Prometheus]:
    """Runs one with the rendered configuration, hasty."""
    folder.mkdir()
    for file in rendered.glob("*.yaml"):
        text = hasty(file.read_text(encoding="utf-8"))
        for before, less in _EVERY.items():
            text = text.replace(before, f"{before.partition(':')[0]}: {less}")
        (folder / file.name).write_text(text, encoding="utf-8")
    port = free(None)
    command = ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    process = processes.start(command, folder / "log", cwd=folder)
    here = Prometheus(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(here))
        assert process.poll() is None, (folder / "log").read_text()
        yield here
    finally:
        processes.end(process)


def belisha(*arguments: str) -> str:
    """Runs a command."""
    done = subprocess.run([sys.executable, "-m", "belisha", *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _is_ready(here: Prometheus) -> bool:
    try:
        with urlopen(f"{here.url}/-/ready", timeout=5) as answer:  # noqa: S310  its own
            return bool(answer.status == 200)
    except OSError:
        return False
