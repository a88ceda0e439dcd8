"""A mail server of the tests' own: it keeps what it takes, and refuses what it is told to."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any, TypeVar

from aiosmtpd.controller import Controller

from tests.support.server import free_ports

T = TypeVar("T", bound="Mailserver")


class Mailserver:
    """What was taken, and how the next ones are answered."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_ports(1)[0]
        self.taken: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.raw: list[bytes] = []
        self.at_reader, self.at_data = "250 yes", "250 taken"
        self.asked = 0

    @property
    def settings(self) -> dict[str, Any]:
        """As they stand in bots.yaml."""
        return {"host": "127.0.0.1", "port": self.port, "tls": "none", "sender": "bots@reef.test"}

    def to(self, address: str) -> list[EmailMessage]:
        """What went to an address, the oldest first."""
        return [one for one in self.taken if one["To"] == address]

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of what was taken."""
        return [str(one["Message-ID"]) for one in self.taken]

    async def handle_RCPT(
        self, _server: object, _session: object, envelope: Any, address: str, _options: object
    ) -> str:
        self.asked += 1
        if self.at_reader.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_reader

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        if self.at_data.startswith("250"):
            self.raw.append(envelope.content)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
            found = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(found, EmailMessage)
            self.taken.append(found)
        return self.at_data


@contextmanager
def listening(handler: T, hostname: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[T]:
    """One that listens until the block ends, with TLS from the first byte where that is given."""
    controller = Controller(handler, hostname=hostname, port=handler.port, ready_timeout=60, ssl_context=tls)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


@contextmanager
def mailserver() -> Iterator[Mailserver]:
    """The plain one."""
    with listening(Mailserver()) as one:
        yield one
