"""Has files read by the confined process, from within Synapse; blocks, so it is called from a thread."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from typing import Final, NamedTuple

from belisha.inside import Finding, Reason
from synapse_modules.scan.answer import INSIDE, LARGEST, PORTRAIT, TEXT, Markings, from_line, picture_in, text_in
from synapse_modules.scan.box import Bounds

logger = logging.getLogger(__name__)

#: How long the process may take to start, in seconds: on a busy machine it loads for a while.
_START: Final = 60
_GRACE: Final = 5
#: Of an answer, in bytes.
_ANSWER: Final = 4096
#: Of a picture that was drawn anew, in bytes: more than 512 by 512 points take, whatever they show.
_PICTURE: Final = 2 * 1024 * 1024
#: Of a file's text and its words, in bytes: more than the characters of it take that are searched.
_TEXT: Final = 8 * 1024 * 1024
_PIECE: Final = 1024 * 1024


class ScanFailed(Exception):
    """No file can be read at present: the process does not start, or is gone."""


class NoPicture(Exception):
    """A file is no picture that can be drawn anew within the limits."""


class Report(NamedTuple):
    """What was found in a file, how long that took, and the most memory that took, in KiB (0 where it did not end)."""

    finding: Finding
    seconds: float
    kib: int


class Scanner:
    """Starts the process when it is first needed, and again when it is gone; may be used by several threads."""

    def __init__(self, markings: Markings, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - it is frozen
        self._markings = {name: None if label is None else str(label) for name, label in markings.items()}
        self._bounds = bounds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        #: Whether the process is without a network; None before its first start.
        self.has_left_network: bool | None = None

    def scan(self, path: str) -> Report:
        """Reads one file.

        Raises:
            ScanFailed: where none can be read at present.
            OSError: where this one cannot be opened.
        """
        report = self._scan(path)
        # Where the reader was killed before it said anything, that may have been about another file, or about memory.
        return self._scan(path) if report.finding.not_checked is Reason.BROKEN and not report.kib else report

    def _scan(self, path: str) -> Report:
        started = time.monotonic()
        line = self.ask(path, INSIDE, _ANSWER)
        seconds = time.monotonic() - started
        try:
            finding, kib = from_line(line)
        except ValueError:
            # It was killed: by its limits, or by what it read.
            is_late = seconds > min(self._bounds.seconds, self._bounds.processor) * 0.8
            finding, kib = Finding(not_checked=Reason.TOO_SLOW if is_late else Reason.BROKEN), 0
        return Report(finding, seconds, kib)

    def portrait(self, path: str) -> tuple[str, bytes]:
        """A picture as everyone may see it (`portrait`): its media type, and its bytes.

        Raises:
            NoPicture: where it is none.
            ScanFailed: where none can be drawn at present.
            OSError: where this one cannot be opened.
        """
        try:
            return picture_in(self.ask(path, PORTRAIT, _PICTURE))
        except ValueError:
            # Once more: the process may have been killed over another one.
            with contextlib.suppress(ValueError):
                return picture_in(self.ask(path, PORTRAIT, _PICTURE))
        raise NoPicture

    def text(self, path: str) -> tuple[str, str]:
        """The text of a file, and its words as they are looked for; both empty where it has none that can be read.

        Raises:
            ScanFailed: where none can be read at present.
            OSError: where this one cannot be opened.
        """
        for _ in (1, 2):  # once more: the process may have been killed over another one
            with contextlib.suppress(ValueError):
                return text_in(self.ask(path, TEXT, _TEXT))
        return "", ""

    def ask(self, path: str, message: bytes, most: int) -> bytes:
        """What a reader answers when it is asked something about a file, at most so many bytes.

        Raises:
            ScanFailed: where none can be read at present.
            OSError: where this one cannot be opened.
        """
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            answer = self._send(file, message)
        finally:
            os.close(file)
        try:
            return self._all(answer, most)
        finally:
            os.close(answer)

    def start(self) -> None:
        """Starts the process, where it does not run.

        Raises:
            ScanFailed: where it does not start.
        """
        with self._lock:
            self._started()

    def stop(self) -> None:
        """Ends the process and whatever it reads."""
        with self._lock:
            self._end()

    def _send(self, file: int, message: bytes) -> int:
        """Hands a file over; where the answer will come."""
        with self._lock:
            for attempt in (1, 2):
                mine, theirs = os.pipe2(os.O_CLOEXEC)
                try:
                    socket.send_fds(self._started(), [message], [file, theirs])
                    return mine
                except OSError:
                    os.close(mine)
                    self._end()
                    if attempt == 2:
                        raise ScanFailed("The process that reads files is gone, and does not come back.") from None
                except ScanFailed:
                    os.close(mine)
                    raise
                finally:
                    os.close(theirs)
        raise AssertionError("unreachable")

    def _all(self, answer: int, most: int) -> bytes:
        until = time.monotonic() + self._bounds.seconds + _GRACE
        poll = select.poll()  # not select: Synapse may have more than a thousand open files
        poll.register(answer, select.POLLIN)
        data = bytearray()
        while len(data) < most:
            ready = poll.poll(max(0.0, until - time.monotonic()) * 1000)
            piece = os.read(answer, min(_PIECE, most - len(data))) if ready else b""
            if not piece:
                break
            data += piece
        return bytes(data)

    def _started(self) -> socket.socket:
        if self._channel is not None and self._process is not None and self._process.poll() is None:
            return self._channel
        self._end()
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # -I: neither the folder it is started in nor its environment says what it loads.
            self._process = subprocess.Popen(  # noqa: S603 - no word of it comes from outside
                [sys.executable, "-I", "-m", "synapse_modules.scan", "--serve", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._channel = mine
        try:
            mine.settimeout(_START)
            mine.send(json.dumps(self._markings).encode())
            told = json.loads(mine.recv(LARGEST))
            mine.settimeout(None)
        except (OSError, ValueError):
            self._end()
            raise ScanFailed("The process that reads files does not start.") from None
        if self.has_left_network is None and not told["has_left_network"]:
            logger.warning("Files are read in a process that has a network: the system does not let it leave that.")
        if self.has_left_network is None and not told["filters_calls"]:
            logger.warning("Files are read in a process with every system call: install libseccomp2.")
        self.has_left_network = told["has_left_network"]
        return mine

    def _end(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()
            self._process.wait()
            self._process = None
