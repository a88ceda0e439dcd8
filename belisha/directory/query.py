"""What a query asks for: parsed from any text, then spelled out with what means the same, begins so, or was meant.

A query is a sequence of units, and a profile that has all of them is a hit. A unit is satisfied by any of its
alternatives. Knows no database: what has to be looked up is named by `Parsed` and handed to `spell_out`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from belisha.directory.text import Word, one_edit_apart, words

#: Words that ask, rather than say for what; they count where nothing else was typed, and in phrases.
_ASKING: Final = frozenset(
    "a about an and any anybody anyone are at can do does expert experts find for from has have help how i in is know "
    "knowledge knows looking me need of on or people person somebody someone that the to we what where which who with "
    "you".split()
)
MOST_CHARACTERS: Final = 200
MOST_WORDS: Final = 12
LONGEST_TERM: Final = 6  # words of a synonym
SHORTEST_MISSPELT: Final = 4
#: A word that a tenth as many profiles have as one of a letter's difference may be a misspelling of that.
_RARE: Final = 10
_MOST_BEGUN: Final = 30
_MOST_MEANT: Final = 5
_PIECE: Final = re.compile(r'"([^"]*)"|([^"]+)')


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to satisfy a unit.

    Attributes:
        keys: of its words.
        joined: whether they must stand next to each other, in one tag or text.
        how: "exact", "prefix", "synonym" or "typo".
        factor: what such a match counts, of 1.
        begins: whether the one key is the beginning of a word. Where there is a vocabulary, that was looked up in it
            before, and full-text indexes pass this alternative over.
    """

    keys: tuple[str, ...]
    joined: bool = False
    how: str = "exact"
    factor: float = 1.0
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """What has to be there, in one of its alternatives; `typed` is what was typed for it."""

    typed: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query in pieces: each a phrase (True) or a run of words; and whether the last word may be unfinished.

    Attributes:
        pieces: the words of each piece.
        starred: surfaces that were typed as beginnings, `hash*`.
        cut: whether there was more than is read.
    """

    pieces: tuple[tuple[bool, tuple[Word, ...]], ...]
    starred: frozenset[str] = frozenset()
    cut: bool = False

    @property
    def surfaces(self) -> list[str]:
        """All words outside phrases, once each."""
        return list(dict.fromkeys(word.surface for phrase, run in self.pieces if not phrase for word in run))

    @property
    def last(self) -> str:
        """The word that may be unfinished, or ""."""
        phrase, run = self.pieces[-1] if self.pieces else (True, ())
        return "" if phrase or not run else run[-1].surface

    @property
    def idle(self) -> frozenset[str]:
        """Surfaces that only ask, and are not looked for outside phrases; none where nothing else was typed."""
        asks_alone = all(word.surface in _ASKING for _, run in self.pieces for word in run)
        return frozenset() if asks_alone else _ASKING

    @property
    def terms(self) -> list[str]:
        """All that may be a synonym's term: keys with blanks between."""
        found = []
        for phrase, run in self.pieces:
            keys = [word.key for word in run]
            ends = range(1, len(keys) + 1)
            parts = [(0, len(keys))] if phrase else [(start, end) for end in ends for start in range(end)]
            found += [" ".join(keys[start:end]) for start, end in parts if end - start <= LONGEST_TERM]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up.

    Attributes:
        synonyms: terms that mean the same, by the term (keys with blanks between), each as it is written.
        documents: in how many profiles a word stands that the community may read, by surface.
        keys: the keys among those of the query that such profiles have.
        begun: words by their beginning, with their documents, the most usual first.
        near: words that have a deletion in common with a word of the query, by that word, with their documents.
    """

    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    documents: Mapping[str, int] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    begun: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    near: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)


def parse(text: str) -> Parsed:
    """Reads a query; there is none that cannot be read."""
    pieces: list[tuple[bool, tuple[Word, ...]]] = []
    starred: set[str] = set()
    left = MOST_WORDS
    cut = len(text) > MOST_CHARACTERS
    for phrase, run in _PIECE.findall(text[:MOST_CHARACTERS]):
        found = words(phrase or run)
        if not phrase:
            for part in re.findall(r"(\S+)\*", run):
                starred.update(word.surface for word in words(part)[-1:])
        cut = cut or len(found) > left
        if found[:left]:
            pieces.append((bool(phrase), tuple(found[:left])))
        left -= len(found[:left])
    return Parsed(tuple(pieces), frozenset(starred), cut)


def to_look_up(parsed: Parsed, documents: Mapping[str, int], keys: frozenset[str]) -> tuple[list[str], list[str]]:
    """Beginnings and possible misspellings that are to be looked up, when it is known which words there are.

    What a word may have been meant for counts where nothing begins with it (`spell_out`).
    """
    unknown = [word for word in _plain(parsed) if word.surface not in documents and word.key not in keys]
    begun = set(parsed.starred) | {word.surface for word in unknown if word.surface == parsed.last}
    rare = [word for word in _plain(parsed) if 0 < documents.get(word.surface, 0) <= _RARE]
    near = [word.surface for word in (*unknown, *rare) if len(word.surface) >= SHORTEST_MISSPELT]
    return sorted(beginning for beginning in begun if len(beginning) > 1), sorted(set(near) - parsed.starred)


def _plain(parsed: Parsed) -> Iterable[Word]:
    return (word for phrase, run in parsed.pieces if not phrase for word in run)


def spell_out(parsed: Parsed, known: Known) -> tuple[Unit, ...]:
    """The units of a query; empty where it has no word."""
    units: list[Unit] = []
    idle = parsed.idle
    for phrase, run in parsed.pieces:
        if phrase:
            units.append(_term(run, known, joined=True))
            continue
        place = 0
        while place < len(run):
            length = _longest_term(run[place:], known)
            if length:
                units.append(_term(run[place : place + length], known, joined=False))
            elif run[place].surface not in idle:
                units.append(_word(run[place], parsed, known))
            place += length or 1
    return tuple(dict.fromkeys(units))


def _longest_term(run: Sequence[Word], known: Known) -> int:
    keys = [word.key for word in run]
    lengths = range(min(len(keys), LONGEST_TERM), 0, -1)
    return next((length for length in lengths if " ".join(keys[:length]) in known.synonyms), 0)


def _term(run: Sequence[Word], known: Known, *, joined: bool) -> Unit:
    keys = tuple(word.key for word in run)
    same = [tuple(word.key for word in words(term)) for term in known.synonyms.get(" ".join(keys), ())]
    also = [Alternative(other, joined=True, how="synonym", factor=0.9) for other in same if other != keys]
    typed = " ".join(word.surface for word in run)
    return Unit(typed, (Alternative(keys, joined=joined), *dict.fromkeys(also)))


def _word(word: Word, parsed: Parsed, known: Known) -> Unit:
    found = {word.key: Alternative((word.key,))}
    begun = known.begun.get(word.surface, ())
    for other, _ in begun[:_MOST_BEGUN]:
        (read,) = words(other)[:1] or (word,)
        found.setdefault(read.key, Alternative((read.key,), how="prefix", factor=0.7))
    alternatives = list(found.values())
    if word.surface in known.begun:
        start = word.surface if word.surface.isascii() else word.key
        alternatives.append(Alternative((start,), how="prefix", factor=0.7, begins=True))
    if not begun:
        alternatives += meant(word, known)
    return Unit(word.surface, tuple(alternatives))


def meant(word: Word, known: Known) -> list[Alternative]:
    """What may have been meant by a word that no profile has, or very few: the most usual first."""
    least = max(1, known.documents.get(word.surface, 0) * _RARE)
    near = [
        (-documents, other)
        for other, documents in known.near.get(word.surface, ())
        if documents >= least and one_edit_apart(word.surface, other)
    ]
    keys = dict.fromkeys(words(other)[0].key for _, other in sorted(near)[:_MOST_MEANT])
    return [Alternative((key,), how="typo", factor=0.5) for key in keys if key != word.key]


def corrections(parsed: Parsed, known: Known) -> dict[str, str]:
    """What was read in place of words that stand in no profile, for people."""
    found = {}
    for word in _plain(parsed):
        keys = {alternative.keys[0] for alternative in meant(word, known)}
        if keys and word.surface not in known.documents and not known.begun.get(word.surface):
            near = sorted((-documents, other) for other, documents in known.near[word.surface])
            found[word.surface] = next(
                other for _, other in near if words(other)[0].key in keys and one_edit_apart(word.surface, other)
            )
    return found
