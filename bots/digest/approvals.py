"""What waits for the reader, and for few others or nobody besides: a word, a confirmation, a yes. Nobody is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Shown, Why
from belisha.translation import _, many
from bots.digest.source import Asked, Source
from bots.kernel.answers import Strong, Typed, Words, say


def _group(count: int, name: str) -> Sequence[Words]:
    told = _("{count} ask to be let into {name}; you decide about it. See {queue}.")
    return say(told, count=str(count), name=Strong(name), queue=Typed("!queue")).words


def _organisation(count: int, name: str) -> Sequence[Words]:
    told = _("{count} ask to be let into your organisation {name}; you decide about it. See {queue}.")
    return say(told, count=str(count), name=Strong(name), queue=Typed("!queue")).words


def _reports(count: int, _name: str) -> Sequence[Words]:
    waiting = many("{count} report waits", "{count} reports wait", count)
    return say(
        _("{waiting} for a steward, as you are: their cards are in the room of the stewards."), waiting=waiting
    ).words


def _members(count: int, name: str) -> Sequence[Words]:
    waiting = many("{count} member waits", "{count} members wait", count)
    told = _("{waiting} for your word that they still belong to {name}. See {members}.")
    return say(told, waiting=waiting, name=Strong(name), members=Typed("!members")).words


def _introductions(count: int, _name: str) -> Sequence[Words]:
    waiting = many("{count} introduction waits", "{count} introductions wait", count)
    return say(_("{waiting} for your yes: the question is in your own chat with me."), waiting=waiting).words


def _announcements(count: int, _name: str) -> Sequence[Words]:
    waiting = many("{count} announcement waits", "{count} announcements wait", count)
    return say(_("{waiting} for your ✅, which says that you have read it."), waiting=waiting).words


#: What is said of each sort of thing that waits (see `belisha.digest.values.Wait`), in this order.
_LINES: Final[dict[str, Callable[[int, str], Sequence[Words]]]] = {
    "report": _reports,
    "members": _members,
    "organisation": _organisation,
    "group": _group,
    "introduction": _introductions,
    "announcement": _announcements,
}


class Approvals(Source):
    """The source of what only the reader and few others can do."""

    reasons: ClassVar = frozenset({Why.APPROVAL})
    names_items: ClassVar = False

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """How many wait, by sort and place, as the module tells at this moment."""
        order = list(_LINES)
        return [
            Entry(
                Why.APPROVAL,
                at=order.index(one.sort) - one.count / (1 + one.count),  # by sort, then how many
                facts={"sort": one.sort, "name": one.name, "count": str(one.count)},
            )
            for one in asked.facts.waits
            if one.sort in _LINES and one.count > 0
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """How many, where, and how to see them."""
        facts = shown.entry.facts
        return _LINES[facts["sort"]](int(facts["count"]), facts["name"])
