"""Each process of Synapse tells systemd that it is not stuck, and only while that is so."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.notified import notified
from tests.support.settled import own_community


async def test_a_process_that_is_stuck_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with notified(monkeypatch, 0.9) as systemd:
        async with own_community(tmp_path / "data") as community:
            await systemd.until_heard(*community.server.pids)
            os.kill(community.server.pid, signal.SIGSTOP)
            await systemd.hears(0.1)  # what was said before it took the signal
            heard = await systemd.hears(2.0)
            os.kill(community.server.pid, signal.SIGCONT)
            assert community.server.pid not in heard
