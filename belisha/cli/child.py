"""One child process: started, watched, started again with growing pauses, stopped."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import belisha
from belisha.cli.errors import CommandError

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STEADY = 60.0  # a child that ran so long starts counting its failures anew
ATTEMPTS = 3  # before it was ever well


@dataclass(frozen=True)
class Program:
    """What a child runs.

    Attributes:
        name: as people read it ("Synapse").
        command: the program and its arguments (for a module of Python see `python`).
        log: the file it logs to.
        patience: seconds from the polite request to stop until it is killed.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    patience: float


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module of this Python's."""
    return (sys.executable, "-P", "-m", module, *arguments)


class Child:
    """A program kept running until `stop`."""

    def __init__(
        self,
        program: Program,
        folder: Path,
        on_change: Callable[[], None],
        warn: Callable[[str], None],
        record: Callable[[str], None],
    ) -> None:
        self.program = program
        self.was_well = False
        self._folder = folder
        self._on_change = on_change
        self._warn = warn
        self._record = record
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process, while it lives."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def keep_running(self) -> None:
        """Runs the program, again whenever it ends, until `stop`.

        Raises:
            CommandError: it ended three times before it was ever well.
        """
        failures = 0
        while not self._stopping:
            began = time.monotonic()
            reason = await self._run_once()
            if self._stopping:
                return
            if time.monotonic() - began > STEADY:
                failures = 0
            failures += 1
            if failures >= ATTEMPTS and not self.was_well:
                raise CommandError(
                    f"{self.program.name} does not start: {reason}",
                    f"The whole story is in {self.program.log.parent}.",
                )
            pause = pause_after(failures)
            self._warn(f"{self.program.name} stopped: {reason} Starting it again in {pause:.0f} s.")
            await asyncio.sleep(pause)

    async def stop(self) -> None:
        """Asks the program to stop, and kills it when it does not in time."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.program.patience)
        except TimeoutError:
            self._record(f"{self.program.name} is killed: it had {self.program.patience:.0f} s to stop")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _run_once(self) -> str:
        """Runs the program to its end and gives the reason of the end, a sentence."""
        process = await asyncio.create_subprocess_exec(
            *self.program.command,
            cwd=self._folder,
            env=environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops its children in order
            limit=1 << 20,
        )
        self._process = process
        self._record(f"{self.program.name} runs as process {process.pid}")
        self._on_change()
        if self._stopping:  # asked to while it was being started
            process.terminate()
        lines: deque[str] = deque(maxlen=50)
        if process.stdout is not None:
            await self._listen(process.stdout, lines)
        code = await process.wait()
        reason = ending(code, lines, self.program.log)
        if self._stopping:
            self._record(f"{self.program.name} ended: {reason}")
        self._on_change()
        return reason

    async def _listen(self, stream: asyncio.StreamReader, lines: deque[str]) -> None:
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # one line of more than a megabyte
                continue
            if not raw:
                return
            line = raw.decode("utf-8", "replace").rstrip()
            if line:
                lines.append(line)
                self._record(f"{self.program.name}: {line}")


def pause_after(failures: int) -> float:
    """Seconds to wait before the next start: 1, 2, 4 … 60."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE)


def ending(code: int, lines: deque[str], log: Path) -> str:
    """Why a child ended: the signal or exit code, and the last thing it said."""
    if code < 0:
        try:
            how = f"ended by {signal.Signals(-code).name}"
        except ValueError:
            how = f"ended by signal {-code}"
    else:
        how = f"exit code {code}"
    said = next((line.strip(" *\t") for line in reversed(lines) if line.strip(" *-\t")), "") or last_line(log)
    return f"{how}; its last line: {said[:300].rstrip('.')}." if said else f"{how}, without a word."


def last_line(path: Path) -> str:
    """What the last line of a log says; of a structured line its message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            tail = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    line = next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "")
    try:
        structured = json.loads(line)
    except ValueError:
        return line
    return str(structured.get("message", line)) if isinstance(structured, dict) else line


def environment() -> dict[str, str]:
    """The environment of children: they find Belisha wherever it stands, and are sparing with memory."""
    root = str(Path(belisha.__file__).resolve().parent.parent)
    before = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([before, root] if before else [root]),
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # glibc gives each thread a heap of its own otherwise
    }
