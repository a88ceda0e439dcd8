"""Mail, by a real SMTP server in the test."""

from __future__ import annotations

import email
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from bots.kernel.config import Mail
from bots.kernel.mail import NO_SERVER, Mailer, MailRefused
from bots.kernel.matrix import Unreachable
from tests.support.server import free_ports

BODY = {"to": "ada@harbour.example", "subject": "Grüße", "text": "Hello Ada\n"}


class Handler:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.answer = "250 taken"

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.taken.append((envelope.mail_from, envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
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


async def test_without_a_server_mail_waits_with_a_sentence() -> None:
    with pytest.raises(MailRefused) as refused:
        await Mailer(None, "belisha.localhost").send("e1", BODY)
    assert str(refused.value) == NO_SERVER


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    settings = Mail(host="127.0.0.1", port=free_ports(1)[0], tls="none", sender="bots@harbour.example")
    with pytest.raises(Unreachable):
        await Mailer(settings, "belisha.localhost").send("e1", BODY)
