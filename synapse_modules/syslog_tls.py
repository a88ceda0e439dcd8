"""Hands messages to a collector over TLS (RFC 5425), or says in a sentence why not. It blocks, so it is for a thread.

Syslog has no receipt. But who ends a TLS connection in order is answered once the other side has read everything before
that (RFC 5425, 4.4): so each delivery has a connection of its own, and counts when its end was answered. Some
collectors answer by closing the connection alone. What is closed with something unread is reset, so it is enough that
every octet was acknowledged, and that the connection was closed behind that, without a reset.
"""

from __future__ import annotations

import array
import fcntl
import socket
import ssl
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

#: How long a connection may take to come about, to carry all, and to end, each in seconds.
_PATIENCE: Final = 10.0
_PIECE: Final = 16_384


class Collector(NamedTuple):
    """Who collects.

    Attributes:
        host, port: where it listens.
        ca: who signed its certificate, in PEM; None for those whom the machine trusts.
        certificate, key: what this server shows, in PEM; None for nothing.
    """

    host: str
    port: int
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def __str__(self) -> str:
        """Its name, under which it is known how far it has come."""
        return f"{self.host}:{self.port}"


class NotDeliveredError(Exception):
    """The messages may not have arrived; `str()` says why and what to do."""


def deliver(to: Collector, frames: Sequence[bytes]) -> None:
    """Sends all messages, and waits until the collector has read them; without any, sees whether it would.

    Raises:
        NotDeliveredError: some may have arrived, or none.
    """
    try:
        context = _context(to)
        with socket.create_connection((to.host, to.port), _PATIENCE) as plain:
            connection = _Connection(plain, context, to.host)
            connection.begin()
            connection.send(b"".join(frames))
            connection.end()
    except ssl.SSLCertVerificationError as error:
        raise NotDeliveredError(
            f"The certificate of the collector {to} is not accepted ({error.verify_message}), so nothing is sent. Name "
            "in audit.syslog.ca who signed it, or give the collector one that is valid for this name."
        ) from None
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError) as error:
        why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise NotDeliveredError(
            f"The collector {to} hangs up ({why or 'without a reason'}). Unless it is just being started, let it take "
            "TLS 1.2 or 1.3 on this port (RFC 5425); where it asks for a certificate, name one that it accepts in "
            "audit.syslog.certificate and audit.syslog.key."
        ) from None
    except socket.gaierror:
        raise NotDeliveredError(
            f"The name of the collector {to} is not known. Correct audit.syslog.server, or what resolves names here."
        ) from None
    except OSError as error:
        why = "it does not answer in time" if isinstance(error, TimeoutError) else error.strerror or "it hung up"
        raise NotDeliveredError(
            f"The collector {to} cannot be reached ({why}). Start it, or open its port between here and there; nothing "
            "is lost meanwhile."
        ) from None


def _context(to: Collector) -> ssl.SSLContext:
    if to.ca is None:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    else:  # whom the machine trusts besides is not asked
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load(context.load_verify_locations, to.ca, setting="ca")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if to.certificate is not None and to.key is not None:
        _readable(to.key, "key")
        _load(context.load_cert_chain, to.certificate, to.key, _nothing_to_type, setting="certificate")
    return context


def _load(load: Callable[..., None], path: Path, *more: object, setting: str) -> None:
    _readable(path, setting)
    try:
        load(path, *more)
    except ssl.SSLError:
        raise NotDeliveredError(
            f"The file {path} holds nothing that audit.syslog.{setting} could be, or what does not go with its key. "
            "Put certificates in PEM there (BEGIN CERTIFICATE), and a key without a password."
        ) from None


def _readable(path: Path, setting: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise NotDeliveredError(
            f"The file {path} of audit.syslog.{setting} cannot be read by Synapse ({error.strerror}). Correct its path "
            "or its rights."
        ) from None


def _nothing_to_type() -> str:
    """A key with a password is refused, instead of asking for it on a terminal."""
    return ""


class _Connection:
    """One TLS connection; made of parts, since `SSLSocket.unwrap` takes a fatal alert for an end in order."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    def begin(self) -> None:
        """Sees who is there; the certificate is checked in here, and nothing of ours was sent before."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                if not self._take(until):
                    self._incoming.write_eof()
            except ssl.SSLError:
                self._flush()  # the collector learns why
                raise
            else:
                return

    def send(self, octets: bytes) -> None:
        """Sends everything."""
        if octets:
            self._tls.write(octets)
        self._flush()

    def end(self) -> None:
        """Says that this was all, and waits until the other side has read it.

        Raises:
            OSError: it may not have.
        """
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:  # for their answer, which an alert may come before
            self._flush()
        try:
            self._plain.shutdown(socket.SHUT_WR)
        except OSError as error:  # there is no connection any more
            raise ConnectionResetError(error.errno, "it hung up before it had read everything") from None
        until, is_answered = time.monotonic() + _PATIENCE, False
        try:
            while self._take(until):
                is_answered = self._is_answered() or is_answered
        except TimeoutError:
            if not is_answered:
                raise
        self._see_acknowledged(until)

    def _is_answered(self) -> bool:
        """Whether the other side has ended the connection in order; an alert is an error."""
        try:
            while self._tls.read(_PIECE):
                pass
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLZeroReturnError:
            return True
        return True

    def _see_acknowledged(self, until: float) -> None:
        while (error := self._plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) == 0:
            waiting = array.array("i", [0])
            fcntl.ioctl(self._plain, termios.TIOCOUTQ, waiting)
            if waiting[0] == 0:
                # Nothing waits after a reset, either; that is told first.
                error = self._plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                break
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.01)
        if error:
            raise ConnectionResetError(error, "it hung up before it had read everything")

    def _take(self, until: float) -> bool:
        """Whether something has come; nothing does where the other side has closed the connection."""
        if time.monotonic() > until:
            raise TimeoutError
        octets = self._plain.recv(_PIECE)
        self._incoming.write(octets)
        return bool(octets)

    def _flush(self) -> None:
        self._plain.sendall(self._outgoing.read())
