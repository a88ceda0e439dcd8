"""Events as bots see them: frozen, read once at the edge, with nothing assumed about their content."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from belisha.acts.reports import REPORT_KEY
from belisha.commands.spoken import answered, spoken
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person

# https://spec.matrix.org/v1.11/appendices/#size-limits
_LONGEST_ID = 255
REDACTION = "m.room.redaction"
#: Says that another room has taken this one's place (Matrix 1.16, m.room.tombstone).
TOMBSTONE = "m.room.tombstone"


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
    def spoken(self) -> str | None:
        """What a member typed (see `belisha.commands.spoken`)."""
        return spoken(self.content)

    @property
    def answered(self) -> str | None:
        """The id of the event that this answers."""
        return answered(self.content)

    @property
    def about(self) -> str | None:
        """The id of the event that this answers, or that it is about where it is no message."""
        if self.type == "m.room.message":
            return self.answered
        event_id = self.relation.get("event_id")
        return event_id if isinstance(event_id, str) else None

    @property
    def anybody(self) -> Person:
        """The sender, of whom nothing else is known."""
        return Person(self.sender)

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
    sent_at: float
    """Seconds since 1970, as the server wrote them; endless where it wrote none."""


def receive(raw: object) -> Received:
    """Checks one event of a transaction just enough to store it.

    Raises:
        MalformedEvent: It is no object, or has no usable event id or room id.
    """
    if not isinstance(raw, dict):
        raise MalformedEvent("An event is not an object.")
    sent_at = raw.get("origin_server_ts")
    return Received(
        _id(raw, "event_id", "$"),
        _id(raw, "room_id", "!"),
        # ASCII JSON: NUL and lone surrogates, which PostgreSQL takes in no text column, stay escaped.
        json.dumps(raw, separators=(",", ":")),
        sent_at / 1000 if isinstance(sent_at, int) else math.inf,
    )


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


def leaves(event: Event) -> bool:
    """Whether somebody leaves a room, or is sent away."""
    return event.type == "m.room.member" and event.text("membership") in ("leave", "ban")


def is_news(event: Event, me: str) -> bool:
    """Whether what was done in a bot's own name is news to the bot `me`, since the server did it in that name."""
    if event.sender == me and event.state_key is None:
        return event.type == REDACTION or (event.type == "m.room.message" and REPORT_KEY in event.content)
    return joins(event, me) or event.type in (POLICY_TYPE, TOMBSTONE) or (leaves(event) and event.state_key != me)


def _becomes(event: Event, user_id: str, membership: str) -> bool:
    is_about = event.type == "m.room.member" and event.state_key == user_id
    return is_about and event.text("membership") == membership
