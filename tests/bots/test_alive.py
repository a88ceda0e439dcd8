"""The bots' process tells systemd that it is not stuck, from before it is ready on, and only while that is so."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.bots.support import BotsProcess, write_config
from tests.support.notified import notified
from tests.support.server import free_ports


async def test_a_process_that_is_stuck_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homeserver, own = free_ports(2)  # it waits for a homeserver, as after each start of a machine: that is not stuck
    process = BotsProcess(write_config(tmp_path, f"http://127.0.0.1:{homeserver}", own))
    with notified(monkeypatch, 0.6) as systemd:
        try:
            await process.start(until="/healthz")
            await systemd.until_heard(process.pid)
            os.kill(process.pid, signal.SIGSTOP)
            await systemd.hears(0.1)  # what was said before it took the signal
            assert await systemd.hears(1.5) == {}
            os.kill(process.pid, signal.SIGCONT)
            await systemd.until_heard(process.pid)
        finally:
            process.end()
