"""What a process gives up for good before it reads files of strangers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Final, NamedTuple

from synapse_modules.scan.system_calls import allow_only_reading

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWIPC: Final = 0x08000000
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_PDEATHSIG: Final = 1
_CAPABILITY_VERSION: Final = 0x20080522


class Bounds(NamedTuple):
    """What the process that reads one file may use; the limits of `belisha.inside` come first.

    Attributes:
        memory: bytes of address space, the program's own included.
        processor: seconds of the processor.
        seconds: on the wall.
    """

    memory: int = 768 * 1024**2
    processor: int = 15
    seconds: int = 20


def leave_network() -> bool:
    """Leaves the network, where the system lets one do so without being root; whether it did.

    Debian and most others do (`kernel.unprivileged_userns_clone`, AppArmor); in some containers it is forbidden.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0
    _drop_capabilities(libc)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return bool(done)


def offer_to_be_killed() -> None:
    """Where the machine has no memory left, this process and what it forks go first, and not Synapse (proc(5))."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Gives up what root may, and what a namespace of one's own gives (capset(2))."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    libc.capset(ctypes.byref(header), ctypes.byref(nothing))


def confine(bounds: Bounds) -> None:
    """Limits this process for good: it can then open nothing, neither files nor connections, and start nothing.

    Raises:
        OSError: where the system has a filter of calls and does not take ours.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, bounds.memory),
        (resource.RLIMIT_CPU, bounds.processor),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open
    ):
        resource.setrlimit(limit, (most, most))
    signal.setitimer(signal.ITIMER_REAL, bounds.seconds)
    allow_only_reading()


def close_all_but(*kept: int) -> None:
    """Closes every open file but these."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - descriptors, no paths
        if int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))
