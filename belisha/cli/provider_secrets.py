"""The secrets that organisations' providers know this community by: looked at before Synapse is started with them."""

from __future__ import annotations

import stat
from pathlib import Path

from belisha.cli.errors import CommandError
from belisha.settings import Settings


def check(settings: Settings, data: Path) -> None:
    """Looks whether each provider's secret is there, and nobody's else.

    Args:
        settings: of the community.
        data: the folder that paths which are not absolute begin in: Synapse's.

    Raises:
        CommandError: with what to do.
    """
    for provider in settings.sign_in.providers:
        path = data / provider.client_secret_file
        what = f"The client secret of {provider.name} (sign_in.providers), {path},"
        put = f"Write what the provider's administrator gave you into that file, and nothing else: chmod 600 {path}"
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise CommandError(f"{what} can be read by others.", f"Make it yours: chmod 600 {path}")
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{what} cannot be read ({getattr(error, 'strerror', 'it is no text')}).", put) from None
        if not text.strip() or "\n" in text.strip():
            raise CommandError(f"{what} is empty, or more than one line.", put)
