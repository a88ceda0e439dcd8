"""Asks clamd about a file, over its socket (clamd(8), INSTREAM); blocks, so it is called from a thread."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import BinaryIO, Final

from belisha.screening import CHUNK, INSTREAM, LONGEST_ANSWER, PING, PONG, Scan, TcpSocket, chunk, reply_of

#: For how long it may take to say that it is there, in seconds.
_PING_S: Final = 5.0


class Clamd:
    """One clamd; may be used by several threads."""

    def __init__(self, where: str | TcpSocket) -> None:
        self._where = where

    def scan(self, file: BinaryIO, until: float) -> Scan:
        """Has a file scanned, from where it stands to its end.

        Args:
            file: the file.
            until: when to give up, by the monotonic clock.
        """
        try:
            with self._connected(until) as connection:
                # One that is too large is answered before its end, and the connection closed.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    _send(connection, INSTREAM, until)
                    while data := file.read(CHUNK):
                        _send(connection, chunk(data), until)
                    _send(connection, chunk(b""), until)
                return reply_of(_answer(connection, until))
        except OSError:  # TimeoutError is one
            return Scan.UNREACHABLE

    def answers(self) -> bool:
        """Whether it is there."""
        until = time.monotonic() + _PING_S
        try:
            with self._connected(until) as connection:
                _send(connection, PING, until)
                return _answer(connection, until) == PONG
        except OSError:
            return False

    def _connected(self, until: float) -> socket.socket:
        if isinstance(self._where, TcpSocket):
            return socket.create_connection(self._where, timeout=_left(until))
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_left(until))
            connection.connect(self._where)
        except OSError:
            connection.close()
            raise
        return connection


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _send(connection: socket.socket, data: bytes, until: float) -> None:
    connection.settimeout(_left(until))  # of `sendall` as a whole
    connection.sendall(data)


def _answer(connection: socket.socket, until: float) -> bytes:
    data = b""
    while len(data) < LONGEST_ANSWER and not data.endswith(b"\0"):
        connection.settimeout(_left(until))
        piece = connection.recv(LONGEST_ANSWER)
        if not piece:
            break
        data += piece
    return data
