"""What stands for systemd where services say that they are not stuck: a socket, and who said what there."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_CREDENTIALS: Final = struct.Struct("3i")  # process, user, group: unix(7), SCM_CREDENTIALS
_PATIENCE_S: Final = 60.0
ALIVE: Final = b"WATCHDOG=1"


class Notified:
    """The socket of sd_notify(3); the kernel says whose each message is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def next(self) -> bytes:
        """The next that is said."""
        self._socket.settimeout(_PATIENCE_S)
        return self._socket.recv(100)

    def heard(self, seconds: float) -> dict[int, int]:
        """How often which process says that it is alive in the next seconds; what was said before is left out."""
        with contextlib.suppress(BlockingIOError):
            self._socket.setblocking(False)
            while self._socket.recv(100):
                pass
        found: dict[int, int] = {}
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                said, about, *_ = self._socket.recvmsg(100, socket.CMSG_SPACE(_CREDENTIALS.size))
                assert said in (ALIVE, b"READY=1", b"STOPPING=1") or said.startswith(b"READY=1\nMAINPID="), said
                pid = _CREDENTIALS.unpack(about[0][2])[0]
                found[pid] = found.get(pid, 0) + (said == ALIVE)
        return found

    async def until_heard(self, *pids: int) -> None:
        """Waits until each of these processes says it."""
        end, missing = time.monotonic() + _PATIENCE_S, set(pids)
        while missing := missing - {pid for pid, times in (await self.hears(0.5)).items() if times}:
            assert time.monotonic() < end, f"{missing} said nothing"

    async def hears(self, seconds: float) -> dict[int, int]:
        """The same as `heard`, while other things go on."""
        return await asyncio.to_thread(self.heard, seconds)

    def close(self) -> None:
        """Ends it."""
        self._socket.close()


@contextlib.contextmanager
def notified(monkeypatch: pytest.MonkeyPatch, allowed_s: float) -> Iterator[Notified]:
    """Has what is started in the block be a service whose unit has `WatchdogSec`, in seconds."""
    with tempfile.TemporaryDirectory(prefix="belisha-notified-") as folder:  # an address of a socket has to be short
        here = Notified(Path(folder) / "notify")
        monkeypatch.setenv("NOTIFY_SOCKET", str(here.path))
        monkeypatch.setenv("WATCHDOG_USEC", str(int(allowed_s * 1_000_000)))
        try:
            yield here
        finally:
            here.close()
            monkeypatch.delenv("NOTIFY_SOCKET")
            monkeypatch.delenv("WATCHDOG_USEC")
