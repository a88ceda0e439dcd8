"""What a member asks of a bot, by a message or by a form of the portal; who answers it cannot tell which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from belisha.commands.declaration import Command
from belisha.commands.reading import Asked, read
from belisha.events import LABEL_KEY
from belisha.policy.people import Person
from belisha.tlp import Label
from bots.kernel.answers import Block, framed, notice
from bots.kernel.bot import Asker, Context, Extent, Needs, Policy, Unknown
from bots.kernel.effects import Effect, Send

#: Without a relation, whose label would count for it too (rule L2).
_OPENLY: Final = {LABEL_KEY: {"label": str(Label.GREEN)}}


@dataclass(frozen=True, slots=True)
class Call:
    """A command that somebody may ask for here."""

    asked: Asked
    text: str
    """As it was written, or as a form wrote it."""
    asker: Asker
    room_id: str
    """The room that it is about: where it was written, or the group that a form names."""
    policy: Policy | Unknown
    answer_in: str
    """The room where it is answered."""
    frame: Mapping[str, Any] = field(default_factory=dict)
    """What ties the answer to the command."""
    event_id: str | None = None
    """The member's event that proves it (rule P3); a form has none until it is confirmed."""
    target: str | None = None
    """The event that it is about, where it answers one."""

    @property
    def command(self) -> Command:
        """Which command."""
        return self.asked.command

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What stands in its places."""
        return self.asked.arguments

    @property
    def user_id(self) -> str:
        """Who asks."""
        return self.asker.person.user_id

    @property
    def is_alone(self) -> bool:
        """Whether nobody but the asker reads the answer."""
        return self.answer_in == self.asker.service_room

    def send(self, blocks: Sequence[Block]) -> Send:
        """The answer."""
        if self.command.openly and not self.is_alone:
            return Send(notice(blocks) | {"m.mentions": {"user_ids": [self.user_id]}, **_OPENLY}, room=self.answer_in)
        return Send(framed(blocks, self.frame, in_group=not self.is_alone), room=self.answer_in)

    def to_json(self) -> dict[str, Any]:
        """What is kept of it until it is confirmed or carried out."""
        person = self.asker.person
        return {
            "text": self.text,
            "user_id": person.user_id,
            "organisation": person.organisation,
            "roles": sorted(person.roles),
            "power": self.asker.power,
            "service_room": self.asker.service_room,
            "maintains": self.asker.maintains,
            "room_id": self.room_id,
            "policy": asdict(self.policy) if isinstance(self.policy, Policy) else None,
            "answer_in": self.answer_in,
            "frame": dict(self.frame),
            "event_id": self.event_id,
            "target": self.target,
        }

    def proved_by(self, event_id: str) -> Call:
        """The same with an event that proves it, where it has none."""
        return replace(self, event_id=self.event_id or event_id)


def call_from(raw: Mapping[str, Any], commands: Sequence[Command]) -> Call | None:
    """What `Call.to_json` kept; None where another version of the bots reads that command otherwise."""
    asked = read(raw["text"], commands)
    if not isinstance(asked, Asked):
        return None
    person = Person(raw["user_id"], raw["organisation"], frozenset(raw["roles"]))
    policy = raw["policy"]
    return Call(
        asked,
        raw["text"],
        Asker(person, raw["power"], raw["service_room"], raw.get("maintains") is True),
        raw["room_id"],
        Unknown() if policy is None else Policy(**{**policy, "organisations": tuple(policy["organisations"])}),
        raw["answer_in"],
        raw["frame"],
        raw["event_id"],
        raw["target"],
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a call, and done about it before that."""

    blocks: Sequence[Block] = ()
    effects: Sequence[Effect] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an act ended that the module was to carry out."""

    done: Mapping[str, Any] | None
    """What the module told of it; None where it refused."""
    refused: str = ""
    """The sentence with which it refused."""


#: Why a call cannot be; None where nothing is wrong.
Check = Callable[[Call, Context], str | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command and who answers it. One that the module carries out needs nobody else."""

    command: Command
    answer: Callable[[Call, Context], Answer] | None = None
    needs: Needs = field(default_factory=Needs)
    """What must be known besides the room's policy and who asks."""
    told: Callable[[Call, Outcome, Context], Answer] | None = None
    """What is said once an act is carried out, or refused."""
    check: Check | None = None
    """Why a call cannot be, as far as the bot can tell by itself; None where nothing is wrong. Nobody is asked to
    confirm what would be refused then."""
    names: str | None = None
    """The argument that names a member whom the directory is asked about, where `needs` has `sight`."""
    documents: Callable[[Asked], tuple[str, str]] | None = None
    """Which files the module is asked for (see `Needs.documents`)."""
    before: Callable[[Call, Extent], Sequence[Block]] | None = None
    """What is said of how much an act concerns, when it is to be confirmed."""

    def asked(self, asked: Asked) -> Needs:
        """What must be known for a call besides the room's policy and who asks: what its own places say, too."""
        needs = replace(self.needs, extent=self.extent(asked))
        if self.documents is not None:
            needs = replace(needs, documents=self.documents(asked))
        if self.names is None:
            return needs
        return replace(needs, sight=str(asked.arguments.get(self.names, "")))

    def extent(self, asked: Asked) -> tuple[str, str] | None:
        """The act, and whom it is about, where it is to be counted what that concerns; its first place says whom."""
        if self.before is None:
            return None
        return str(asked.command.act), str(asked.arguments[asked.command.places[0].name])


@dataclass(frozen=True, slots=True)
class Acting:
    """What a bot does about an act that the module carries out; see `Entry`."""

    told: Callable[[Call, Outcome, Context], Answer]
    check: Check | None = None
