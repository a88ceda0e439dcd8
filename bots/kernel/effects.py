"""What handlers ask for; performed by the kernel, so that a repeat after a crash is the same request again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Send:
    """Send an event into the room of the event that is being handled."""

    content: Mapping[str, Any]
    type: str = "m.room.message"
    once: str | None = None
    """A key under which this is said a single time, whatever else may be its occasion."""


#: What a handler can ask for. One kind so far.
Effect = Send


def transaction_id(bot: str, occasion: str, position: int) -> str:
    """The name under which Synapse knows a request again.

    Synapse compares transaction ids of one service whichever bot sends, hence the bot in it.

    Args:
        bot: The bot's user id.
        occasion: The id of the event that is being handled, or the effect's `once` key.
        position: Which of the bot's effects on this occasion it is.
    """
    return hashlib.sha256(f"{bot}|{occasion}|{position}".encode()).hexdigest()[:40]
