"""The file by which a store knows us."""

import configparser
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from belisha.cli.errors import CommandError

#: What may stand in the file, named as Amazon's own tools name it.
_KEYS: Final = ("aws_access_key_id", "aws_secret_access_key", "region", "endpoint_url", "ca_bundle")
_SECTION: Final = "default"


@dataclass(frozen=True)
class Access:
    """By what a store knows us; the secret never shows in a text of this.

    Attributes:
        key_id: the public half.
        secret: the other half.
        region: as the store wants it.
        endpoint: its address; None for Amazon's own.
        ca_bundle: who signed its certificate, a PEM file; None for whom everybody trusts.
    """

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    region: str
    endpoint: str | None
    ca_bundle: str | None


def access(path: Path) -> Access:
    """Reads the file of credentials.

    Raises:
        CommandError: it is not there, others can read it, or something is missing in it; nothing of it is repeated.
    """
    what = f"The credentials of the bucket, {path},"
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise CommandError(f"{what} can be read by others.", f"Make the file yours: chmod 600 {path}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise CommandError(f"{what} cannot be read ({reason}).", "docs/backup.md says what stands in it.") from None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        found = {name: value.strip() for name, value in parser[_SECTION].items()}
    except (configparser.Error, KeyError):  # their messages quote lines
        raise CommandError(
            f"{what} has no section [{_SECTION}] with lines NAME = VALUE.", "docs/backup.md has one to copy."
        ) from None
    unknown = sorted(set(found) - set(_KEYS))
    missing = [name for name in _KEYS[:2] if not found.get(name)]
    if unknown or missing:
        said = f"lacks {' and '.join(missing)}" if missing else f"has {unknown[0]}, which nothing here knows"
        raise CommandError(f"{what} {said}.", f"It may have: {', '.join(_KEYS)}.")
    endpoint = found.get("endpoint_url") or None
    if endpoint is not None and not _is_safe(endpoint):
        raise CommandError(f"{what} has an endpoint_url without TLS.", "Write its https:// address.")
    return Access(
        found["aws_access_key_id"],
        found["aws_secret_access_key"],
        found.get("region") or "us-east-1",
        endpoint,
        found.get("ca_bundle") or None,
    )


def _is_safe(endpoint: str) -> bool:
    address = urlsplit(endpoint)
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in ("127.0.0.1", "::1"))
