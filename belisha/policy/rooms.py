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


class Media(StrEnum):
    """Which files a group carries, by what they are and not by what they are called."""

    NONE = "none"
    #: Text, PDF, office documents and still pictures.
    DOCUMENTS = "documents"
    ANY = "any"


#: Whose `originals` a group gives out: everybody's, or a file only to who uploaded it.
ANYBODY: Final = "anybody"
SOURCE: Final = "source"


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
    """A room's policy, as its `org.belisha.room` state holds it, and whether it is encrypted.

    A `frozen` group can be read and left, and nothing else. An `archived` one is the same by its maintainers' wish, and
    what its source may still do about its items can be done (see `policy/archived.py`).
    """

    kind: Kind
    default: Label
    ceiling: Label
    organisations: tuple[str, ...] = ()
    purpose: Purpose = Purpose.DISCUSSION
    encrypted: bool = False
    frozen: bool = False
    #: Another room has taken its place, or is about to: nothing new is accepted (see `policy/upgrade.py`).
    replaced: bool = False
    archived: bool = False
    media: Media = Media.DOCUMENTS
    #: Whether a file is given to its uploader only (`originals: source`): what others get is made of it.
    sources_only: bool = False

    @property
    def carried_files(self) -> Media:
        """Which files the room carries: what a group's policy says, elsewhere any."""
        return self.media if self.kind in (Kind.OPEN, Kind.CLOSED) else Media.ANY

    @property
    def has_previews(self) -> bool:
        """Whether how a file begins may be shown: not where none is carried any more."""
        return self.carried_files is not Media.NONE


def room_of(kind: Kind, organisations: tuple[str, ...] = (), purpose: Purpose = Purpose.DISCUSSION) -> Room:
    """The policy of a new room: default and ceiling follow from the kind and the organisations alone (rule R1)."""
    rules = KINDS[kind]
    ceiling = Label.AMBER_STRICT if kind is Kind.CLOSED and organisations else rules.ceiling
    return Room(kind, rules.default, ceiling, organisations, purpose)


def encrypted(room: Room) -> Room:
    """The same room, encrypted: nothing in it can be read here, so its default is its ceiling (rule R4)."""
    return room._replace(default=room.ceiling, encrypted=True)


def is_listed(room: Room, join_rule: object) -> bool:
    """Whether members find a group in lists: where they may join it, or ask to be let in."""
    is_group = room.kind in (Kind.OPEN, Kind.CLOSED)
    return is_group and not (room.replaced or room.archived) and join_rule in ("public", "knock")


def to_state(room: Room) -> dict[str, Any]:
    """The content of `org.belisha.room`; what is as in every new room (not frozen, documents, …) is left out."""
    content: dict[str, Any] = {
        "kind": room.kind.value,
        "default": str(room.default),
        "ceiling": str(room.ceiling),
        "organisations": list(room.organisations),
        "purpose": room.purpose.value,
    }
    marks = {"frozen": room.frozen, "replaced": room.replaced, "archived": room.archived}
    content |= {key: True for key, is_so in marks.items() if is_so}
    content |= {} if room.media is Media.DOCUMENTS else {"media": room.media.value}
    return content | ({"originals": SOURCE} if room.sources_only else {})


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
    # Whatever else stands there counts: what cannot be read is the stricter of both.
    frozen, replaced, archived = (content.get(key, False) is not False for key in ("frozen", "replaced", "archived"))
    media = next((one for one in Media if one == content.get("media", Media.DOCUMENTS)), Media.NONE)
    room = Room(
        kind,
        default,
        ceiling,
        tuple(organisations),
        purpose,
        frozen=frozen,
        replaced=replaced,
        archived=archived,
        media=media,
        sources_only=content.get("originals", ANYBODY) != ANYBODY,
    )
    return encrypted(room) if is_encrypted else room
