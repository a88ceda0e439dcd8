"""Finds a message that the steward sent already: a crash may have come between it and the row that would say so."""

from __future__ import annotations

import json
from collections.abc import Mapping

from synapse.module_api import LoggingTransaction


def message_with(
    txn: LoggingTransaction, room_id: str, sender: str, key: str, facts: Mapping[str, object]
) -> str | None:
    """The newest of a sender's last 1,000 messages in a room whose content has these facts under `key`."""
    txn.execute(
        "SELECT events.event_id, event_json.json FROM events JOIN event_json ON event_json.event_id = events.event_id"
        " WHERE events.room_id = ? AND events.sender = ? AND events.type = 'm.room.message'"
        " ORDER BY events.stream_ordering DESC LIMIT 1000",
        (room_id, sender),
    )
    for event_id, text in txn.fetchall():
        said = json.loads(text).get("content", {}).get(key)
        if isinstance(said, dict) and all(said.get(name) == value for name, value in facts.items()):
            return str(event_id)
    return None
