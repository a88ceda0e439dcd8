"""What is known of messages, groups and members when a digest is made; nothing here has a word of what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from belisha.tlp import Label

#: The receipt of a group's main conversation (Matrix 1.4, threaded read receipts).
MAIN: Final = "main"


class Why(StrEnum):
    """Why something stands in a digest, in the order in which it stands there: first what asks for the reader."""

    MENTION = "mention"
    POLL = "poll"
    APPROVAL = "approval"
    POST = "post"
    DOCUMENT = "document"
    TALK = "talk"
    BUSY = "busy"
    PEOPLE = "people"


class Message(NamedTuple):
    """A message, without its words.

    Attributes:
        event_id: the event.
        room_id: its room.
        sender: who wrote it.
        at: when, in milliseconds since 1970, as the server wrote it.
        arrived: when it was heard of here, likewise: an earlier one may come later.
        thread: the root of its thread; None in the main conversation.
    """

    event_id: str
    room_id: str
    sender: str
    at: int
    arrived: int
    thread: str | None = None


class Talk(NamedTuple):
    """A thread, or a group's main conversation, in the order of arrival.

    Attributes:
        messages: what was written there.
        arrivals: when each of these arrived, in milliseconds since 1970.
        last: when each of its writers wrote there last, by the server's time.
    """

    messages: list[Message]
    arrivals: list[int]
    last: dict[str, int]


class Reading(NamedTuple):
    """Who reads, and what they are told of: what arrived after `since`, until `until`, in milliseconds since 1970."""

    reader: str
    since: int
    until: int

    def spans(self, message: Message) -> bool:
        """Whether a message arrived in that time."""
        return self.since < message.arrived <= self.until


@dataclass(frozen=True, slots=True)
class Group:
    """A group that the reader is in at this moment.

    Attributes:
        room_id: the room.
        name: what it is called.
        since: when the reader came in last, in milliseconds since 1970; what is older is not new to them.
        read: until when they have read, in milliseconds since 1970, by the receipts they sent: `""` everything,
            `MAIN` the main conversation, or the root of a thread.
    """

    room_id: str
    name: str
    since: int
    read: Mapping[str, int] = field(default_factory=dict)

    def seen_until(self, thread: str | None) -> int:
        """Until when the reader knows a thread, or the main conversation, as far as receipts tell."""
        return max(self.since, self.read.get("", 0), self.read.get(thread or MAIN, 0))

    def is_new(self, message: Message) -> bool:
        """Whether a message is new to the reader, as far as receipts tell."""
        return message.at > self.seen_until(message.thread)


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that the reader is asked for: what sort of thing, how often, and where.

    Attributes:
        sort: `group` and `organisation`, which others ask to be let into; `report`; `members`, who are to be confirmed;
            `introduction`; or `announcement`.
        count: how many of them wait.
        name: the group's or organisation's; empty where it is about none.
        room_id: where to look at it; empty where a command is the way.
        event_id: the first of these there; empty for none.
    """

    sort: str
    count: int
    name: str = ""
    room_id: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the module tells of an item that the reader can read at this moment.

    Attributes:
        label: its label now.
        name: its writer's name, with the organisation; empty for who is no member any more.
        voted: of a poll, whether the reader has voted in it.
    """

    label: Label
    name: str = ""
    voted: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a digest may tell.

    Attributes:
        why: the reason.
        room_id: its group; empty where it is about none.
        items: the events that it is about, the first one first: about each is decided when the digest is sent.
        at: by what entries of one reason are ordered, the smaller one first.
        facts: what else its sentence needs.
    """

    why: Why
    room_id: str = ""
    items: tuple[str, ...] = ()
    at: float = 0.0
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry that the reader may have at this moment.

    Attributes:
        entry: the entry, with those items alone that the reader can read.
        label: the strictest label of these.
        place: what its group is called.
        names: who wrote them, each once.
    """

    entry: Entry
    label: Label = Label.GREEN
    place: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """What is told.

    Attributes:
        shown: the entries, in their order.
        rest: how many more there are, by the names of their groups.
        label: the strictest label of all that is told, the rest included.
    """

    shown: tuple[Shown, ...] = ()
    rest: Mapping[str, int] = field(default_factory=dict)
    label: Label = Label.GREEN
