"""What is put into the directory's index and what a search answers, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from belisha.directory.fields import Visibility

#: How many hits of a page.
PAGE: Final = 20
#: So many matching profiles are ranked and can be turned through: the freshest of those that match by their expertise,
#: then the freshest of all that match. More are said to be more.
RANKED: Final = 60


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as the index is given it.

    Attributes:
        user_id: whose it is.
        name: the display name without the organisation, from the registry.
        organisation: the organisation's id.
        organisation_name: its name.
        category: its category.
        fields: what each field says, by field id: a tuple of tags, or of the one text. Absent or empty: nothing.
        visibility: who sees each field, by field id; where absent, the field's own default.
    """

    user_id: str
    name: str
    organisation: str
    organisation_name: str
    category: str
    fields: Mapping[str, tuple[str, ...]]
    visibility: Mapping[str, Visibility] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what the module said of them at that moment.

    Attributes:
        user_id: their user id; own profiles are no hits.
        organisation: their organisation's id.
        shares: the members with whom they share a group now.
        absent: members who must not be found now (frozen, off-boarded), whatever the index holds.
    """

    user_id: str
    organisation: str
    shares: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facets:
    """By what hits are narrowed down; empty: by nothing. An interest is compared as words are, not letter by letter."""

    organisation: str = ""
    category: str = ""
    availability: str = ""
    interest: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a profile was found: `field` is a field id, "name" or "organisation".

    Attributes:
        field: where it matched.
        text: the tag, or of a text the words around the match; its owner's own words, so to be escaped where shown.
        typed: what of the query it answers.
        how: "exact", "prefix", "synonym" or "typo".
    """

    field: str
    text: str
    typed: str
    how: str

    def __str__(self) -> str:
        """In words: "expertise: image hashing"."""
        also = {"synonym": f" (means the same as {self.typed})", "typo": f" (for {self.typed})"}.get(self.how, "")
        return f"{self.field}: {self.text}{also}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A profile that was found, with at most three reasons, the strongest first."""

    user_id: str
    organisation: str
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of hits.

    Attributes:
        hits: those of the page, the best first.
        total: how many can be turned through, at most twice `RANKED`: those of members who share a group are added.
        more: whether more match than `total`.
        counts: how many of the `total` each facet's values have: facet name to value to number. Of interests the 20
            most frequent; its values are the tags as one of the members writes them.
        counts_for_few: whether what members show to their groups alone is in `counts`.
        corrected: what was read in place of words that nobody's profile has: typed to read.
        full: how many of the `total` have all that was asked for; the others, behind them, some of it.
        said: a sentence for the asker where nothing could be searched for, or "".
    """

    hits: tuple[Hit, ...] = ()
    total: int = 0
    more: bool = False
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counts_for_few: bool = False
    corrected: Mapping[str, str] = field(default_factory=dict)
    full: int = 0
    said: str = ""
