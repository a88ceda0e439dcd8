"""The way of mail: one server, named in belisha.yaml; without one, mails are parked until there is."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any, Final

from bots.kernel.config import Mail as Settings
from bots.kernel.matrix import Unreachable

_TIMEOUT_S = 30.0
#: Headers in one line as far as lines may be long (RFC 5322, 2.1.1): where it folds them, Python encodes long addresses
#: of pages, which nobody who looks for them there decodes.
_POLICY: Final = SMTP.clone(max_line_length=998, cte_type="7bit")
NO_SERVER = (
    "No mail server is set up. Fill in `mail:` in belisha.yaml, start again, "
    "and run `belisha bots dead-letters retry --all`."
)


class MailRefused(Exception):
    """The mail will never be taken; `str()` says so without its words or its reader."""

    def __init__(self, sentence: str, *, of_reader: bool = False) -> None:
        """Says why; `of_reader` where the server takes no mail for this reader, or not this one."""
        super().__init__(sentence)
        self.of_reader = of_reader


class Mailer:
    """Sends one mail at a time."""

    def __init__(self, settings: Settings | None, server_name: str) -> None:
        """Takes the settings.

        Args:
            settings: The mail server; None where there is none.
            server_name: The community's, for Message-IDs.
        """
        self._settings = settings
        self._server_name = server_name

    async def send(self, effect_id: str, body: dict[str, Any]) -> None:
        """Sends a mail; tried again, it has the same Message-ID, by which mailboxes know it again.

        Raises:
            MailRefused: There is no server, or it takes no such mail.
            Unreachable: The server gave no answer, or asks to try later.
        """
        if self._settings is None:
            raise MailRefused(NO_SERVER)
        import aiosmtplib  # the package is rarely needed, and 3 MB of memory

        settings = self._settings
        try:
            content = _written(settings.sender, f"<{effect_id}@{self._server_name}>", body)
        except ValueError as error:  # a line break, by which headers could be added
            raise MailRefused("The address, the subject or a header of a mail holds a line break.") from error
        try:
            await aiosmtplib.send(
                content,
                sender=settings.sender,
                recipients=[body["to"]],
                hostname=settings.host,
                port=settings.port,
                username=settings.user,
                password=settings.password(),
                timeout=_TIMEOUT_S,
                use_tls=settings.tls == "tls",
                start_tls=settings.tls == "starttls",
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            raise _judged(min(codes, default=550), of_reader=True) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _judged(error.code, of_reader=isinstance(error, aiosmtplib.SMTPDataError)) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unreachable(f"mail: {type(error).__name__}") from error


def _written(sender: str, message_id: str, body: dict[str, Any]) -> bytes:
    """The mail as it is sent.

    Raises:
        ValueError: A header holds a line break.
    """
    message = EmailMessage()
    message["From"], message["To"] = sender, body["to"]
    message["Subject"] = body["subject"]
    message["Message-ID"] = message_id
    message["Date"] = formatdate()
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes, please
    for name, value in (body.get("headers") or {}).items():
        message[name] = value
    message.set_content(body["text"])
    if body.get("html"):
        message.add_alternative(body["html"], subtype="html")
    return message.as_bytes(policy=_POLICY)


def _judged(code: int, *, of_reader: bool) -> Exception:
    """RFC 5321, 4.2.1: 5yz is for good, except what concerns our own sign-in, which can be mended."""
    if 500 <= code < 600 and code not in (530, 535):
        return MailRefused(f"The mail server refuses this mail ({code}).", of_reader=of_reader)
    return Unreachable(f"mail: {code}")
