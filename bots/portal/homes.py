"""Rooms and people as the module tells the portal of them, in frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belisha.tlp import Label

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as others see them."""

    user_id: str
    name: str
    organisation: str | None


@dataclass(frozen=True, slots=True)
class Room:
    """A room's name and rules."""

    room_id: str
    kind: str
    name: str | None
    default: Label
    ceiling: Label
    organisations: tuple[str, ...]
    topic: str | None = None
    members: int = 0
    organisation_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An invitation to the member, or somebody who asks to be let in."""

    room: Room
    person: Person


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is new, and since when, in seconds since 1970."""

    person: Person
    since: int


@dataclass(frozen=True, slots=True)
class Home:
    """What the first page shows."""

    groups: tuple[Room, ...]
    invitations: tuple[Waiting, ...]
    knocks: tuple[Waiting, ...]
    newcomers: tuple[Newcomer, ...]


def room_of(raw: Json) -> Room:
    """A room of an answer.

    Raises:
        KeyError, TypeError, ValueError: where it is none.
    """
    default, ceiling = Label.parse(raw["default"]), Label.parse(raw["ceiling"])
    if default is None or ceiling is None:
        raise ValueError("a room without a label")
    return Room(
        room_id=str(raw["room_id"]),
        kind=str(raw["kind"]),
        name=text_of(raw, "name"),
        default=default,
        ceiling=ceiling,
        organisations=tuple(str(one) for one in raw["organisations"]),
        topic=text_of(raw, "topic"),
        members=int(raw.get("members", 0)),
        organisation_names=tuple(str(one) for one in raw.get("organisation_names") or raw["organisations"]),
    )


def person_of(raw: Json) -> Person:
    """Somebody of an answer.

    Raises:
        KeyError: where nobody is named.
    """
    user_id = str(raw["user_id"])
    return Person(user_id, text_of(raw, "name") or user_id, text_of(raw, "organisation"))


def text_of(raw: Json, key: str) -> str | None:
    """A text of an answer; None where it is missing or empty."""
    value = raw.get(key)
    return value if isinstance(value, str) and value else None
