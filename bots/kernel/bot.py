"""What a bot is to the kernel: a name, what it must know, and a pure handler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import sqlalchemy as sa

from belisha.policy.people import Person
from belisha.polls.wire import Response, Start
from bots.kernel.digested import DigestFacts
from bots.kernel.done import Done
from bots.kernel.effects import Effect, transaction_id
from bots.kernel.events import Event
from bots.kernel.listed import RegistryPage, Sight
from bots.kernel.posts import Blog, PostFacts
from bots.kernel.rules import Rule
from bots.kernel.shelf import Shelf

if TYPE_CHECKING:  # a desk is made of what stands here
    from bots.kernel.desk import Desk


@dataclass(frozen=True, slots=True)
class Policy:
    """A room's rules, as the module tells them."""

    kind: str
    default: str = ""
    ceiling: str = ""
    organisations: tuple[str, ...] = ()
    purpose: str = "discussion"
    archived: bool = False
    replaced: bool = False
    """Whether another room has taken its place, or is about to."""
    copies_only: bool = False
    """Whether its files' originals go to their sources only."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """How many people of one organisation are in an audience."""

    name: str
    category: str
    count: int


@dataclass(frozen=True, slots=True)
class Audience:
    """Who can read a room: counts, never names."""

    total: int
    organisations: tuple[Organisation, ...]
    bots: int
    could_join: bool


@dataclass(frozen=True, slots=True)
class Item:
    """An item that both the bot and who asks can read, as the module knows it now."""

    label: str
    source: str
    """The user id of who wrote it."""
    source_room: str | None = None
    """The source's own room with the steward, while they are in the room with the item."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for something, as the module knows them now."""

    person: Person
    power: int = 0
    """Their power in the room that it is about."""
    service_room: str | None = None
    """Their own room with the steward."""
    maintains: bool = False
    """Whether they maintain some group."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group that somebody may join, or ask to be let into, as the module shows it to them."""

    room_id: str
    name: str
    topic: str
    address: str
    kind: str
    members: int
    messages: int | None
    """How many were written in the last seven days; only members of a closed group may know."""
    membership: str
    """`invite`, `knock`, or empty."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What an act would concern, as the module counts it for who asks; or why they may not ask for it."""

    people: int = 0
    groups: int = 0
    memberships: int = 0
    refused: str = ""
    """The sentence with which the module refuses; empty where it would not."""
    name: str = ""
    """Whom it would concern; empty where the module does not say."""


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """Those who have not acknowledged an announcement, as the module knows them now."""

    room_id: str
    """Where it was announced."""
    service_rooms: Sequence[str]
    """Each one's own room with the steward."""
    onward: str | None = None
    """From where on to ask for the others; None where these were all."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The room that has taken the place of one which was upgraded."""

    room_id: str
    done: bool
    """Whether everybody has gone over."""


@dataclass(frozen=True, slots=True)
class PollFacts:
    """A poll as the module knows it now."""

    start: Start
    label: str
    responses: Sequence[Response]
    ends: Sequence[int]
    """The moments at which it was ended by those who may, in milliseconds since 1970, the first one first."""
    opening: Mapping[str, str]
    """Who was in the group when it opened, and may act: user id and organisation."""
    closing: Mapping[str, str]
    """Who is in the group now, and may act."""
    organisations: Mapping[str, str]
    """The names of their organisations, by id."""
    service_rooms: Mapping[str, str]
    """Each one's own room with the steward."""
    edited_late: bool = False
    """Whether it was edited after the first vote; it is counted as it was before."""
    carries_files: bool = False
    """Whether a picture of its result can be shared in its group, and opened by everybody."""
    moved: Moved | None = None
    """Where its group has moved, if it was upgraded."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A question that got no answer."""

    no_such_room: bool = False
    """The module answered, and knows no rules for this room."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be known before an event can be handled; the kernel asks, so that handlers stay pure."""

    policy: bool = False
    fresh: bool = False
    """Ask again, however recently the policy was asked for."""
    policy_of: str | None = None
    """Of a job: the rules of that room, asked for anew; nobody waits for it."""
    audience: bool = False
    people: bool = False
    asker: bool = False
    """Who the event's sender is (with `people`, the first of them): organisation, roles, and power in the room."""
    item: bool = False
    """The item that the event answers, or is about."""
    maintainers: str | None = None
    """Who looks after the group, where it may have become too few: the user id of who has left it, or empty."""
    groups: bool = False
    """Which groups the event's sender may join or ask for; in their own room with the bot."""
    extent: tuple[str, str] | None = None
    """An act, and whom it is about: what it would concern; in the asker's own room with the bot."""
    unacknowledged: tuple[str, str] | None = None
    """Of a job: who has not acknowledged the announcement of that event id, from that localpart on."""
    poll: tuple[str, str] | None = None
    """Of a job: the poll that an event is, by the ids of its room and its own."""
    sight: str | None = None
    """Whom the event's sender may find in the directory, and how the member of that address is listed, or nobody where
    it is empty; in their own room with the bot."""
    sight_for: tuple[str, str] | None = None
    """Of a job: the same for a member, in their own room with the bot."""
    digest: tuple[str, str, tuple[tuple[str, str], ...]] | None = None
    """Of a job: what a digest may tell a member, in their own room with the bot, and of which rooms' events."""
    own_digest: bool = False
    """What a digest may tell the event's sender, without any item; in their own room with the bot."""
    registry: tuple[str, str] | None = None
    """Of a job: a page of the registry, from that account's name on, unless it is of that revision."""
    post: tuple[str, str] | None = None
    """Of a job: the post of a blog that an event is, by the ids of its room and its own."""
    blog: tuple[str, str, tuple[tuple[str, str], ...]] | None = None
    """Of a job: which blogs a member reads, by their own room with the bot and their user id, and which of these posts,
    each by room and event."""
    doings: str | None = None
    """Of a job: what accounts did that no bot can see, after that position."""
    managers: bool = False
    """Of a job: who runs the community now."""
    documents: tuple[str, str] | None = None
    """Which files of groups the event's sender asks for: `documents` with words, or the one `document` that words or a
    link mean; in their own room with the bot."""
    patient: bool = False
    """Nobody waits for an answer: while the server cannot be asked, rather handle the event later."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when an event or a job is handled; what the bot did not ask for is unknown."""

    me: str
    policy: Policy | Unknown = Unknown()
    audience: Audience | Unknown = Unknown()
    asker: Asker | Unknown = Unknown()
    item: Item | Unknown = Unknown()
    groups: Sequence[Group] | Unknown = Unknown()
    extent: Extent | Unknown = Unknown()
    unacknowledged: Unacknowledged | Unknown = Unknown()
    poll: PollFacts | Unknown = Unknown()
    sight: Sight | Unknown = Unknown()
    registry: RegistryPage | Unknown = Unknown()
    post: PostFacts | Unknown = Unknown()
    blog: Blog | Unknown = Unknown()
    digest: DigestFacts | Unknown = Unknown()
    doings: Done | Unknown = Unknown()
    managers: Sequence[str] | Unknown = Unknown()
    """Each manager's own room with the steward."""
    documents: Shelf | Unknown = Unknown()
    maintainers: Sequence[Asker] | Unknown = Unknown()
    """Those left, where they may have become too few; of two and more only the user ids are known."""
    people: Mapping[str, str | None] = field(default_factory=dict)
    """Who is in the room besides bots: user id and display name."""
    now: float = 0.0
    """Seconds since 1970."""
    occasion: str = ""
    """What the ids of this handling's effects follow from."""
    connection: sa.Connection | None = None

    @property
    def database(self) -> sa.Connection:
        """The kernel's transaction: what is written to the bot's own tables is kept if all that was asked for is."""
        if self.connection is None:
            raise RuntimeError("there is no transaction here")
        return self.connection

    def effect_id(self, position: int) -> str:
        """The id of one of the effects that the handler is about to give, to be referred to later (`Sent`)."""
        return transaction_id(self.me, self.occasion, position)


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is due."""

    name: str
    due: float
    """When it was due, in seconds since 1970; handled later where the bots were down."""
    arguments: Mapping[str, Any]


class Bot(Protocol):
    """One bot."""

    @property
    def name(self) -> str:
        """Its key in the configuration, such as `steward`."""

    def needs(self, event: Event, me: str) -> Needs | None:
        """What the bot named `me` must know of the room; None where the event does not concern it."""

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        """What is to be done about the event. The same arguments, and the same tables, give the same effects."""


@runtime_checkable
class WithDesk(Protocol):
    """A bot that can be asked for something by commands."""

    @property
    def desk(self) -> Desk:
        """Where it takes them."""


@runtime_checkable
class WithJobs(Protocol):
    """A bot that does something at its time."""

    @property
    def rules(self) -> Mapping[str, Rule]:
        """What comes again and again, by name."""

    def run(self, job: Job, context: Context) -> Sequence[Effect]:
        """What is to be done about a job that is due."""


@runtime_checkable
class WithCuriousJobs(WithJobs, Protocol):
    """One whose jobs must know something of the server; it is asked before, so that `run` stays pure."""

    def job_needs(self, job: Job) -> Needs | None:
        """What must be known for a job; None where nothing is."""
