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
from bots.steward.announcements import link_of
from bots.steward.groups import link_to

#: Makes a link of words, where there is something to be looked at.
Where = Callable[[str], Words]


def _group(count: int, name: str, _where: Where) -> Sequence[Words]:
    told = _("{count} ask to be let into {name}; you decide about it. See {queue}.")
    return say(told, count=str(count), name=Strong(name), queue=Typed("!queue")).words


def _organisation(count: int, name: str, _where: Where) -> Sequence[Words]:
    told = _("{count} ask to be let into your organisation {name}; you decide about it. See {queue}.")
    return say(told, count=str(count), name=Strong(name), queue=Typed("!queue")).words


def _reports(count: int, _name: str, where: Where) -> Sequence[Words]:
    waiting = many("{count} report waits", "{count} reports wait", count)
    told = _("{waiting} for a steward, as you are: their cards are in {room}.")
    return say(told, waiting=waiting, room=where(_("the room of the stewards"))).words


def _members(count: int, name: str, _where: Where) -> Sequence[Words]:
    waiting = many("{count} member waits", "{count} members wait", count)
    told = _("{waiting} for your word that they still belong to {name}. See {members}.")
    return say(told, waiting=waiting, name=Strong(name), members=Typed("!members")).words


def _introductions(count: int, _name: str, _where: Where) -> Sequence[Words]:
    waiting = many("{count} introduction waits", "{count} introductions wait", count)
    return say(_("{waiting} for your yes: the question is in your own chat with me."), waiting=waiting).words


def _announcements(count: int, _name: str, where: Where) -> Sequence[Words]:
    waiting = where(many("{count} announcement waits", "{count} announcements wait", count))
    return say(_("{waiting} for your ✅, which says that you have read it."), waiting=waiting).words


#: What is said of each sort of thing that waits (see `belisha.digest.values.Wait`), in this order.
_LINES: Final[dict[str, Callable[[int, str, Where], Sequence[Words]]]] = {
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
                facts={
                    "sort": one.sort,
                    "name": one.name,
                    "count": str(one.count),
                    "room": one.room_id,
                    "event": one.event_id,
                },
            )
            for one in asked.facts.waits
            if one.sort in _LINES and one.count > 0
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """How many, where, and how to see them."""
        facts = shown.entry.facts
        room_id, event_id = facts["room"], facts["event"]

        def where(text: str) -> Words:
            if not room_id:
                return text
            return link_of(room_id, event_id, text) if event_id else link_to(room_id, text)

        return _LINES[facts["sort"]](int(facts["count"]), facts["name"], where)
