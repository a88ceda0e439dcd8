"""Mail, by a real SMTP server in the test."""

from __future__ import annotations

import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from bots.kernel.config import Mail
from bots.kernel.mail import NO_SERVER, Mailer, MailRefused
from bots.kernel.matrix import Unreachable
from tests.support.certificates import certified
from tests.support.server import free_ports

BODY = {"to": "ada@harbour.example", "subject": "Grüße", "text": "Hello Ada\n"}


class Handler:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.answer = "250 taken"
        self.refused = 0

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.taken.append((envelope.mail_from, envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
        else:
            self.refused += 1
        return self.answer


@pytest.fixture
def server() -> Iterator[tuple[Handler, Mailer]]:
    handler, (port,) = Handler(), free_ports(1)
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        settings = Mail(host="127.0.0.1", port=port, tls="none", sender="bots@harbour.example")
        yield handler, Mailer(settings, "belisha.localhost")
    finally:
        controller.stop()


async def test_a_mail_sent_again_is_known_by_its_id(server: tuple[Handler, Mailer]) -> None:
    handler, mailer = server
    for _ in range(2):
        await mailer.send("e1", BODY)
    (sender, readers, message), (_, _, again) = handler.taken
    assert (sender, readers) == ("bots@harbour.example", ["ada@harbour.example"])
    assert message["Message-ID"] == again["Message-ID"] == "<e1@belisha.localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert str(email.header.make_header(email.header.decode_header(message["Subject"]))) == "Grüße"
    assert "Hello Ada" in message.get_payload()


@pytest.mark.parametrize(("answer", "expected"), [("550 no", MailRefused), ("451 later", Unreachable)])
async def test_a_refusal_is_for_good_or_for_now(
    server: tuple[Handler, Mailer], answer: str, expected: type[Exception]
) -> None:
    handler, mailer = server
    handler.answer = answer
    with pytest.raises(expected):
        await mailer.send("e1", BODY)


@pytest.mark.parametrize("key", ["to", "subject"])
async def test_no_header_can_be_slipped_in(server: tuple[Handler, Mailer], key: str) -> None:
    handler, mailer = server
    with pytest.raises(MailRefused, match="line break"):
        await mailer.send("e1", BODY | {key: "x\r\nBcc: everybody@harbour.example"})
    assert handler.taken == []


@contextmanager
def encrypted(how: str, context: ssl.SSLContext) -> Iterator[tuple[Handler, int]]:
    """A server that speaks TLS from the start (`tls`), upon STARTTLS (`starttls`), or not at all."""
    handler, (port,) = Handler(), free_ports(1)
    ways = {"tls": {"ssl_context": context}, "starttls": {"tls_context": context, "require_starttls": True}}
    controller = Controller(handler, hostname="localhost", port=port, **ways.get(how, {}))
    controller.start()
    try:
        yield handler, port
    finally:
        controller.stop()


@pytest.mark.parametrize("how", ["tls", "starttls"])
async def test_a_mail_crosses_no_network_in_clear_nor_to_a_stranger(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = certified(tmp_path)
    for speaks, trusted, taken in ((how, True, 1), (how, False, 0), ("none", True, 0)):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate if trusted else tmp_path / "nobody"))
        with encrypted(speaks, context) as (handler, port):
            settings = Mail(host="localhost", port=port, tls=how, sender="bots@harbour.example")
            mailer = Mailer(settings, "belisha.localhost")
            if taken:
                await mailer.send("e1", BODY)
            else:
                with pytest.raises(Unreachable):
                    await mailer.send("e1", BODY)
            assert len(handler.taken) == taken, (speaks, trusted)


async def test_without_a_server_mail_waits_with_a_sentence() -> None:
    with pytest.raises(MailRefused) as refused:
        await Mailer(None, "belisha.localhost").send("e1", BODY)
    assert str(refused.value) == NO_SERVER


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    settings = Mail(host="127.0.0.1", port=free_ports(1)[0], tls="none", sender="bots@harbour.example")
    with pytest.raises(Unreachable):
        await Mailer(settings, "belisha.localhost").send("e1", BODY)
