"""A real clamd of Debian's, with one signature of our own: nothing is downloaded."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from synapse_modules.screening.clamd import Clamd
from tests.support import processes

#: What the signature finds: a whole file of these bytes.
MALWARE: Final = b"What a scanner finds in the tests, and nobody is harmed by"
#: The largest file that it takes.
LARGEST: Final = 1024 * 1024
_START_S: Final = 240.0


class Scanner:
    """One clamd on a Unix socket; `start`, `stop`, `hang` and `go_on` as often as wanted."""

    def __init__(self, more: str = "") -> None:
        """Writes its configuration; `more` are lines of clamd.conf."""
        # Not pytest's own folder: the path of a socket has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="belisha-clamd-"))
        self.socket = self._folder / "clamd.ctl"
        (self._folder / "signatures").mkdir()
        digest = hashlib.md5(MALWARE, usedforsecurity=False).hexdigest()
        (self._folder / "signatures" / "own.hdb").write_text(f"{digest}:{len(MALWARE)}:Belisha.Sample\n")
        self._config = self._folder / "clamd.conf"
        self._config.write_text(
            f"Foreground yes\nLocalSocket {self.socket}\nDatabaseDirectory {self._folder / 'signatures'}\n"
            f"TemporaryDirectory {self._folder}\nStreamMaxLength {LARGEST}\n{more}"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        self._process = processes.start(
            ["/usr/sbin/clamd", "--config-file", self._config], self._folder / "log", cwd=self._folder
        )
        deadline = time.monotonic() + _START_S
        while not Clamd(str(self.socket)).answers():
            assert self._process.poll() is None and time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """kill -9; its socket stays behind."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Stops it in its tracks: it takes connections, and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Has it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends it for good."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
