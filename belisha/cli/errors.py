"""What the command line says when something does not work: one line with the remedy, and an exit code."""

import os
import sys
from pathlib import Path

FAILED = 1


class CommandError(Exception):
    """A failure that a person can do something about.

    Attributes:
        what: what happened, one sentence with its full stop.
        remedy: what to do next, one sentence with its full stop.
        code: the exit code.
    """

    def __init__(self, what: str, remedy: str = "", code: int = FAILED) -> None:
        self.what, self.remedy, self.code = what, remedy, code
        super().__init__(f"{what} {remedy}".strip())


def command() -> str:
    """How this very command line was called, so that a remedy can be copied as it stands."""
    if Path(sys.argv[0]).name == "belisha":
        return "belisha"
    relative = os.path.relpath(sys.executable)
    shorter = relative if len(relative) < len(sys.executable) else sys.executable
    return f"{shorter} -m belisha"
