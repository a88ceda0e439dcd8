"""The way of mail: one server, named in belisha.yaml; without one, mails are parked until there is."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from bots.kernel.config import Mail as Settings
from bots.kernel.matrix import Unreachable

_TIMEOUT_S = 30.0
NO_SERVER = (
    "No mail server is set up. Fill in `mail:` in belisha.yaml, start again, "
    "and run `belisha bots dead-letters retry --all`."
)


class MailRefused(Exception):
    """The mail will never be taken; `str()` says so without its words or its reader."""


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
        message = EmailMessage()
        try:
            message["From"], message["To"] = settings.sender, body["to"]
            message["Subject"] = body["subject"]
        except ValueError as error:  # a line break, by which headers could be added
            raise MailRefused("The address or the subject of a mail holds a line break.") from error
        message["Message-ID"] = f"<{effect_id}@{self._server_name}>"
        message["Date"] = formatdate()
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes, please
        message.set_content(body["text"])
        try:
            await aiosmtplib.send(
                message,
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
            raise _judged(min(codes, default=550)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _judged(error.code) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unreachable(f"mail: {type(error).__name__}") from error


def _judged(code: int) -> Exception:
    """RFC 5321, 4.2.1: 5yz is for good, except what concerns our own sign-in, which can be mended."""
    if 500 <= code < 600 and code not in (530, 535):
        return MailRefused(f"The mail server refuses this mail ({code}).")
    return Unreachable(f"mail: {code}")
