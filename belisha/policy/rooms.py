"""Rooms: their kinds, what each kind carries and how it is set up; DESIGN, "Words", as data (rules R1 to R4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from belisha.policy.described import Described
from belisha.tlp import Label


class Kind(Described):
    """The kinds of room, each with the words for it in a sentence."""

    OPEN = "open", "an open group"
    CLOSED = "closed", "a closed group"
    NAMED = "named", "a room of named people"
    SERVICE = "service", "your room with the bot"
    SPACE = "space", "a space"


class Purpose(StrEnum):
    """What a group is for."""

    DISCUSSION = "discussion"
    BLOG = "blog"
    DOCUMENTS = "documents"
    ANNOUNCEMENTS = "announcements"


class KindRules(NamedTuple):
    """What every room of a kind has: its labels, and the values that its Matrix state may take."""

    default: Label
    ceiling: Label
    join_rules: tuple[str, ...]
    history: tuple[str, ...]
    carries_content: bool = True


#: The first of `join_rules` and `history` is what a new room gets.
KINDS: Final[Mapping[Kind, KindRules]] = {
    Kind.OPEN: KindRules(Label.GREEN, Label.GREEN, ("public",), ("shared",)),
    Kind.CLOSED: KindRules(Label.AMBER, Label.AMBER, ("knock", "invite"), ("shared", "invited", "joined")),
    Kind.NAMED: KindRules(Label.AMBER, Label.RED, ("invite",), ("joined",)),
    Kind.SERVICE: KindRules(Label.AMBER, Label.AMBER_STRICT, ("invite",), ("joined",)),
    Kind.SPACE: KindRules(Label.GREEN, Label.GREEN, ("public", "invite"), ("shared",), carries_content=False),
}


def kind_of(value: object) -> Kind:
    """The kind of that name.

    Raises:
        ValueError: where there is none.
    """
    for kind in Kind:
        if kind == value:
            return kind
    raise ValueError(f"“{value}” is no kind of room")


class Room(NamedTuple):
    """A room's policy, as its `org.belisha.room` state holds it, and whether it is encrypted."""

    kind: Kind
    default: Label
    ceiling: Label
    organisations: tuple[str, ...] = ()
    purpose: Purpose = Purpose.DISCUSSION
    encrypted: bool = False


def room_of(kind: Kind, organisations: tuple[str, ...] = (), purpose: Purpose = Purpose.DISCUSSION) -> Room:
    """The policy of a new room: default and ceiling follow from the kind and the organisations alone (rule R1)."""
    rules = KINDS[kind]
    ceiling = Label.AMBER_STRICT if kind is Kind.CLOSED and organisations else rules.ceiling
    return Room(kind, rules.default, ceiling, organisations, purpose)


def encrypted(room: Room) -> Room:
    """The same room, encrypted: nothing in it can be read here, so its default is its ceiling (rule R4)."""
    return room._replace(default=room.ceiling, encrypted=True)


def to_state(room: Room) -> dict[str, Any]:
    """The content of `org.belisha.room`."""
    return {
        "kind": room.kind.value,
        "default": str(room.default),
        "ceiling": str(room.ceiling),
        "organisations": list(room.organisations),
        "purpose": room.purpose.value,
    }


def from_state(content: Mapping[str, Any], *, is_encrypted: bool) -> Room | None:
    """The policy that a state event holds; None where any part of it cannot be read."""
    default, ceiling = Label.parse(content.get("default")), Label.parse(content.get("ceiling"))
    organisations = content.get("organisations")
    if default is None or ceiling is None or not isinstance(organisations, list | tuple):
        return None
    if not all(isinstance(organisation, str) for organisation in organisations):
        return None
    try:
        kind, purpose = kind_of(content.get("kind")), Purpose(str(content.get("purpose")))
    except ValueError:
        return None
    room = Room(kind, default, ceiling, tuple(organisations), purpose)
    return encrypted(room) if is_encrypted else room
