"""An attacker who reads every published number, and computes from them what was not published.

Which cells lie in which, and which have nobody in common, is learned by looking at several made-up communities: what
holds in all of them is taken for known. So nothing here is taken from the code that decides what is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

from belisha.metrics.pilot import Pilot
from belisha.metrics.respect import Cell, Name

Sets = Mapping[Name, frozenset[int]]


class Found(NamedTuple):
    """What the attacker learns: whose number, as one published number without others."""

    members: frozenset[int]
    whole: Name
    without: tuple[Name, ...]


@dataclass
class Attacker:
    """Knows what was published on which day, and communities like this one."""

    published: Mapping[Name, date]
    cells: Mapping[Name, Cell]
    world: Pilot
    others: Sequence[Sets]
    _apart: dict[tuple[Name, Name], bool] = field(default_factory=dict)

    def finds(self) -> Iterator[Found]:
        """Differences that are about too few: of a cell and one in it, two apart, or parts of one measure."""
        for whole in self.published:
            inside = [name for name in self.published if name != whole and self._known_in(name, whole)]
            for family in self._families(inside):
                rest = self._rest(self._sets, whole, family)
                if self._too_few(rest, (whole, *family)) and not self._known_nobody(whole, family):
                    yield Found(rest, whole, family)

    def _families(self, names: Sequence[Name]) -> Iterator[tuple[Name, ...]]:
        """Names of which no two have anybody in common: single ones, pairs, and more of one measure of one time."""
        yield from ((name,) for name in names)
        yield from (pair for pair in combinations(names, 2) if self._known_apart(*pair))
        by_measure: defaultdict[tuple[object, str], list[Name]] = defaultdict(list)
        for name in names:
            by_measure[name.period, name.measure].append(name)
        for parts in by_measure.values():
            yield from (family for family in self._grown((), parts) if len(family) > 2)

    def _grown(self, family: tuple[Name, ...], parts: Sequence[Name]) -> Iterator[tuple[Name, ...]]:
        for place, name in enumerate(parts):
            yield (*family, name)
            apart = [one for one in parts[place + 1 :] if self._known_apart(name, one)]
            yield from self._grown((*family, name), apart)

    def too_small(self) -> list[Name]:
        """Published numbers that are about too few themselves."""
        return [name for name in self.published if self._too_few(self._sets[name], (name,))]

    @cached_property
    def _sets(self) -> Sets:
        return {name: frozenset(cell.members) for name, cell in self.cells.items()}

    @staticmethod
    def _rest(sets: Sets, whole: Name, parts: Sequence[Name]) -> frozenset[int]:
        return sets.get(whole, frozenset()).difference(*(sets.get(part, frozenset()) for part in parts))

    def _known_in(self, name: Name, whole: Name) -> bool:
        worlds = (world for world in self.others if world.get(name))
        return all(world[name] <= world.get(whole, frozenset()) for world in worlds)

    def _known_apart(self, one: Name, other: Name) -> bool:
        if (found := self._apart.get((one, other))) is None:
            both = ((world.get(one, frozenset()), world.get(other, frozenset())) for world in self.others)
            found = self._apart[one, other] = all(mine.isdisjoint(theirs) for mine, theirs in both)
        return found

    def _known_nobody(self, whole: Name, parts: Sequence[Name]) -> bool:
        """Whether the parts are the whole by what they are, so that nothing is learned."""
        return all(not self._rest(world, whole, parts) for world in self.others)

    def _too_few(self, members: frozenset[int], names: Sequence[Name]) -> bool:
        old_since = max(self.published[name] for name in names) - timedelta(days=30)
        last = max(self.cells[name].span.last for name in names)
        people = [self.world.people[number] for number in members]
        counting = [person for person in people if person.since <= old_since]
        return len(counting) < 5 or len({person.organisation(last) for person in counting}) < 2
