"""How many of the hits have which values of the facets, as a page of the directory offers them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from belisha.directory.documents import BETWEEN
from belisha.directory.text import fold

_MOST: Final = 20


class Counted(Protocol):
    """What of a document is counted."""

    @property
    def organisation(self) -> str:
        """The organisation's id."""

    @property
    def category(self) -> str:
        """Its category."""

    @property
    def availability(self) -> str:
        """What that field says, or ""."""

    @property
    def interests(self) -> str:
        """Tags, with `BETWEEN` between."""


def counts(rows: Sequence[Counted]) -> dict[str, dict[str, int]]:
    """How many hits each facet's values have; of tags that read the same the first in the alphabet is shown."""
    tags = BETWEEN.join([row.interests for row in rows if row.interests])
    written = tags.split(BETWEEN) if tags else []
    read = _folded(tags).split(BETWEEN) if tags else []
    most = _most_frequent(Counter(read))
    shown = dict.fromkeys((folded for folded, _ in most), "\U0010ffff")
    for label, folded in zip(written, read, strict=True):
        if folded in shown and label < shown[folded]:
            shown[folded] = label
    return {
        "organisation": dict(sorted(Counter([row.organisation for row in rows]).items())),
        "category": dict(sorted(Counter([row.category for row in rows]).items())),
        "availability": dict(sorted(Counter([row.availability for row in rows if row.availability]).items())),
        "interest": {shown[folded]: count for folded, count in most},
    }


def _most_frequent(counted: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent tags; of those that are as frequent the first in the alphabet."""
    least = min(sorted(counted.values(), reverse=True)[:_MOST], default=0)
    frequent = [one for one in counted.items() if one[1] >= least]
    return sorted(frequent, key=lambda one: (-one[1], one[0]))[:_MOST]


def _folded(tags: str) -> str:
    """How tags read; nearly all are in ASCII, where that takes next to no time."""
    if tags.isascii():
        return tags.lower()
    return BETWEEN.join(tag.lower() if tag.isascii() else fold(tag) for tag in tags.split(BETWEEN))
