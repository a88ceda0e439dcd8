"""What a bot is to the kernel: a name, what it must know, and a pure handler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bots.kernel.effects import Effect
from bots.kernel.events import Event


@dataclass(frozen=True, slots=True)
class Policy:
    """A room's rules, as the module tells them."""

    kind: str
    default: str = ""
    ceiling: str = ""
    organisations: tuple[str, ...] = ()
    purpose: str = "discussion"


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
    audience: bool = False
    people: bool = False
    patient: bool = False
    """Nobody waits for an answer: while the server cannot be asked, rather handle the event later."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when an event is handled; what the bot did not ask for is unknown."""

    me: str
    policy: Policy | Unknown = Unknown()
    audience: Audience | Unknown = Unknown()
    people: Mapping[str, str | None] = field(default_factory=dict)
    """Who is in the room besides bots: user id and display name."""


class Bot(Protocol):
    """One bot."""

    @property
    def name(self) -> str:
        """Its key in the configuration, such as `steward`."""

    def needs(self, event: Event, me: str) -> Needs | None:
        """What the bot named `me` must know of the room; None where the event does not concern it."""

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        """What is to be done about the event. The same arguments give the same effects."""
