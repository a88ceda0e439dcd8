"""Ports on 127.0.0.1."""

import argparse
import errno
import random
import socket
from typing import Final

from belisha.cli.errors import CommandError

DEFAULT = 8008
#: Linux gives connections ports from 32768 on (net.ipv4.ip_local_port_range), other systems from 49152 (RFC 6335);
#: those from 10,000 to 20,000 are the tests' (tests/support/server.py), whose servers start beside each other.
_OURS: Final = (20_000, 32_000)


def port_argument(text: str) -> int:
    """Reads `--port`; the portal's port is the next one, Element's the fourth after it, and Prometheus's the fifth."""
    if not text.isdecimal() or not 0 < int(text) <= 65530:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 1 to 65530")
    return int(text)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    try:
        _try(port)
    except OSError:
        return False
    return True


def further(port: int, *, serves_element: bool, serves_prometheus: bool) -> tuple[int, ...]:
    """The ports of what is served beside the homeserver on `port` and the portal."""
    return (*((port + 4,) if serves_element else ()), *((port + 5,) if serves_prometheus else ()))


def need(port: int, *further: int) -> None:
    """Sees that the homeserver can listen on `port`, the portal on the next one, and others on `further` ones.

    Raises:
        CommandError: somebody else does, or this user may not.
    """
    for each in (port, port + 1, *further):
        _need(each, port)


def _need(port: int, first: int) -> None:
    try:
        _try(port)
    except OSError as error:
        after = range(first + 10, 65530, 10)
        ours = (0, 1, 4, 5)  # homeserver, portal, Element, Prometheus
        other = next((one for one in after if all(is_free(one + offset) for offset in ours)), DEFAULT)
        if error.errno == errno.EADDRINUSE:
            what = f"Port {port} is taken by another program."
        elif error.errno == errno.EACCES:
            what = f"Port {port} is not for ordinary users."
        else:
            what = f"Port {port} cannot be used ({error.strerror})."
        raise CommandError(what, f"Choose another: --port {other} (make: PORT={other}).") from None


def free(preferred: int | None, *taken: int) -> int:
    """A free port, `preferred` if it still is, and never one of `taken`.

    It lies below those that the kernel gives to connections: one of these would keep a child that is being started
    again from its port, for a minute and more after its end (TIME_WAIT).
    """
    if preferred and preferred not in taken and is_free(preferred):
        return preferred
    while True:
        port = random.randrange(*_OURS)  # noqa: S311 - no secret
        if port not in taken and is_free(port):
            return port


def free_row(count: int = 6) -> int:
    """The first of as many free ports as a community may need, one behind the other."""
    while True:
        first = free(None)
        if all(is_free(first + offset) for offset in range(count)):
            return first


def _try(port: int) -> None:
    with socket.socket() as probe:
        # as Synapse does: connections that only linger do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        probe.listen(1)
