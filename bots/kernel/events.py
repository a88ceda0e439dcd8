"""Events as bots see them: frozen, read once at the edge, with nothing assumed about their content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# https://spec.matrix.org/v1.11/appendices/#size-limits
_LONGEST_ID = 255


class MalformedEvent(ValueError):
    """What arrived is no event; `str()` says why in a sentence, without quoting it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a room."""

    event_id: str
    room_id: str
    type: str
    sender: str
    content: Mapping[str, Any]
    state_key: str | None = None
    sent_at: int = 0
    """Milliseconds since 1970, as the server wrote them."""

    def text(self, key: str) -> str | None:
        """A string of the content, or None where it is missing or of another type."""
        value = self.content.get(key)
        return value if isinstance(value, str) else None

    @property
    def relation(self) -> Mapping[str, Any]:
        """What `m.relates_to` holds; empty where it is missing or malformed."""
        value = self.content.get("m.relates_to")
        return value if isinstance(value, dict) else {}

    @property
    def is_edit(self) -> bool:
        """Whether this replaces an earlier event."""
        return self.relation.get("rel_type") == "m.replace"

    @property
    def is_reply(self) -> bool:
        """Whether this answers another event, or stands in a thread."""
        return isinstance(self.relation.get("m.in_reply_to"), dict)

    @property
    def thread(self) -> str | None:
        """The event id of the root of the thread this was written in."""
        root = self.relation.get("event_id")
        return root if self.relation.get("rel_type") == "m.thread" and isinstance(root, str) else None


@dataclass(frozen=True, slots=True)
class Received:
    """An event to be stored: its two ids, checked, and its JSON as text."""

    event_id: str
    room_id: str
    json: str


def receive(raw: object) -> Received:
    """Checks one event of a transaction just enough to store it.

    Raises:
        MalformedEvent: It is no object, or has no usable event id or room id.
    """
    if not isinstance(raw, dict):
        raise MalformedEvent("An event is not an object.")
    # ASCII JSON: NUL and lone surrogates, which PostgreSQL takes in no text column, stay escaped.
    return Received(_id(raw, "event_id", "$"), _id(raw, "room_id", "!"), json.dumps(raw, separators=(",", ":")))


def _id(raw: dict[str, Any], key: str, sigil: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value.startswith(sigil):
        raise MalformedEvent(f"An event has no {key}.")
    if not value.isprintable() or not value.isascii() or len(value) > _LONGEST_ID:
        raise MalformedEvent(f"The {key} of an event is too long or holds odd characters.")
    return value


def parse(text: str) -> Event:
    """Reads a stored event.

    Raises:
        MalformedEvent: It has no type or sender.
    """
    raw = json.loads(text)
    kind, sender, content, state_key = (raw.get(key) for key in ("type", "sender", "content", "state_key"))
    if not isinstance(kind, str) or not isinstance(sender, str):
        raise MalformedEvent("The event has no type or no sender.")
    sent_at = raw.get("origin_server_ts")
    return Event(
        event_id=raw["event_id"],
        room_id=raw["room_id"],
        type=kind,
        sender=sender,
        content=MappingProxyType(content if isinstance(content, dict) else {}),
        state_key=state_key if isinstance(state_key, str) else None,
        sent_at=sent_at if isinstance(sent_at, int) else 0,
    )


def joins(event: Event, user_id: str) -> bool:
    """Whether the event is a user's joining."""
    return _becomes(event, user_id, "join")


def _becomes(event: Event, user_id: str, membership: str) -> bool:
    is_about = event.type == "m.room.member" and event.state_key == user_id
    return is_about and event.text("membership") == membership
