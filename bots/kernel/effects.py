"""What handlers ask for. It is stored with the mark that the event is handled, and performed afterwards.

Each effect has an id that follows from its occasion: handled again, the same event asks for the same effects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sent:
    """The event that another effect makes, known once that one is performed."""

    effect: int | str
    """Its place in the same answer of a handler (the first is 0), or its id (see `Context.effect_id`)."""


Target = str | Sent

#: Key of the events that bots send, with the id of the effect that made them.
EFFECT = "org.belisha.effect"
_PICTURES = "picture "
#: Begins the lanes of messages that are written when they are sent, so that they hold up nothing else in a room.
WRITTEN = "written "


@dataclass(frozen=True, slots=True, kw_only=True)
class _InRoom:
    room: str | None = None
    """Where; None is the room of the event that is handled."""


@dataclass(frozen=True, slots=True)
class Send(_InRoom):
    """Send an event."""

    content: Mapping[str, Any]
    type: str = "m.room.message"
    once: str | None = None
    """A key under which this bot says this a single time, whatever else may be its occasion."""
    waits: bool = False
    """Whether it can wait where the room's member wants quiet at that time (see `quiet`); nothing can refer to it."""


@dataclass(frozen=True, slots=True)
class Picture(_InRoom):
    """Draw a chart, upload it, and send it as an image. It holds up nothing else that is said in its room."""

    chart: Mapping[str, Any]
    """What is drawn (see `bots.charts.bars`)."""
    content: Mapping[str, Any]
    """The event's content but for the file: with `body`, which says what the picture shows, and `filename`."""
    after: Target | None = None
    """The event that is to stand there first; where that is never sent, neither is this."""
    once: str | None = None
    """As in `Send`."""


@dataclass(frozen=True, slots=True)
class Edit(_InRoom):
    """Replace what a message of this bot says."""

    target: Target
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class React(_InRoom):
    """React to an event."""

    target: Target
    key: str


@dataclass(frozen=True, slots=True)
class Redact(_InRoom):
    """Take an event back."""

    target: Target
    reason: str | None = None
    of_picture: bool = False
    """Whether it waits for nothing but the room's pictures, since it is one of them that is taken back."""


@dataclass(frozen=True, slots=True)
class Invite(_InRoom):
    """Invite somebody; done where they are in the room already."""

    user: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Kick(_InRoom):
    """Remove somebody; done where they are not in the room."""

    user: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class State(_InRoom):
    """Set room state."""

    type: str
    content: Mapping[str, Any]
    state_key: str = ""


@dataclass(frozen=True, slots=True)
class Pin(_InRoom):
    """Pin an event beside what is pinned already; done where it is pinned."""

    target: Target


@dataclass(frozen=True, slots=True)
class Mail:
    """Send a mail. A crash at the wrong moment may send it twice, under one Message-ID."""

    to: str
    subject: str
    text: str
    once: str | None = None
    html: str = ""
    """The same for who reads HTML; empty where there is none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    until: float | None = None
    """When it is no use any more, in seconds since 1970: it is not sent after that."""
    then: Mapping[str, Any] | None = None
    """What the bot is given as a job once it is known how this ended (see `MAILED`)."""

    @property
    def body(self) -> dict[str, Any]:
        """What is stored of it."""
        body = {"to": self.to, "subject": self.subject, "text": self.text, "html": self.html}
        then = None if self.then is None else dict(self.then)
        return {**body, "headers": dict(self.headers), "until": self.until, "then": then}


@dataclass(frozen=True, slots=True)
class Letter:
    """Send what is written anew with each attempt (see `letters.WithLetters`); only this is stored of it."""

    name: str
    reader: str
    """Whose it is: their user id."""
    arguments: Mapping[str, Any]
    until: float
    """As in `Mail`."""
    once: str | None = None
    room: str | None = None
    """Where it is said; None where it is mailed."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Call the operators' webhook. A crash at the wrong moment may call it twice, with one id."""

    body: Mapping[str, Any]
    once: str | None = None


@dataclass(frozen=True, slots=True)
class Act(_InRoom):
    """Have the module do what a member's command asks for; it reads that command itself (rule P3)."""

    act: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    event_id: str | None = None
    """The member's command; None is the event that is handled."""
    then: Mapping[str, Any] | None = None
    """What the bot is given as a job, with the outcome, once it is known how this ended (see `OUTCOME`)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Have the module do what is due by its own rules and clock: it takes nothing else from the bot (rule P3)."""

    what: str
    then: Mapping[str, Any] | None = None
    """As in `Act`."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Have the module make this what a member shows the whole community; it takes the place of what was there."""

    user: str
    fields: Mapping[str, Sequence[str]]

    @property
    def body(self) -> Mapping[str, Any]:
        """What the module is told."""
        return {"user_id": self.user, "fields": {key: list(value) for key, value in self.fields.items()}}


@dataclass(frozen=True, slots=True)
class Contribute:
    """Give the module what the bots hold about a member, for the copy of it that is being made; nothing comes back."""

    user: str
    export: str | None = None
    """Which copy; None says that those that there are have something in them that was erased since (rule E1)."""
    sections: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def body(self) -> Mapping[str, Any]:
        """What the module is told."""
        return {"user_id": self.user, "export": self.export, "sections": dict(self.sections)}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Have `run` called at a time; it takes the place of a job of that name that is still to come."""

    name: str
    at: float
    """Seconds since 1970."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unschedule:
    """Take back a job that is still to come."""

    name: str


#: Begins the names of jobs that tell a bot how an act ended: `then`, and `outcome` or `refused` with a sentence.
OUTCOME = "outcome "
#: Begins the names of jobs that tell a bot how a mail or letter ended: `then`, and `ended`, which is `sent`, `refused`
#: (no mail is taken for this reader), `expired` or `unwritten`. Of a letter that expired, `then` is its name and
#: arguments.
MAILED = "mailed "

Told = Turn | Publish | Contribute
Outgoing = Send | Picture | Edit | React | Redact | Invite | Kick | State | Pin | Mail | Letter | Hook | Act | Told
Effect = Outgoing | Schedule | Unschedule


def transaction_id(bot: str, occasion: str, position: int) -> str:
    """An effect's id, under which Synapse knows a request again.

    Synapse compares transaction ids of one service whichever bot sends, hence the bot in it.

    Args:
        bot: The bot's user id.
        occasion: The id of the event that is being handled, or the effect's `once` key.
        position: Which of the bot's effects on this occasion it is.
    """
    return hashlib.sha256(f"{bot}|{occasion}|{position}".encode()).hexdigest()[:40]


class BadEffect(ValueError):
    """A bot asked for what cannot be: a mistake in the bot."""


def lane_of(effect: Outgoing, room_id: str | None) -> str:
    """Whom the effect has to wait for: what was asked for earlier in its room, or for the same reader of mail.

    Raises:
        BadEffect: It names no room, and there is none to stand in.
    """
    if isinstance(effect, Mail):
        return f"mail {_short(effect.to.casefold())}"
    if isinstance(effect, Letter):
        return f"mail {_short(effect.reader)}" if effect.room is None else f"{WRITTEN}{effect.room}"
    if isinstance(effect, Turn):
        return f"turn {effect.what}"
    if isinstance(effect, Hook):
        return "webhook"
    if isinstance(effect, Publish):
        return f"profile {effect.user}"
    if isinstance(effect, Contribute):
        return f"mydata {effect.user}"
    room = effect.room or room_id
    if room is None:
        raise BadEffect(f"{type(effect).__name__} names no room, and a job has none of its own")
    is_aside = isinstance(effect, Picture) or (isinstance(effect, Redact) and effect.of_picture)
    return f"{_PICTURES}{room}" if is_aside else room


def _short(reader: str) -> str:
    return hashlib.sha256(reader.encode()).hexdigest()[:16]


def room_of(lane: str) -> str:
    """The room in which something of a lane is done."""
    return lane.removeprefix(_PICTURES).removeprefix(WRITTEN)


def body_of(effect: Outgoing, effect_ids: Mapping[int, str], event_id: str | None) -> dict[str, Any]:
    """What is stored of an effect.

    Args:
        effect: The effect.
        effect_ids: The ids of the effects that stand with it, by their places.
        event_id: The event that is handled.

    Raises:
        BadEffect: It refers to what is not there.
    """
    match effect:
        case Send() | State():
            of_state = {"state_key": effect.state_key} if isinstance(effect, State) else {}
            return {"type": effect.type, "content": dict(effect.content), **of_state}
        case Picture():
            after = None if effect.after is None else _stored(effect.after, effect_ids)
            return {"after": after, "chart": dict(effect.chart), "content": dict(effect.content)}
        case Edit():
            return {"target": _stored(effect.target, effect_ids), "content": dict(effect.content)}
        case React():
            return {"target": _stored(effect.target, effect_ids), "key": effect.key}
        case Redact():
            return {"target": _stored(effect.target, effect_ids), "reason": effect.reason}
        case Invite() | Kick():
            return {"user": effect.user, "reason": effect.reason}
        case Pin():
            return {"target": _stored(effect.target, effect_ids)}
        case Letter():
            return {"name": effect.name, "arguments": dict(effect.arguments), "until": effect.until}
        case Turn():
            return {"what": effect.what} | ({} if effect.then is None else {"then": dict(effect.then)})
        case Mail() | Hook() | Publish() | Contribute():
            return dict(effect.body)
        case Act():
            return _body_of_act(effect, event_id)


def _body_of_act(effect: Act, event_id: str | None) -> dict[str, Any]:
    command = effect.event_id or event_id
    if command is None:
        raise BadEffect("Act names no event, and a job has none of its own")
    then = {} if effect.then is None else {"then": dict(effect.then)}
    return {"act": effect.act, "arguments": dict(effect.arguments), "event_id": command, **then}


def _stored(target: Target, effect_ids: Mapping[int, str]) -> str | dict[str, str]:
    if isinstance(target, str):
        return target
    known = target.effect if isinstance(target.effect, str) else effect_ids.get(target.effect)
    if known is None:
        raise BadEffect(f"there is no effect {target.effect} before this one")
    return {"effect": known}
