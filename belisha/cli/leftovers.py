"""Children that a killed supervisor left behind: found by run.json, and stopped before a new start."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from belisha.cli import data_folder
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress

PATIENCE = 20.0


def stop(data: Path, progress: Progress | None = None) -> int:
    """Stops what an earlier run of this folder left behind; gives the number of processes.

    Call it only while holding the folder, or after the holder has gone.

    Raises:
        CommandError: one of them does not go.
    """
    pids = find(data)
    if pids and progress:
        progress.step("Stopping what a killed run left behind")
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    for pid in pids:
        while _is_ours(pid, data):
            if time.monotonic() > end:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.5)
                if _is_ours(pid, data):
                    raise CommandError(
                        f"Process {pid}, left behind by an earlier run, does not end.", f"Try: kill -9 {pid}"
                    )
                break
            time.sleep(0.05)
    return len(pids)


def find(data: Path) -> list[int]:
    """The processes that run.json names and that still run on this folder's configuration."""
    pids = data_folder.read_run(data).get("pids")
    if not isinstance(pids, dict):
        return []
    return [pid for pid in pids.values() if isinstance(pid, int) and _is_ours(pid, data)]


def _is_ours(pid: int, data: Path) -> bool:
    """Whether `pid` is a child of this folder's, and not a stranger that got its number."""
    return str(data / "rendered") in _command_line(pid)


def _command_line(pid: int) -> str:
    try:
        if Path("/proc/self").exists():
            status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            if status.rpartition(")")[2].split()[0] == "Z":  # has ended; nobody has asked how
                return ""
            return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        return subprocess.run(  # noqa: S603  a fixed program and a number
            ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    except (OSError, IndexError):
        return ""
