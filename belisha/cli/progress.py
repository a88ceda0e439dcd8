"""What a person sees while waiting: a moving line on a terminal, plain lines elsewhere.

A run in the background sends the same as messages to whoever started it.
"""

import json
import os
import sys
import time
from typing import Protocol


class Progress(Protocol):
    """Tells how far a command is."""

    def step(self, text: str) -> None:
        """A new step begins, and with it the one before has ended well."""

    def warn(self, text: str) -> None:
        """Something went wrong that the command deals with by itself."""

    def end(self) -> None:
        """The present step has ended well, and none follows."""

    def ready(self, text: str) -> None:
        """Everything is done; `text` says what a person can do now."""

    def failed(self, text: str) -> None:
        """The command gives up, and why."""


class Plain:
    """One line for each step."""

    def step(self, text: str) -> None:
        """See `Progress`."""
        print(f"{text} …", flush=True)

    def warn(self, text: str) -> None:
        """See `Progress`."""
        print(f"belisha: {text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """See `Progress`."""

    def ready(self, text: str) -> None:
        """See `Progress`."""
        print(text, flush=True)

    def failed(self, text: str) -> None:
        """See `Progress`."""
        print(f"belisha: {text}", file=sys.stderr, flush=True)


class Terminal:
    """A spinner with the present step; finished steps stay above it with their time."""

    def __init__(self) -> None:
        from rich.console import Console  # only where somebody looks: it costs memory

        self._console = Console(highlight=False)
        self._status = self._console.status("")
        self._step: tuple[str, float] | None = None

    def step(self, text: str) -> None:
        """See `Progress`."""
        self._finish(good=True)
        self._step = (text, time.monotonic())
        self._status.update(f"{_plain(text)} …")
        self._status.start()

    def warn(self, text: str) -> None:
        """See `Progress`."""
        self._console.print(f"[yellow]![/] {_plain(text)}", soft_wrap=True)

    def end(self) -> None:
        """See `Progress`."""
        self._finish(good=True)

    def ready(self, text: str) -> None:
        """See `Progress`."""
        self._finish(good=True)
        self._console.print(_plain(text), soft_wrap=True)  # an address has to stay in one piece

    def failed(self, text: str) -> None:
        """See `Progress`."""
        self._finish(good=False)
        print(f"belisha: {text}", file=sys.stderr, flush=True)

    def _finish(self, good: bool) -> None:
        self._status.stop()
        if self._step:
            text, since = self._step
            mark = "[green]✓[/]" if good else "[red]✗[/]"
            self._console.print(f"{mark} {_plain(text)} [dim]({time.monotonic() - since:.1f} s)[/]")
        self._step = None


class Pipe:
    """Tells the process that started this one in the background, until everything is ready."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def step(self, text: str) -> None:
        """See `Progress`."""
        self._send("step", text)

    def warn(self, text: str) -> None:
        """See `Progress`."""
        self._send("warn", text)

    def end(self) -> None:
        """See `Progress`."""

    def ready(self, text: str) -> None:
        """See `Progress`."""
        self._send("ready", text)
        self._close()

    def failed(self, text: str) -> None:
        """See `Progress`."""
        self._send("failed", text)
        self._close()

    def _send(self, kind: str, text: str) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, (json.dumps([kind, text]) + "\n").encode())
        except OSError:  # whoever waited has gone; the community runs on
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def make(report_fd: int | None = None) -> Progress:
    """The way to tell progress that fits where the command runs."""
    if report_fd is not None:
        return Pipe(report_fd)
    return Terminal() if sys.stdout.isatty() else Plain()


def _plain(text: str) -> str:
    """Text that rich shows as it is, brackets included."""
    from rich.markup import escape

    return escape(text)
