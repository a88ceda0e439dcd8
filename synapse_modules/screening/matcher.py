"""Asks a matcher over HTTP whether it knows a hash; never sends a file. Blocks, so it is called from a thread."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from belisha.screening import LONGEST_ANSWER, NOTHING, answer_of, question

#: For how long a proper answer says that it is there, in seconds: it may be somebody else's machine.
HOLDS: Final = 60.0


class Unreachable(Exception):
    """The matcher gives no answer, or one that is none."""


class Matcher:
    """One matcher; may be used by several threads."""

    def __init__(self, url: str, secret: str | None, seconds: float) -> None:
        """Asks nothing yet.

        Args:
            url: its whole address.
            secret: what it is shown as a bearer token; None for nothing.
            seconds: how long one question may take from beginning to end.
        """
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._is_tls = parts.scheme == "https"
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        if secret is not None:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._seconds = seconds
        #: When it last gave a proper answer, by the monotonic clock; long ago where the last was none.
        self._answered_at = -HOLDS

    def knows(self, sha256: str) -> bool:
        """Whether it knows a hash, in hexadecimal digits.

        Raises:
            Unreachable: no answer in time, or none that is one.
        """
        try:
            with self._asked(sha256) as answer:
                # One byte more than an answer has: what is longer is none.
                known = answer_of(answer.status, answer.read(LONGEST_ANSWER + 1))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._answered_at = -HOLDS
            raise Unreachable(type(error).__name__) from None
        self._answered_at = time.monotonic()
        return known

    def answers(self, *, holds: float = HOLDS) -> bool:
        """Whether it is there; a proper answer of less than so many seconds ago says so too."""
        if time.monotonic() - self._answered_at < holds:
            return True
        try:
            self.knows(NOTHING)
        except Unreachable:
            return False
        return True

    @contextlib.contextmanager
    def _asked(self, sha256: str) -> Iterator[http.client.HTTPResponse]:
        until = time.monotonic() + self._seconds
        connection: http.client.HTTPConnection
        if self._is_tls:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._seconds, context=context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)
        with contextlib.closing(connection):
            connection.connect()
            # The socket's own limit begins anew with every byte: this one is for all of it.
            end = threading.Timer(max(0.0, until - time.monotonic()), _cut, (connection.sock,))
            end.daemon = True
            end.start()
            try:
                connection.request("POST", self._target, question(sha256), self._headers)
                with connection.getresponse() as answer:
                    yield answer
            finally:
                end.cancel()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
