"""A real rsyslog of Debian's that takes syslog over TLS, and what it has written down."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from belisha.audit import Record
from tests.support import processes
from tests.support.certificates import certified

_START_S: Final = 240.0
#: A line as RFC 5424 has it, read without any code of ours.
_LINE: Final = re.compile(
    r'<(\d+)>1 (\S+) (\S+) belisha (\S+) (\S+) \[belisha@32473((?: \w+="(?:[^"\\\]]|\\.)*")*)\] (.*)', re.DOTALL
)
_PAIR: Final = re.compile(r' (\w+)="((?:[^"\\\]]|\\.)*)"')


class Message(NamedTuple):
    """One line: facility and severity, the fields of the header, the structured data, the text."""

    facility: int
    severity: int
    host: str
    process: str
    kind: str
    data: dict[str, str]
    text: str

    @property
    def record(self) -> Record:
        """The record of the audit log that it tells."""
        data = self.data
        return Record(data["writer"], int(data["number"]), int(data["at"]), self.text, data["seal"])


def read(line: str) -> Message:
    """Reads one line; what is none fails the test."""
    found = _LINE.fullmatch(line)
    assert found is not None, line
    priority, _time, host, process, kind, data, text = found.groups()
    pairs = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _PAIR.findall(data)}
    return Message(int(priority) // 8, int(priority) % 8, host, process, kind, pairs, text)


class Collector:
    """One rsyslogd; `start` and `kill` as often as wanted, with the right certificate or another."""

    def __init__(self, port: int) -> None:
        """Makes its certificate, and one that nobody here trusts."""
        self.port = port
        self._folder = Path(tempfile.mkdtemp(prefix="belisha-rsyslog-"))
        self._written = self._folder / "received"
        for name in ("right", "wrong"):
            (self._folder / name).mkdir()
            certified(self._folder / name)
        self.ca = self._folder / "right" / "certificate.pem"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, certificate: str = "right") -> None:
        """Starts it, and waits until it listens."""
        folder, config = self._folder / certificate, self._folder / "rsyslog.conf"
        config.write_text(
            f'global(workDirectory="{self._folder}" maxMessageSize="16k" defaultNetstreamDriver="gtls"'
            f' defaultNetstreamDriverCAFile="{self.ca}"'
            f' defaultNetstreamDriverCertFile="{folder / "certificate.pem"}"'
            f' defaultNetstreamDriverKeyFile="{folder / "key.pem"}")\n'
            'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")\n'
            'template(name="line" type="string" string="%rawmsg%\\n")\n'
            f'ruleset(name="belisha") {{ action(type="omfile" file="{self._written}" template="line") }}\n'
            f'input(type="imtcp" port="{self.port}" address="127.0.0.1" ruleset="belisha")\n'
        )
        command = ["/usr/sbin/rsyslogd", "-n", "-f", config, "-i", self._folder / "pid"]
        self._process = processes.start(command, self._folder / "log", cwd=self._folder)
        deadline = time.monotonic() + _START_S
        while not self._listens():
            assert self._process.poll() is None and time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.05)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            (self._folder / "pid").unlink(missing_ok=True)

    def messages(self) -> list[Message]:
        """What it has written down, as it came."""
        if not self._written.exists():
            return []
        return [read(line) for line in self._written.read_text(encoding="utf-8").split("\n")[:-1]]

    def close(self) -> None:
        """Ends it for good."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
