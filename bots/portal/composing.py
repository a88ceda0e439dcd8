"""What the module tells the page for writing, as frozen values: a group, its readers, what is answered, a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belisha.tlp import Label
from bots.portal.homes import text_of


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads a group at this moment, in numbers.

    Attributes:
        people: all of them.
        organisations: name and number of people of each, the largest first.
        bots: how many bots read along.
        could_join: whether those are counted who could join, since everybody may.
    """

    people: int
    organisations: Sequence[tuple[str, int]]
    bots: int
    could_join: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """A message that is answered: the event, its label, and the message that its thread began with."""

    event_id: str
    label: Label
    thread: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What would become of a draft, were it sent now: its label, or the sentence that refuses it."""

    label: Label | None
    by: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Composer:
    """A group as its member writes into it.

    Attributes:
        room_id: the group.
        name: what it is called, if anything.
        purpose: what it is for.
        default: the label of what has none.
        labels: what it carries, most open first.
        closed: why nothing can be written in it now; None where it can.
        readers: who reads it.
        answered: None where nothing is answered, or what the member cannot read.
        draft: None where none was asked about, or too many.
    """

    room_id: str
    name: str | None
    purpose: str
    default: Label
    labels: Sequence[Label]
    closed: str | None
    readers: Readers
    answered: Answered | None
    draft: Draft | None

    @property
    def ceiling(self) -> Label:
        """The strictest label that it carries."""
        return max(self.labels, default=self.default)


def composer_of(answer: Mapping[str, Any]) -> Composer | None:
    """Reads the module's answer; None where it cannot be read."""
    try:
        audience, answered, draft = answer["audience"], answer.get("answered"), answer.get("draft")
        counted = [(str(one["name"]), int(one["count"])) for one in audience["organisations"]]
        return Composer(
            room_id=str(answer["room_id"]),
            name=text_of(answer, "name"),
            purpose=str(answer["purpose"]),
            default=_label(answer["default"]),
            labels=tuple(_label(one) for one in answer["labels"]),
            closed=text_of(answer, "closed"),
            readers=Readers(int(audience["total"]), counted, int(audience["bots"]), audience["could_join"] is True),
            answered=None
            if answered is None
            else Answered(str(answered["event_id"]), _label(answered["label"]), str(answered["thread"])),
            draft=None if draft is None else _draft(draft),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _draft(told: Mapping[str, Any]) -> Draft:
    if told["allowed"] is True:
        return Draft(_label(told["label"]), text_of(told, "by"), None)
    return Draft(None, None, str(told["error"]))


def _label(value: object) -> Label:
    label = Label.parse(value)
    if label is None:
        raise ValueError("no label")
    return label
