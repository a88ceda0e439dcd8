"""Whether the mail server takes the bots' mail as belisha.yaml says: reached, over TLS, signed in."""

import smtplib
import ssl
from pathlib import Path
from typing import Final

from belisha.cli.readiness.finding import Finding
from belisha.settings import Mail

_PATIENCE: Final = 15.0


def look(mail: Mail, folder: Path, patience: float = _PATIENCE) -> list[Finding]:
    """Goes as far as a mail would go, and sends none.

    Args:
        mail: the section of belisha.yaml.
        folder: the bots', where a relative path of the password's file begins.
        patience: seconds for each answer.
    """
    if mail.host is None:
        said = "No mail server is named, so codes, digests and urgent reports go to nobody's mailbox."
        return [Finding(said, "Fill in mail: in belisha.yaml, if they should.", is_in_the_way=False)]
    at = f"The mail server {mail.host}, port {mail.port},"
    try:
        with _connected(mail, patience) as server:
            return _signed_in(server, mail, folder, at)
    except ssl.SSLCertVerificationError as error:
        remedy = "Have it show a certificate for that name, of an authority that this machine trusts."
        return [Finding(f"{at} shows a certificate that does not hold ({error.verify_message}).", remedy)]
    except ssl.SSLError:
        return [Finding(f"{at} does not speak TLS there.", "Is it mail.tls: starttls, and port 587?")]
    except smtplib.SMTPNotSupportedError:
        return [
            Finding(f"{at} offers no STARTTLS.", "Is it mail.tls: tls, and port 465? Mail without TLS goes nowhere.")
        ]
    except (smtplib.SMTPException, OSError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        remedy = "Are name and port right, and does a packet filter let it through? From this machine:"
        return [Finding(f"{at} does not answer ({said}).", f"{remedy} nc -vz {mail.host} {mail.port}")]


def _connected(mail: Mail, patience: float) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    if mail.tls == "tls":
        return smtplib.SMTP_SSL(str(mail.host), mail.port, timeout=patience, context=trusted)
    server = smtplib.SMTP(str(mail.host), mail.port, timeout=patience)
    try:
        server.ehlo()
        if mail.tls == "starttls":
            server.starttls(context=trusted)
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return server


def _signed_in(server: smtplib.SMTP, mail: Mail, folder: Path, at: str) -> list[Finding]:
    if mail.user is None:
        return []
    if mail.password_file is None:
        return [Finding(f"{at} has a user and no password.", "Write mail.password_file.")]
    try:
        password = (folder / mail.password_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        said = f"The file {folder / mail.password_file} cannot be read ({error.strerror})."
        return [Finding(said, "Bring it, of mode 0600, for the account belisha-bots.")]
    try:
        server.login(mail.user, password)
    except smtplib.SMTPAuthenticationError:
        return [Finding(f"{at} does not let {mail.user} in.", "Write the right user and password.")]
    except smtplib.SMTPNotSupportedError:
        return [Finding(f"{at} has no way to sign in.", "Write mail.user: null, if it asks nobody.")]
    return []
