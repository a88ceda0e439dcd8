"""Messages that the module found for a member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belisha.tlp import Label


@dataclass(frozen=True, slots=True)
class MessageHit:
    """A message as the member could read it when it was found.

    Attributes:
        room_id: the group's room.
        room_name: the group's name, if it has one.
        event_id: the message.
        sender_name: who wrote it, with the organisation.
        at: when, in seconds since 1970.
        label: how far it may go.
        text: what it says now.
    """

    room_id: str
    room_name: str | None
    event_id: str
    sender_name: str
    at: float
    label: Label
    text: str


@dataclass(frozen=True, slots=True)
class MessageHits:
    """What was found, the newest first; whether there may be older ones, and whether words of a letter's difference."""

    hits: Sequence[MessageHit]
    more: bool
    misspelt: bool


def read_hits(answer: Mapping[str, Any], hits: Sequence[Mapping[str, Any]]) -> MessageHits:
    """Reads what the module found.

    Raises:
        KeyError, TypeError, ValueError: where one of them is none.
    """
    return MessageHits([read_hit(one) for one in hits], answer.get("more") is True, answer.get("misspelt") is True)


def read_hit(raw: Mapping[str, Any]) -> MessageHit:
    """Reads one that the module tells of.

    Raises:
        KeyError, TypeError, ValueError: where it is none.
    """
    label, name = Label.parse(raw["label"]), raw["room_name"]
    if label is None:
        raise ValueError("a message without a label")
    return MessageHit(
        str(raw["room_id"]),
        name if isinstance(name, str) else None,
        str(raw["event_id"]),
        str(raw["sender_name"]),
        int(raw["at"]) / 1000,
        label,
        str(raw["text"]),
    )
