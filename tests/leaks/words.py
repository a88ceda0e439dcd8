"""The secret words: one for each kind of room, label and part of an item, so that one answer is checked for all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

#: Stands beside each secret, to be searched for: an answer repeats what was searched for.
SEARCHED: Final = "wombatword"
#: The labels that rooms of a kind carry; `missing` is an item whose sender named none.
LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("clear", "green", "missing"),
    "closed": ("clear", "green", "amber", "missing"),
    "strict": ("clear", "green", "amber", "strict", "missing"),
    "named": ("clear", "green", "amber", "strict", "red", "missing"),
    "service": ("clear", "green", "amber", "strict", "missing"),
    "space": (),
}
KINDS: Final = tuple(LABELS)
#: As the label is written; None where the sender writes none.
WRITTEN: Final[Mapping[str, str | None]] = {
    "clear": "TLP:CLEAR",
    "green": "TLP:GREEN",
    "amber": "TLP:AMBER",
    "strict": "TLP:AMBER+STRICT",
    "red": "TLP:RED",
    "missing": None,
}

#: Parts of items that members of the room are shown.
SHOWN: Final = frozenset(
    {"body", "formatted", "caption", "filename", "question", "answer", "edited", "thread", "later", "early", "file"}
)
#: Parts that nobody is shown any more, its members neither.
WITHDRAWN: Final = frozenset({"withdrawn", "withdrawnedit", "withdrawnfile"})
#: What the community may know of a room once it knows its id (rule R3).
NAMES: Final = frozenset({"name", "topic"})

_WORD: Final = re.compile(r"zq([a-z]+)0([a-z]+)0([a-z]+)qz")


class Word(NamedTuple):
    """A secret word: where it stands."""

    kind: str
    label: str
    part: str

    def __str__(self) -> str:
        return f"zq{self.kind}0{self.label}0{self.part}qz"


def words_in(text: str) -> frozenset[Word]:
    """Every secret word in an answer."""
    return frozenset(Word(*found) for found in _WORD.findall(text))
