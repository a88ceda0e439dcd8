"""What a tap on a bot's card asks for, whatever the card is about."""

from __future__ import annotations

from belisha.acts import reports, waiting


def tapped(key: object) -> str | None:
    """The command that a reaction stands for; None for every other reaction."""
    return reports.tapped(key) or waiting.tapped(key)
