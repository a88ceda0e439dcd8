"""The real process, killed at bad moments, beside a homeserver that remembers transaction ids."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bots.support import ADA, ROOM, STEWARD, BotsProcess, Homeserver, member, message, write_config
from tests.support.databases import postgresql
from tests.support.patience import until
from tests.support.server import ROOT, free_ports

pytestmark = pytest.mark.more

SERVICE = {"kind": "service", "default": "TLP:AMBER", "ceiling": "TLP:AMBER+STRICT"}


async def _killed_between_storing_and_answering(process: BotsProcess, homeserver: Homeserver) -> None:
    await process.start()
    homeserver.holding.clear()  # no send is answered any more
    assert (await process.push("1", message("$1"), message("$2", room="!other:x"), message("$3")))[0] == 200
    process.end()
    assert homeserver.sent == {}
    homeserver.holding.set()
    await process.start()
    assert len(await homeserver.until_sent(3)) == 3
    # Killed again, told the same again, and under an old transaction id: nothing is said twice.
    process.end()
    await process.start()
    assert (await process.push("1", message("$1"), message("$2", room="!other:x")))[0] == 200
    assert (await process.push("2", message("$4")))[0] == 200
    assert len(await homeserver.until_sent(4)) == 4


async def test_killed_between_storing_and_answering(process: BotsProcess, homeserver: Homeserver) -> None:
    await _killed_between_storing_and_answering(process, homeserver)


@pytest.mark.full
async def test_killed_between_storing_and_answering_on_postgresql(tmp_path: Path, homeserver: Homeserver) -> None:
    with postgresql() as address:
        process = BotsProcess(write_config(tmp_path, homeserver.url, free_ports(1)[0], database=address))
        try:
            await _killed_between_storing_and_answering(process, homeserver)
        finally:
            process.end()


@pytest.mark.full
async def test_killed_at_many_moments(process: BotsProcess, homeserver: Homeserver) -> None:
    sent = 0
    for round_ in range(12):
        await process.start()
        events = [message(f"${round_}.{n}", room=f"!{n % 3}:x") for n in range(20)]
        assert (await process.push("1", *events))[0] == 200
        sent += len(events)
        await asyncio.sleep(round_ * 0.017)
        process.end()
    await process.start()
    assert len(await homeserver.until_sent(sent, 60)) == sent


async def test_a_welcome_is_said_once(process: BotsProcess, homeserver: Homeserver) -> None:
    homeserver.policies[ROOM] = SERVICE
    homeserver.members[ROOM] = {STEWARD: {"display_name": "Steward"}, ADA: {"display_name": "Ada (Harbour)"}}
    await process.start()
    await process.push("1", member("$1", STEWARD, sender=STEWARD))
    assert [one["body"].split("\n")[0] for one in await homeserver.until_sent(1)] == ["Hello Ada, and welcome!"]
    process.end()
    await process.start()
    await process.push("2", member("$2", ADA, displayname="Ada (Harbour)"), member("$3", ADA, displayname="Ada"))
    await process.push("3", message("$4", "help", room=ROOM))
    assert len(await homeserver.until_sent(2)) == 2


async def test_it_waits_for_a_homeserver_that_starts_later(tmp_path: Path) -> None:
    port, own = free_ports(2)
    process = BotsProcess(write_config(tmp_path, f"http://127.0.0.1:{port}", own))
    try:
        await process.start(until="/healthz")
        assert (await process.get("/readyz"))[0] == 503
        assert (await process.push("1", message("$1")))[0] == 200  # stored, whatever else is missing
        async with Homeserver(port) as homeserver:
            assert len(await homeserver.until_sent(1)) == 1

            async def ready() -> bool:
                return (await process.get("/readyz"))[0] == 200

            await until(ready)
    finally:
        process.end()


def resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """The processor's time that a process has used, without its children (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_loading() -> float:
    """What a process uses that loads the code of the bots, and ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "import bots.kernel.process, bots.portal.server, bots.roster"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def test_it_is_light_starts_fast_and_stops_cleanly(homeserver: Homeserver, tmp_path: Path) -> None:
    process = BotsProcess(write_config(tmp_path, homeserver.url, free_ports(1)[0]), forked=False)
    try:
        await _is_light_starts_fast_and_stops_cleanly(process, tmp_path)
    finally:
        process.end()


async def _is_light_starts_fast_and_stops_cleanly(process: BotsProcess, tmp_path: Path) -> None:
    await process.start()
    assert process.end(signal.SIGTERM) == 0
    await process.start()  # a warm start: the database is there
    assert resident_mb(process.pid) < 115
    # What it costs the processor, beside loading its code alone: about as much.
    loading = await asyncio.to_thread(cpu_of_loading)
    assert cpu_seconds(process.pid) < 4 * loading
    assert process.end(signal.SIGINT) == 0
    assert not (tmp_path / "mx-state.json").exists()


async def test_logs_hold_no_words_of_members(process: BotsProcess, homeserver: Homeserver, tmp_path: Path) -> None:
    await process.start()
    homeserver.errors = [(403, {"errcode": "M_FORBIDDEN", "error": "words of the server"})]
    await process.push("1", message("$1", "!help with my secret harbour"), message("$2"))
    await homeserver.until_sent(1)
    process.end(signal.SIGTERM)
    log = (tmp_path / "bots.log").read_text()
    assert "403 M_FORBIDDEN" in log
    for private in ("secret harbour", "words of the server", "the bots' token", "homeserver's token"):
        assert private not in log


@pytest.mark.full
@pytest.mark.parametrize(
    ("own_database", "reason"), [(False, "Another process of the bots works on"), (True, "cannot listen on 127.0.0.1:")]
)
async def test_a_second_process_says_why_it_cannot_start(
    process: BotsProcess, homeserver: Homeserver, tmp_path: Path, own_database: bool, reason: str
) -> None:
    await process.start()
    config = process.config
    if own_database:
        port = int(process.url.rpartition(":")[2])
        (tmp_path / "other").mkdir()
        config = write_config(tmp_path / "other", homeserver.url, port)
    arguments = [sys.executable, "-m", "bots", "--config", str(config)]
    other = await asyncio.to_thread(
        subprocess.run, arguments, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )
    assert other.returncode == 1
    assert reason in other.stderr
    assert other.stderr.count("\n") == 1
