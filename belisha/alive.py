"""Tells systemd that this process is not stuck, as sd_notify(3) and sd_watchdog_enabled(3) have it.

A unit with `WatchdogSec` ends and starts anew what has not said so for that long. It is said by the very loop that
does the work: a process that is stopped, or whose loop waits for something that does not come, says nothing. Without
such a unit, nothing is said to anybody.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Final

#: How often it is said in the time that the unit allows: systemd asks for twice, and one may come late.
_TIMES: Final = 3
#: For how many seconds it is tried to say that the loop runs: that is said once.
_READY_S: Final = 5.0


def every(environment: Mapping[str, str] = os.environ, pid: int | None = None) -> float | None:
    """How often it is to be said, in seconds; None where nobody asked this process to.

    Args:
        environment: as systemd made it; a child of the process that was asked inherits it.
        pid: whose it is; by default this process.
    """
    allowed, asked = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    own = str(os.getpid() if pid is None else pid)
    if not environment.get("NOTIFY_SOCKET") or not allowed.isdecimal() or int(allowed) == 0 or asked not in ("", own):
        return None
    return int(allowed) / 1_000_000 / _TIMES


def tell(
    environment: Mapping[str, str] = os.environ, message: bytes = b"WATCHDOG=1", patience: float | None = None
) -> None:
    """Says it once. Where that cannot be said now, it is said the next time.

    Args:
        environment: as systemd made it.
        message: another thing to say.
        patience: for how many seconds it waits where systemd is busy; it waits for nobody by default.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as said:
        said.settimeout(patience or 0)
        said.sendto(message, f"\0{address[1:]}" if address.startswith("@") else address)


async def keep_telling() -> None:
    """Says that the loop runs, and then that it is not stuck, as often as that is asked for, until it is cancelled.

    From the former on counts the time that the unit allows: what a slow machine takes to load the program does not.
    """
    if os.environ.get("NOTIFY_SOCKET"):
        tell(message=b"READY=1", patience=_READY_S)
    pause = every()
    while pause is not None:
        tell()
        await asyncio.sleep(pause)
