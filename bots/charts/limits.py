"""What a process that draws is limited to."""

from __future__ import annotations

import ctypes
import resource
import signal
from typing import Final

_MEMORY: Final = 1 << 30
_CPU_S: Final = 60
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def confine() -> None:
    """Limits this process for good, and ends it with the one that started it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
