"""Which of the community's documents a query may find, the freshest first: from postings, slice by slice.

Only so many slices are looked at as are needed, so a usual word costs no more than a rare one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from belisha.directory.query import Alternative, Unit
from bots.directory.postings import SLICE, Postings, of_phrase

_FEW: Final = 60


def keys_of(units: Iterable[Unit]) -> set[str]:
    """The keys that have to be looked up for these units."""
    return {key for unit in units for one in unit.alternatives if not one.begins for key in _keys(one)}


class Asked:
    """What is asked of the postings.

    Of a phrase of three words or more it finds what has each two of them next to each other: see `refuse`.
    """

    def __init__(
        self,
        there: Postings,
        units: Sequence[Unit],
        facets: Collection[str] = (),
        *,
        expertise: bool = False,
        any_of: bool = False,
    ) -> None:
        """Prepares the question.

        Args:
            there: the postings of all keys that are named here.
            units: of which a document has to have all.
            facets: keys of values, all of which it has to have besides.
            expertise: whether the expertise has to have the units.
            any_of: whether one of the units is enough.
        """
        self._there = there
        self._units = [[_keys(one) for one in unit.alternatives if not one.begins] for unit in units]
        self._facets = facets
        self._expertise = expertise
        self._any_of = any_of
        self._found: dict[int, int] = {}

    def of(self, place: int) -> int:
        """The documents of a slice, as bits."""
        if place not in self._found:
            self._found[place] = self._read(place)
        return self._found[place]

    def refuse(self, number: int) -> None:
        """Leaves out a document that was found to have the words and not the phrase."""
        place, bit = divmod(number, SLICE)
        self._found[place] = self.of(place) & ~(1 << bit)

    def _read(self, place: int) -> int:
        parts = [
            _any([_all([self._there.bits(place, key, expertise=self._expertise) for key in keys]) for keys in unit])
            for unit in self._units
        ]
        narrowed = [self._there.bits(place, key) for key in self._facets]
        return _all([_any(parts), *narrowed] if self._any_of else [*parts, *narrowed])


def chosen(there: Postings, asked: Sequence[Asked], most: int) -> list[tuple[int, int]]:
    """The freshest of the first question, then those of the next that are not among them.

    Returns:
        The place of each one's question, and the document's number; so many at most.
    """
    found: list[tuple[int, int]] = []
    for by, one in enumerate(asked):
        for place in there.slices:
            bits = one.of(place) if len(found) < most else 0
            for before in asked[:by] if bits else ():
                bits &= ~before.of(place)
            found += [(by, place * SLICE + bit) for bit in islice(_highest(bits), most - len(found))]
    return found


def _highest(bits: int) -> Iterator[int]:
    """The places of the bits that are set, from the highest on; a few at a time, since long numbers are copied."""
    while bits:
        start = max(0, bits.bit_length() - _FEW)
        few = bits >> start
        bits ^= few << start
        while few:
            top = few.bit_length() - 1
            few ^= 1 << top
            yield start + top


def _keys(one: Alternative) -> Sequence[str]:
    return of_phrase(one.keys) if one.joined else one.keys


def _all(parts: Sequence[int]) -> int:
    bits = parts[0]
    for part in parts[1:]:
        bits &= part
    return bits


def _any(parts: Sequence[int]) -> int:
    bits = 0
    for part in parts:
        bits |= part
    return bits
