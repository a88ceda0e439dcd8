"""Processes of Synapse and of the bots, forked from one that has both imported."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from tests.support.processes import end_with_the_tests

_PRELOADED: Final = "tests.support.preloaded"
_forkserver: Final = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload([_PRELOADED])


class Forked:
    """One process, with what tests use of `subprocess.Popen`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        """Sends a signal, where it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended since
                os.kill(self.pid, sig)

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code


def start(app: str, arguments: Sequence[str], log: Path, *, cwd: Path, env: Mapping[str, str]) -> Forked:
    """Starts a process of Synapse that writes into a log."""
    process = _forkserver.Process(target=_run, args=(app, list(arguments), log, cwd, dict(env)), name=app)
    process.start()
    return Forked(process)


def start_bots(module: str, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Forked:
    """Starts what `python -m MODULE ARGUMENTS` would; it writes where the test run does."""
    process = _forkserver.Process(target=_run_bots, args=(module, list(arguments), cwd, dict(env)), name=module)
    process.start()
    return Forked(process)


def _run(app: str, arguments: Sequence[str], log: Path, cwd: Path, env: Mapping[str, str]) -> None:
    end_with_the_tests()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Only in the forked process: the test run itself keeps its own reactor.
    from tests.support import preloaded

    preloaded.run(app, arguments, log, cwd, env)


def _run_bots(module: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
    end_with_the_tests()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)
