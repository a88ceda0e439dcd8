"""Introductions as the design has them: a room for two, opened once both have agreed, and nothing for anybody before.

Written from DESIGN.md and the issue of the directory alone, as `model.py` is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.synapse.stateful.model import Answer, World

#: So many introductions one member asks for within a day.
_MOST: Final = 5


@dataclass
class Meeting:
    """Somebody has asked whether two want to meet; whoever asks for themselves has agreed."""

    id: str
    asker: str
    pair: frozenset[str]
    agreed: set[str] = field(default_factory=set)
    is_over: bool = False
    is_shaken: bool = False  # one of them could not act for a while: whether that ended it, the design does not say


class Meetings:
    """All that were asked for in one example."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.all: list[Meeting] = []

    def may_ask(self, who: str, one: str, other: str) -> Answer:
        """Two different members who may act, once for the same two (M1)."""
        pair, mine = frozenset((one, other)), [each for each in self.all if each.asker == who]
        is_new = all(each.pair != pair for each in mine) and len(mine) < _MOST
        return Answer(len(pair) == 2 and is_new and all(map(self._world.acts, (who, one, other))), "M1")

    def asked(self, meeting_id: str, who: str, one: str, other: str) -> Meeting:
        pair = frozenset((one, other))
        self.all.append(Meeting(meeting_id, who, pair, {who} & pair))
        return self.all[-1]

    def may_agree(self, who: str, meeting: Meeting) -> Answer:
        """One of the two, while it waits (M1); nobody learns of what waits for others (P2)."""
        everybody = {meeting.asker, *meeting.pair}
        if who not in meeting.pair or meeting.is_over or not all(map(self._world.acts, everybody)):
            return Answer(False, "P2" if who not in meeting.pair else "M1")
        return Answer(None if meeting.is_shaken else True, "M1")

    def opens(self, who: str, meeting: Meeting) -> bool:
        """Whether this yes is the second one."""
        return meeting.pair == {who, *meeting.agreed}

    def agreed(self, who: str, meeting: Meeting) -> None:
        """The same two have one room, however many have introduced them."""
        meeting.agreed.add(who)
        if meeting.agreed == meeting.pair:
            for each in self.all:
                each.is_over = each.is_over or each.pair == meeting.pair

    def shake(self) -> None:
        """What somebody's standing may have ended."""
        for each in self.all:
            each.is_shaken = each.is_shaken or not all(map(self._world.acts, (each.asker, *each.pair)))

    def asks(self, meeting: Meeting) -> frozenset[str]:
        """Who is asked whether they agree: those of the two who have not, and nobody else (P2)."""
        everybody = {meeting.asker, *meeting.pair}
        if meeting.is_over or not all(map(self._world.acts, everybody)):
            return frozenset()
        return meeting.pair - meeting.agreed
