"""Programs that tests start. None outlives the test run, even where that is killed."""

from __future__ import annotations

import ctypes
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

_libc: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1


class Process(Protocol):
    """What tests use of a process, as `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        ...

    def send_signal(self, sig: int) -> None:
        """Sends a signal, where it still runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end."""
        ...


def end_with_the_tests() -> None:
    """Has the kernel kill this process as soon as the test run is gone (prctl(2), PR_SET_PDEATHSIG)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(
    command: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a program that writes into a log; as another user where one is named."""
    as_user = {} if user is None else {"user": user, "group": "nogroup", "extra_groups": ()}
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
            preexec_fn=end_with_the_tests,
            **as_user,
        )


def end(process: Process, number: int = signal.SIGTERM) -> None:
    """Ends a process and waits for it; one that was stopped by a signal is woken for that."""
    if process.poll() is None:
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        process.wait(120)  # SIGTERM: it writes down what it has, beside whoever uses the machine too
