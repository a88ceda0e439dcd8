"""A process says that it is not stuck as often as systemd asks, by the loop that does the work, and else never."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time

import pytest

from belisha import alive
from tests.support.notified import notified

ASKED = {"NOTIFY_SOCKET": "/run/systemd/notify", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({}, 20.0),
        ({"WATCHDOG_PID": ""}, 20.0),
        ({"WATCHDOG_PID": "8"}, None),  # the child of one that was asked
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
        ({"NOTIFY_SOCKET": ""}, None),
    ],
)
def test_it_is_said_thrice_in_the_time_that_the_unit_allows(changed: dict[str, str], seconds: float | None) -> None:
    assert alive.every(ASKED | changed, 7) == seconds


async def test_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    await asyncio.wait_for(alive.keep_telling(), 5)


@pytest.mark.parametrize("address", ["/not/there", "@belisha-nobody", "/dev/null"])
def test_where_nobody_hears_it_nothing_fails(address: str) -> None:
    alive.tell({"NOTIFY_SOCKET": address})


async def test_that_the_loop_runs_is_said_first_with_and_without_a_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    with notified(monkeypatch, 60) as systemd:
        telling = asyncio.create_task(alive.keep_telling())
        assert [await asyncio.to_thread(systemd.next) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
        telling.cancel()
        monkeypatch.setenv("WATCHDOG_USEC", "")
        await asyncio.wait_for(alive.keep_telling(), 5)
        assert await asyncio.to_thread(systemd.next) == b"READY=1"


async def test_a_loop_that_waits_goes_on_saying_it_and_one_that_is_blocked_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with notified(monkeypatch, 0.3) as systemd:
        telling = asyncio.create_task(alive.keep_telling())
        await systemd.until_heard(os.getpid())
        hearing = asyncio.get_running_loop().run_in_executor(None, systemd.heard, 1.0)
        time.sleep(1.5)  # noqa: ASYNC251  the loop is to be blocked
        assert await hearing == {}
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling
