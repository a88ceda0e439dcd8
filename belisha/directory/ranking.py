"""How well a profile answers a query, and why. It looks at that profile and the query alone, and at no other profile.

So nothing that somebody else has hidden, or has at all, moves a hit: there is no idf, and no average length. For each
unit of the query each field counts once, with its best tag, by the field's weight: who works on something has it in
expertise, role and about. A tag that says nothing else counts more than one that says more, units in the same tag more
than apart, and a fresh profile a little more than an old one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from belisha.directory.documents import CODES, name_of, weight
from belisha.directory.query import Alternative, Unit
from belisha.directory.text import words
from belisha.directory.values import Reason

_APART: Final = 0.35  # of a unit of several words that stand in different places
_WHOLE: Final = 0.35  # the part of a tag's weight that depends on how much of the tag was asked for
_TOGETHER: Final = 0.5  # for each two neighbouring units in one tag or text, of the field's weight
_FRESH: Final = 0.1
_HALF_LIFE: Final = 365 * 86400.0
_MOST_REASONS: Final = 3
_TEXTS: Final = frozenset("ran")  # fields that are one text; what else stands in it takes nothing away
_SNIPPET: Final = 80

_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+|\n")

#: From so many alternatives on it is looked first which of their words are there at all.
_MANY: Final = 4

_WEIGHTS: Final = {code: weight(code) for code in CODES}
#: What is looked for, what it counts by the field, and which alternative it is.
_Pattern = tuple[str, dict[str, float], Alternative]

#: Where a unit was found: where the tag or text begins in `flat`, its field's code, what it counts, and by what.
_Place = tuple[int, str, float, Alternative]


class Held(NamedTuple):
    """A profile held against a query: its score, 0 where it has no unit at all, how many units it has, and where."""

    score: float
    units: int
    places: Sequence[Sequence[_Place]]


class Ranking:
    """A query, ready to be held against many profiles."""

    def __init__(self, units: Sequence[Unit], now: float) -> None:
        """Prepares the patterns.

        Args:
            units: of the query.
            now: seconds since 1970.
        """
        self._units = units
        self._prepared = [_prepared(unit) for unit in units]
        self._now = now

    def hold(self, flat: str, updated: float) -> Held:
        """Holds a profile against the query.

        Args:
            flat: its document (`Document.flat`).
            updated: when that changed last, in seconds since 1970.
        """
        score, have = 0.0, 0
        before: list[_Place] = []
        everywhere = []
        for patterns, single, first in self._prepared:
            places = _places(patterns if single is None else single.there(flat), flat) or _apart(first, flat)
            everywhere.append(places)
            if places:
                have += 1
                score += places[0][2] if len(places) == 1 else _best(places)
                if before:
                    score += _together(before, places)
            before = places
        share = have / len(everywhere) if everywhere else 1.0
        fresh = 1 - _FRESH + _FRESH * 0.5 ** (max(0.0, self._now - updated) / _HALF_LIFE)
        return Held(score * share**2 * fresh, have, everywhere)

    def reasons(self, held: Held, flat: str, texts: Sequence[tuple[str, str]]) -> tuple[Reason, ...]:
        """Why a profile was found, the strongest first.

        Args:
            held: what `hold` said of it.
            flat: its document.
            texts: what that was made of (`Document.texts`): one text for each part of `flat`.
        """
        found: dict[int, tuple[float, int, str, Alternative, str]] = {}
        for unit, places in zip(self._units, held.places, strict=True):
            for start, code, value, by in sorted(places, key=_counted):
                where = flat.count("|", 0, start)
                if where in found:
                    found[where] = (found[where][0] + value, *found[where][1:])
                else:
                    found[where] = (value, where, code, by, unit.typed)
        strongest = sorted(found.values(), key=lambda one: -one[0])[:_MOST_REASONS]
        return tuple(
            Reason(name_of(code), _shown(code, texts[where][1], by), typed, by.how)
            for _, where, code, by, typed in strongest
        )


class _ByWord:
    """Which of many patterns a document can have at all, by its words."""

    def __init__(self, patterns: Sequence[_Pattern]) -> None:
        """Sorts out those that are one word."""
        self._patterns = patterns
        self._begun = next((pattern for pattern, _, one in patterns if one.begins), "")
        self._by_word = {
            one.keys[0]: place
            for place, (_, _, one) in enumerate(patterns)
            # A word that begins with what was typed is looked for at the places alone where something begins so.
            if len(one.keys) == 1 and not one.begins and f" {one.keys[0]}".startswith(self._begun)
        }
        #: The places of those that are to be looked for whatever the document's words.
        self._others = sorted(set(range(len(patterns))) - set(self._by_word.values()))

    def there(self, flat: str) -> list[_Pattern]:
        """The patterns that are to be looked for in a document."""
        return [self._patterns[place] for place in sorted((*self._words(flat), *self._others))]

    def _words(self, flat: str) -> list[int]:
        """The places of the patterns whose word a document has."""
        if not self._begun:
            return [self._by_word[word] for word in self._by_word.keys() & flat.split()]
        words, at = set(), flat.find(self._begun)
        while at >= 0:
            words.add(flat[at + 1 : flat.find(" ", at + 1)])
            at = flat.find(self._begun, at + 1)
        return [place for word in words if (place := self._by_word.get(word)) is not None]


def _prepared(unit: Unit) -> tuple[Sequence[_Pattern], _ByWord | None, Alternative]:
    """What is looked for where a unit is; and its first alternative, which may also stand apart."""
    patterns = [(_pattern(one), _worth(one), one) for one in unit.alternatives]
    return patterns, _ByWord(patterns) if len(patterns) >= _MANY else None, unit.alternatives[0]


def _places(patterns: Sequence[_Pattern], flat: str) -> list[_Place]:
    """Where patterns are found in a document."""
    found: list[_Place] = []
    find = flat.find
    for pattern, worth, one in patterns:
        at = find(pattern)
        while at >= 0:
            start = flat.rfind("|", 0, at)
            code = flat[start + 1]
            value = worth[code]
            if code not in _TEXTS:
                length, asked = flat.count(" ", start, find("|", at)) - 1, len(one.keys)
                if length > asked:
                    value *= 1 - _WHOLE + _WHOLE * asked / length
            found.append((start, code, value, one))
            at = find(pattern, at + 1)
    return found


def _counted(place: _Place) -> float:
    """What counts most comes first."""
    return -place[2]


def _best(places: Sequence[_Place]) -> float:
    """What a unit counts: in each field its best place."""
    best: dict[str, float] = {}
    for _, code, value, _ in places:
        if value > best.get(code, 0.0):
            best[code] = value
    return sum(best.values())


def _together(one: Sequence[_Place], other: Sequence[_Place]) -> float:
    """What two neighbouring units count besides, where both are in one tag or text."""
    starts, most = {one[0][0]} if len(one) == 1 else {place[0] for place in one}, 0.0
    for start, code, _, _ in other:
        if start in starts and _WEIGHTS[code] > most:
            most = _WEIGHTS[code]
    return _TOGETHER * most


def _worth(one: Alternative) -> dict[str, float]:
    """What a whole tag or text counts, by its field."""
    return {code: one.factor * worth for code, worth in _WEIGHTS.items()}


def _pattern(one: Alternative) -> str:
    return f" {one.keys[0]}" if one.begins else f" {' '.join(one.keys)} "


def _apart(one: Alternative, flat: str) -> list[_Place]:
    """What a unit of several words counts that stand in another order, or in different places."""
    if one.joined or len(one.keys) < 2 or not all(f" {word} " in flat for word in one.keys):
        return []
    found, start = [], 0
    for part in flat[1:-1].split("|"):
        has = {word for word in one.keys if f" {word} " in part}
        if has:
            found.append((start, part[0], has))
        start += len(part) + 1
    whole = [(start, code, weight(code), one) for start, code, has in found if len(has) == len(set(one.keys))]
    least = min(max(weight(code) for _, code, has in found if word in has) for word in one.keys)
    return whole or [(start, code, least * _APART / len(found), one) for start, code, _ in found]


def _shown(code: str, text: str, one: Alternative) -> str:
    """A tag as it is; of a long text the sentence that matched."""
    if len(text) <= _SNIPPET or code not in _TEXTS:
        return text
    pattern = _pattern(one)
    for sentence in _SENTENCES.split(text):
        if _may_have(sentence, one) and pattern in f" {' '.join(word.key for word in words(sentence))} ":
            return sentence if len(sentence) <= _SNIPPET else f"{sentence[:_SNIPPET].rstrip()}…"
    return f"{text[:_SNIPPET].rstrip()}…"


def _may_have(sentence: str, one: Alternative) -> bool:
    """Whether a sentence is worth reading: in ASCII a word begins as its key does, but for the last letter of that."""
    if not sentence.isascii():
        return True
    lower = sentence.lower()
    return all(key[:-1] in lower for key in one.keys)
