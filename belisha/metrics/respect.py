"""What may be shown of the measures: the one function through which every number passes before anybody sees it.

A cell is a number about a set of members. It is shown where at least five members of at least two organisations are
in it, and where what can be computed from it and from all that is shown besides is about as many. Accounts under
thirty days do not count towards that, so nobody fills a cell up with accounts made for it. What was decided stays as
it was: a number that was computed anew after somebody's late receipt, or after an erasure, would tell of that one
member by its difference to the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations
from typing import Final, NamedTuple

from pyroaring import BitMap

from belisha.metrics.actions import KNOWN
from belisha.metrics.days import Period, month_of, week_of
from belisha.metrics.rollups import ORGANISATION, Rollups

#: How many members, of how many organisations, a number is about at least.
MEMBERS: Final = 5
ORGANISATIONS: Final = 2
#: How old an account is that counts towards these.
AGE: Final = timedelta(days=30)
#: How long a period has been over when its numbers are decided about, so that late facts are in.
SETTLED: Final = timedelta(days=3)
_DAY: Final = timedelta(days=1)


class Name(NamedTuple):
    """What a cell is called: of which period, which measure, and which part of it."""

    period: Period
    measure: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number that somebody wants to show.

    Attributes:
        name: what it is called.
        members: the members whom it is about; the number is how many they are.
        span: from the first to the last day whose facts are in it.
        figures: other numbers about the same members, shown with it or not at all.
    """

    name: Name
    members: BitMap
    span: Period
    figures: Mapping[str, float] = field(default_factory=dict)


class Partition(NamedTuple):
    """A cell and the cells that make it up: whoever knows it and all of these but one knows that one."""

    whole: Name
    parts: tuple[Name, ...]


class Shown(NamedTuple):
    """What was decided about a cell: its number and figures, or None where it is withheld."""

    members: int | None
    figures: Mapping[str, float] = {}


#: Everything that was ever decided, by name.
Release = Mapping[Name, Shown]


def release(
    rollups: Rollups, cells: Iterable[Cell], partitions: Iterable[Partition], today: date, earlier: Release
) -> dict[Name, Shown]:
    """Decides about cells, in their order, beside everything that was decided before.

    Args:
        rollups: where the cells come from.
        cells: those that are wanted, the most important first, **and** all that were shown before, as they are now.
        partitions: what adds up to what among them.
        today: the day on which this is decided.
        earlier: what was decided before; it stays.

    Returns:
        `earlier` and what was decided now. A cell is missing whose period has not been over for long enough, and one
        that would be shown if all its accounts were old enough: it is decided about when they are.

    Raises:
        ValueError: a cell is of other than whole weeks or months, two have one name, or one that was shown is missing.
    """
    by_name: dict[Name, Cell] = {}
    for cell in cells:
        if by_name.setdefault(cell.name, cell) is not cell:
            raise ValueError(f"Two cells are called {cell.name}.")
        if not _is_whole(cell.name.period) or cell.name.period not in cell.span:
            raise ValueError(f"{cell.name} is neither of a whole week nor of a whole month.")
    decided = dict(earlier)
    if gone := [name for name, shown in earlier.items() if shown.members is not None and name not in by_name]:
        raise ValueError(f"{gone[0]} was shown before, so every new number has to be compared with it; it is missing.")
    board = _Board(rollups, partitions, today)
    for name, shown in earlier.items():
        if shown.members is not None:
            board.put(by_name[name])
    for name, cell in by_name.items():
        if name in decided or cell.span.last + SETTLED >= today:
            continue
        if board.may_put(cell):
            board.put(cell)
            decided[name] = Shown(len(cell.members), dict(cell.figures))
        elif cell.span.last + AGE < today or not board.may_put(cell, any_age=True):
            decided[name] = Shown(None)
    return decided


def _is_whole(period: Period) -> bool:
    return period in (week_of(period.first), month_of(period.first))


class _Board:
    """What is shown so far, and what follows from it."""

    def __init__(self, rollups: Rollups, partitions: Iterable[Partition], today: date) -> None:
        self._rollups, self._partitions = rollups, list(partitions)
        self._old = rollups.before(KNOWN, today - AGE + _DAY)
        self._shown: dict[Name, Cell] = {}
        self._rests: dict[Partition, Cell] = {}
        self._organisations: dict[Period, list[BitMap]] = {}
        self._days: dict[date, Mapping[str, BitMap]] = {}

    def put(self, cell: Cell) -> None:
        """Shows a cell."""
        for one, rest in self._new_rests(cell).items():
            self._rests.pop(one, None)
            if rest is not None:
                self._rests[one] = rest
        self._shown[cell.name] = cell

    def may_put(self, cell: Cell, *, any_age: bool = False) -> bool:
        """Whether nothing about too few follows from it and all that is shown; `any_age`: young accounts count too."""
        if any(cell.name in one.parts and one.whole not in self._shown for one in self._partitions):
            # All parts of a whole would show the whole.
            return False
        rests = self._new_rests(cell)
        others = [*self._shown.values(), *(rest for one, rest in self._rests.items() if one not in rests)]
        known = [cell, *(rest for rest in rests.values() if rest is not None)]
        return (
            all(self._is_enough(one.members, one.span, any_age) for one in known)
            and all(
                self._differ(one, other, any_age) for one in known for other in others if one.span.overlaps(other.span)
            )
            and all(self._leaves_enough(one, others, any_age) for one in known)
        )

    def _leaves_enough(self, one: Cell, others: Sequence[Cell], any_age: bool) -> bool:
        """Whether two cells apart that lie in a third leave enough of it, where one of the three is this one.

        That they leave nobody is known where they are said to be its parts, and otherwise too few.
        """
        near = [other for other in others if one.span.overlaps(other.span)]
        inside = [other for other in near if other.members < one.members]
        if any(not self._leave(one, pair, any_age) for pair in combinations(inside, 2)):
            return False
        for whole in near:
            if one.members < whole.members:
                for other in near:
                    if other.members < whole.members and not self._leave(whole, (one, other), any_age):
                        return False
        return True

    def _leave(self, whole: Cell, pair: Sequence[Cell], any_age: bool) -> bool:
        one, other = pair
        if one.members.intersect(other.members):
            return True
        rest = whole.members - one.members - other.members
        if not rest:
            return any(
                part.whole == whole.name and {one.name, other.name} <= {*part.parts} for part in self._partitions
            )
        span = Period(min(each.span.first for each in (whole, *pair)), max(each.span.last for each in (whole, *pair)))
        return self._is_enough(rest, span, any_age)

    def _new_rests(self, cell: Cell) -> dict[Partition, Cell | None]:
        """For each partition with this cell what is left of the whole if it is shown; None where nothing is."""
        rests: dict[Partition, Cell | None] = {}
        for one in self._partitions:
            if cell.name != one.whole and cell.name not in one.parts:
                continue
            whole = cell if cell.name == one.whole else self._shown.get(one.whole)
            shown = [cell if name == cell.name else self._shown.get(name) for name in one.parts]
            found = [part.members for part in shown if part is not None]
            rests[one] = None
            if whole is not None and 0 < len(found) < len(shown):
                rests[one] = Cell(one.whole, whole.members - BitMap.union(*found), whole.span)
        return rests

    def _differ(self, one: Cell, other: Cell, any_age: bool) -> bool:
        """Whether what one has and the other has not is enough, in one of the two directions.

        Where one lies in the other, that is the difference of their numbers. Where it nearly does, because somebody
        changed organisation, so nearly is the difference.
        """
        span = Period(min(one.span.first, other.span.first), max(one.span.last, other.span.last))
        return self._is_enough(one.members - other.members, span, any_age) or self._is_enough(
            other.members - one.members, span, any_age
        )

    def _is_enough(self, members: BitMap, span: Period, any_age: bool) -> bool:
        counting = members if any_age else members & self._old
        if len(counting) < MEMBERS:
            return False
        present = 0
        for theirs in self._organisations_in(span):
            present += theirs.intersect(counting)
            if present >= ORGANISATIONS:
                return True
        return False

    def _organisations_in(self, span: Period) -> Sequence[BitMap]:
        """The members of each organisation, everybody in the one they were in last."""
        if (found := self._organisations.get(span)) is None:
            placed, by_name = BitMap(), dict[str, BitMap]()
            for day in reversed(list(span.days())):
                for name, members in self._on(day).items():
                    by_name[name] = by_name.get(name, BitMap()) | (members - placed)
                    placed |= members
            # The large ones first, since of these some are nearly everywhere.
            found = self._organisations[span] = sorted(by_name.values(), key=len, reverse=True)
        return found

    def _on(self, day: date) -> Mapping[str, BitMap]:
        if (found := self._days.get(day)) is None:
            found = self._days[day] = self._rollups.by(KNOWN, ORGANISATION, Period(day, day))
        return found
