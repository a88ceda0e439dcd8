"""Roll-ups: for every day, action and dimension the set of members, as a roaring bitmap (Lemire et al., 2018).

How often somebody did something is kept as bit slices (O'Neil and Quass, 1997): the bitmap of slice `n` has the
members in whose count of that day the bit 2^n is set. So everything here is sets of members, and erasing a member is
one operation. A day's bytes follow from its facts alone: neither their order, nor how often one was erased or loaded,
makes a difference.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, NamedTuple

from pyroaring import BitMap

from belisha.metrics.actions import ACTIVE, CONTRIBUTED, counted_as
from belisha.metrics.days import Period
from belisha.metrics.facts import Fact

#: The dimensions besides "all", whose name and value are empty.
ORGANISATION: Final = "organisation"
GROUP: Final = "group"
LABEL: Final = "label"
#: Whom whose active members answered or reacted to, as `answering>answered`.
PAIR: Final = "pair"
#: A slice of the counts; the value is the exponent.
COUNT: Final = "count"
_BETWEEN: Final = ">"
_MAGIC: Final = b"belisha-rollup-1\n"
_SUM: Final = 32


class Key(NamedTuple):
    """What a set of members of one day is of: an action or class, a dimension, and its value."""

    what: str
    dimension: str = ""
    value: str = ""


class DamagedRollup(ValueError):
    """Bytes that are no roll-up of a day, or not the ones that were written."""


class Rollups:
    """The sets of every day."""

    def __init__(self) -> None:
        """Starts with nothing."""
        self._days: dict[int, dict[Key, BitMap]] = {}

    def add(self, facts: Iterable[Fact]) -> None:
        """Adds facts of any days in any order, each for the first time (`facts.distinct`, or a unique key).

        Raises:
            ValueError: there is no such action; nothing was added then.
        """
        members: defaultdict[tuple[int, str, str, str], list[int]] = defaultdict(list)
        counts: Counter[tuple[int, int]] = Counter()
        # By action alone here, since this runs for every fact; the classes follow for whole lists of members.
        for _, _, day, member, action, group, label, organisation, counterpart, _ in facts:
            at = day.toordinal()
            members[at, action, "", ""].append(member)
            if organisation:
                members[at, action, ORGANISATION, organisation].append(member)
                if counterpart:
                    members[at, action, PAIR, f"{organisation}{_BETWEEN}{counterpart}"].append(member)
            if group:
                members[at, action, GROUP, group].append(member)
            if label:
                members[at, action, LABEL, label].append(member)
        names = {action: counted_as(action) for _, action, _, _ in members}
        for (at, action, dimension, value), found in members.items():
            once = BitMap(found)
            for name in names[action]:
                if dimension != PAIR or name == ACTIVE:
                    self._set(at, Key(name, dimension, value)).update(once)
            if not dimension and CONTRIBUTED in names[action]:
                counts.update((at, member) for member in found)
        for at, slices in _slices(counts).items():
            self._count(at, slices)

    def put(self, day: int, key: Key, member: int) -> None:
        """Adds a member to a set of a day, which counts from the first of January of the year 1."""
        self._set(day, key).add(member)

    def members(self, what: str, within: Period, dimension: str = "", value: str = "") -> BitMap:
        """Who did it on any day of a period; a set of its own that may be changed."""
        key = Key(what, dimension, value)
        return BitMap.union(*(day[key] for _, day in self._within(within) if key in day), BitMap())

    def on(self, what: str, day: date) -> BitMap:
        """Who did it on a day; not to be changed."""
        return self._days.get(day.toordinal(), {}).get(Key(what)) or BitMap()

    def by(self, what: str, dimension: str, within: Period) -> dict[str, BitMap]:
        """Who did it in a period, for each value of a dimension, in the order of the values."""
        found: defaultdict[str, list[BitMap]] = defaultdict(list)
        for _, sets in self._within(within):
            for key, members in sets.items():
                if key.what == what and key.dimension == dimension:
                    found[key.value].append(members)
        return {value: BitMap.union(*found[value]) for value in sorted(found)}

    def contributions(self, within: Period) -> Counter[int]:
        """How many contributions each member made in a period."""
        counts: Counter[int] = Counter()
        for _, sets in self._within(within):
            for key, members in sets.items():
                if key.dimension == COUNT:
                    weight = 1 << int(key.value)
                    for member in members:
                        counts[member] += weight
        return counts

    def before(self, what: str, day: date) -> BitMap:
        """Who did it on any day before this one."""
        end, key = day.toordinal(), Key(what)
        return BitMap.union(*(sets[key] for at, sets in self._days.items() if at < end and key in sets), BitMap())

    def span(self) -> Period | None:
        """From the first to the last day of which anything is known."""
        if not self._days:
            return None
        return Period(date.fromordinal(min(self._days)), date.fromordinal(max(self._days)))

    def erase(self, member: int) -> list[date]:
        """Takes a member out of every set of every day, and says which days have changed."""
        changed = []
        for day, sets in sorted(self._days.items()):
            held = [key for key, members in sets.items() if member in members]
            for key in held:
                sets[key].discard(member)
                if not sets[key]:
                    del sets[key]
            if held:
                changed.append(date.fromordinal(day))
        self._days = {day: sets for day, sets in self._days.items() if sets}
        return changed

    def dump(self, day: date) -> bytes:
        """The sets of a day as bytes, the same for the same sets, with their SHA-256 at the end."""
        out = bytearray(_MAGIC)
        out += struct.pack(">I", day.toordinal())
        for key, members in sorted(self._days.get(day.toordinal(), {}).items()):
            # Made anew: how a bitmap stores its members depends on how it came by them.
            plain = BitMap(members.to_array())
            plain.run_optimize()
            for part in (*(text.encode() for text in key), plain.serialize()):
                out += struct.pack(">I", len(part)) + part
        return bytes(out) + hashlib.sha256(out).digest()

    def load(self, data: bytes) -> date:
        """Puts a day in place of what is known of it, and says which day it was.

        Raises:
            DamagedRollup: these are not the bytes that `dump` gave.
        """
        said, sealed = data[:-_SUM], data[-_SUM:]
        if not said.startswith(_MAGIC) or hashlib.sha256(said).digest() != sealed:
            raise DamagedRollup("These bytes are no roll-up, or were changed. Build the day again from its facts.")
        (day,) = struct.unpack_from(">I", said, len(_MAGIC))
        parts = list(_parts(said, len(_MAGIC) + 4))
        self._days.pop(day, None)
        if parts:
            self._days[day] = {
                Key(*(text.decode() for text in parts[at : at + 3])): BitMap.deserialize(parts[at + 3])
                for at in range(0, len(parts), 4)
            }
        return date.fromordinal(day)

    def _within(self, period: Period) -> Iterator[tuple[int, dict[Key, BitMap]]]:
        for day in range(period.first.toordinal(), period.last.toordinal() + 1):
            if sets := self._days.get(day):
                yield day, sets

    def _set(self, day: int, key: Key) -> BitMap:
        return self._days.setdefault(day, {}).setdefault(key, BitMap())

    def _count(self, day: int, slices: dict[int, BitMap]) -> None:
        """Adds counts to those of a day, as one adds numbers in base two: slice by slice, with what is carried."""
        sets, carried = self._days.setdefault(day, {}), BitMap()
        exponent, last = 0, max(slices)
        while exponent <= last or carried:
            key = Key(CONTRIBUTED, COUNT, str(exponent))
            here, added = sets.get(key, BitMap()), slices.get(exponent, BitMap())
            total = here ^ added ^ carried
            carried = (here & added) | (carried & (here ^ added))
            if total:
                sets[key] = total
            else:
                sets.pop(key, None)
            exponent += 1


def answered(pair: str) -> tuple[str, str]:
    """The two organisations of a value of `PAIR`: the one whose member answered, and the one that was answered."""
    answering, _, other = pair.partition(_BETWEEN)
    return answering, other


def _slices(counts: Counter[tuple[int, int]]) -> dict[int, dict[int, BitMap]]:
    """The bit slices of each day's counts."""
    found: defaultdict[int, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for (day, member), count in counts.items():
        for exponent in range(count.bit_length()):
            if count >> exponent & 1:
                found[day][exponent].append(member)
    return {day: {exponent: BitMap(members) for exponent, members in bits.items()} for day, bits in found.items()}


def _parts(data: bytes, at: int) -> Iterator[bytes]:
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 4 + length]
        at += 4 + length
