"""Reads a chart as JSON and writes it as a PNG: the process in which `artist` has it drawn."""

from __future__ import annotations

import ctypes
import json
import resource
import signal
import sys
from typing import Final

_MEMORY: Final = 1 << 30
_CPU_S: Final = 60
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def main() -> int:
    """Draws one chart, within its limits, and for as long as there is somebody to draw for."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from bots.charts.bars import from_json
    from bots.charts.drawing import png

    sys.stdout.buffer.write(png(from_json(json.load(sys.stdin))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
