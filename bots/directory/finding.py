"""Finds the documents that a query matches and that the asker may read; ranks and counts them.

Which of the community's documents match is known from the words' postings; at most `RANKED` of them are read: the
freshest that match by expertise, then the freshest of all that match. Documents for groups are read one by one, and
only those of members with whom the asker shares a group: what others show to their groups takes no part in anything,
nor any time.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from belisha.directory.documents import BETWEEN, EXPERTISE
from belisha.directory.fields import FIELDS
from belisha.directory.query import Alternative, Unit
from belisha.directory.ranking import Ranking
from belisha.directory.text import fold, storable, words
from belisha.directory.values import PAGE, RANKED, Answer, Asker, Facets, Hit
from bots.directory import postings
from bots.directory.candidates import Asked, chosen, keys_of
from bots.directory.dialects import dialect
from bots.directory.postings import Postings, of_facet

_COLUMNS: Final = (
    "d.number, d.user_id, d.organisation, d.category, d.availability, d.updated, d.interests, d.flat, d.texts"
)
_INTERESTS: Final = f"|{FIELDS['interests'].code} "
_EXPERTISE: Final = f"{EXPERTISE} "
_MOST_COUNTED: Final = 20
_ENOUGH: Final = 10  # with fewer full hits, partial ones are added behind them
_GROUPS: Final = -1


class _Row(NamedTuple):
    """A document that was found, and by which query: its place among those asked, or `_GROUPS`."""

    by: int
    number: int
    user_id: str
    organisation: str
    category: str
    availability: str
    updated: float
    interests: str
    flat: str
    texts: str


class Finding:
    """One search, for one asker."""

    def __init__(self, connection: sa.Connection, asker: Asker, facets: Facets, now: float) -> None:
        """Prepares what holds for every statement of it.

        Args:
            connection: a transaction that reads.
            asker: who asks.
            facets: by what to narrow down.
            now: seconds since 1970.
        """
        self._connection = connection
        self._dialect = dialect(connection)
        self._asker = asker
        self._now = now
        self._narrowed, self._values, self._facets = self._narrowing(facets)
        self._postings: Postings | None = None
        self._shares = asker.shares - asker.absent - {asker.user_id}

    def answer(self, units: Sequence[Unit], page: int, *, strict: bool = False) -> Answer:
        """The page of hits for a query's units; for none of them everybody.

        Args:
            units: the query.
            page: from 1.
            strict: whether partial hits are left out.
        """
        found, more = self._matching(units)
        full = len(found)
        if len(units) > 1 and full < _ENOUGH and not strict:
            found = self._partly(units) | found
        ranking = Ranking(units, self._now)
        scored = [(ranking.hold(row.flat, row.updated).score, row) for row in found.values()]
        scored.sort(key=lambda one: (-one[0], -one[1].updated, one[1].user_id))
        first = (max(page, 1) - 1) * PAGE
        return Answer(
            hits=tuple(_hit(ranking, score, row) for score, row in scored[first : first + PAGE]),
            total=len(scored),
            more=more,
            counts=_counts([row for _, row in scored]),
            full=full,
            counts_for_few=any(row.by == _GROUPS and (row.interests or row.availability) for _, row in scored),
        )

    def experts(self, units: Sequence[Unit]) -> list[Hit]:
        """Whose expertise has all units; where nobody's has, those with half of them."""
        hits = self._experts(units, any_of=False)
        return hits or (self._experts(units, any_of=True) if len(units) > 1 else [])

    def _experts(self, units: Sequence[Unit], *, any_of: bool) -> list[Hit]:
        ranking, hits = Ranking(units, self._now), []
        asked = [self._ask(units, expertise=True, any_of=any_of)]
        shared, of_community = self._rows(asked, units, any_of=any_of)
        for row in {row.user_id: row for row in (*shared, *of_community)}.values():
            expertise = [part for part in row.flat[1:-1].split("|") if part.startswith(f"{EXPERTISE} ")]
            texts = [[code, text] for code, text in json.loads(row.texts) if code == EXPERTISE]
            only = row._replace(flat=f"|{'|'.join(expertise)}|", texts=json.dumps(texts))
            held = ranking.hold(only.flat, only.updated)
            if held.units * (2 if any_of else 1) >= len(units):
                hits.append(_hit(ranking, held.score, only))
        return hits

    def _matching(self, units: Sequence[Unit]) -> tuple[dict[str, _Row], bool]:
        """Documents that have all units, by user id, and whether there are more."""
        asked = [self._ask(units, expertise=True), self._ask(units)] if units else []
        if self._facets and not units:
            asked = [self._ask(units)]
        shared, of_community = self._rows(asked, units)
        found = {row.user_id: row for row in of_community[:RANKED]}
        # Who shares a group with the asker is known by what they show to it.
        more = len(of_community) > RANKED or len(shared) > RANKED
        return found | {row.user_id: row for row in shared[:RANKED]}, more

    def _partly(self, units: Sequence[Unit]) -> dict[str, _Row]:
        """Documents that lack one unit of several, or have one alone where there is no other."""
        fewer = [[other for other in units if other is not unit] for unit in units]
        found: dict[str, _Row] = {}
        for some in fewer if len(units) <= 4 else [[unit] for unit in units]:
            found |= self._matching(some)[0]
        if not found:
            for unit in units:
                found |= self._matching([unit])[0]
        return found

    def _ask(self, units: Sequence[Unit], *, expertise: bool = False, any_of: bool = False) -> Asked:
        """A question to the postings, which are read with the first one, and it has all words of the query."""
        if self._postings is None:
            self._postings = postings.read(self._connection, keys_of(units).union(self._facets))
        return Asked(self._postings, units, self._facets, expertise=expertise, any_of=any_of)

    def _rows(
        self, asked: Sequence[Asked], units: Sequence[Unit], *, any_of: bool = False
    ) -> tuple[list[_Row], list[_Row]]:
        """Documents for groups, and the community's: one question's after the other's, the freshest first.

        The first question is about the expertise; without one it is everybody's. Each is asked where the ones before
        have not found enough, and gives what they have not. Where a phrase is none, or a number is no document's any
        more, others are read instead.
        """
        most = enough = RANKED + 2 + len(self._asker.absent)
        there, values = self._postings, {"enough": enough, **self._values}
        conditions = [*self._narrowed, *self._has(units, values, any_of=any_of)]
        if not asked or there is None:
            everybody = _wide(0, "directory_community", _freshest("directory_community", ()))
            shared, rows = self._read([everybody, *self._of_groups(conditions)], values)
            return shared, [rows[number] for number in sorted(rows, reverse=True) if self._may_find(rows[number])]
        found = chosen(there, asked, most)
        parts = [self._numbered(), _all("directory_community", ["d.number > :merged", *conditions])]
        values |= {"merged": there.merged, "numbers": self._dialect.numbers([number for _, number in found])}
        shared, rows = self._read([*parts, *self._of_groups(conditions)], values)
        new = [(0, number) for number in sorted(rows, reverse=True) if number > there.merged]
        phrases = any(one.joined and len(one.keys) > 2 for unit in units for one in unit.alternatives)
        while refused := [
            one for one in found if one[1] not in rows or (phrases and not _holds(one, rows, units, any_of=any_of))
        ]:
            for by, number in refused:
                asked[by].refuse(number)
            most *= 2
            found = chosen(there, asked, most)
            missing = self._dialect.numbers([number for _, number in found if number not in rows])
            rows |= self._read([self._numbered()], {"numbers": missing})[1]
        ordered: dict[int, None] = {}
        for by in range(len(asked)):
            fresh = [number for _, number in new if _holds((by, number), rows, units, any_of=any_of)]
            ordered |= dict.fromkeys([*fresh, *(number for of, number in found if of == by)])
        return shared, [row for number in list(ordered)[:enough] if self._may_find(row := rows[number])]

    def _read(self, parts: Sequence[str], values: Mapping[str, Any]) -> tuple[list[_Row], dict[int, _Row]]:
        """Documents for groups, the freshest first, and the community's by number, by one statement."""
        statement = " UNION ALL ".join(parts)
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        if self._shares and ":shares" in statement:
            used["shares"] = self._dialect.listed(self._shares)
        found = list(map(_Row._make, self._connection.execute(_prepared(statement), used).all()))
        shared = sorted((row for row in found if row.by == _GROUPS), key=_freshness)
        return shared, {row.number: row for row in found if row.by != _GROUPS}

    def _numbered(self) -> str:
        return _all("directory_community", [f"d.number {self._dialect.numbered.format('numbers')}"])

    def _of_groups(self, conditions: Sequence[str]) -> list[str]:
        """The statement for documents for groups; none where the asker shares none."""
        if not self._shares:
            return []
        shown = [f"d.user_id {self._dialect.among.format('shares')}", *conditions]
        return [_wide(_GROUPS, "directory_groups", _freshest("directory_groups", shown))]

    def _may_find(self, row: _Row) -> bool:
        return row.user_id != self._asker.user_id and row.user_id not in self._asker.absent

    def _has(self, units: Sequence[Unit], values: dict[str, Any], *, any_of: bool) -> list[str]:
        """The conditions that a document has all of these units, or any; their values are added to `values`."""
        conditions = []
        for unit in units:
            alternatives = []
            for one in unit.alternatives:
                held = [f" {' '.join(one.keys)} "] if one.joined else [_pattern(word, one) for word in one.keys]
                names = [f"has{len(values) + place}" for place in range(len(held))]
                values.update(zip(names, held, strict=True))
                alternatives.append(" AND ".join(self._dialect.holds.format(name) for name in names))
            conditions.append(f"({' OR '.join(f'({one})' for one in alternatives)})")
        return [f"({' OR '.join(conditions)})"] if any_of and conditions else conditions

    def _narrowing(self, facets: Facets) -> tuple[list[str], dict[str, Any], list[str]]:
        """What documents for groups are narrowed down by: conditions, and their values; and the keys of postings."""
        names = ("organisation", "category", "availability")
        asked = {name: storable(getattr(facets, name)) for name in names if getattr(facets, name)}
        values: dict[str, Any] = {f"is_{name}": value for name, value in asked.items()}
        conditions = [f"d.{name} = :is_{name}" for name in asked]
        held = [of_facet(name, value) for name, value in asked.items()]
        if facets.interest:
            keys = " ".join(word.key for word in words(facets.interest))
            values["is_interest"] = f"{_INTERESTS}{keys} |"
            conditions.append(self._dialect.holds.format("is_interest"))
            held.append(of_facet("interest", keys))
        return conditions, values, held


@lru_cache(maxsize=256)
def _prepared(statement: str) -> sa.TextClause:
    """A statement, which has no value in it: there are as many as there are shapes of questions."""
    return sa.text(statement)


def _freshness(row: _Row) -> int:
    """The freshest first."""
    return -row.number


def _freshest(table: str, conditions: Sequence[str]) -> str:
    # Names and conditions are constants of this module and of the dialects; all values are parameters.
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT d.number FROM {table} d {where} ORDER BY d.number DESC LIMIT :enough"  # noqa: S608 - see above


def _wide(by: int, table: str, numbers: str) -> str:
    """The rows of these numbers: numbers alone are sorted by the database, since rows are long."""
    return f"SELECT {by} AS asked, {_COLUMNS} FROM ({numbers}) AS f JOIN {table} d ON d.number = f.number"  # noqa: S608 - see above


def _all(table: str, conditions: Sequence[str]) -> str:
    return f"SELECT 0 AS asked, {_COLUMNS} FROM {table} d WHERE {' AND '.join(conditions)}"  # noqa: S608 - as above


def _holds(found: tuple[int, int], rows: Mapping[int, _Row], units: Sequence[Unit], *, any_of: bool) -> bool:
    """Whether a document has what it was chosen for, phrases too."""
    by, number = found
    flat = rows[number].flat
    if by == 0 and units:
        flat = f"|{'|'.join(part for part in flat[1:-1].split('|') if part.startswith(_EXPERTISE))}|"
    held = [any(_has_one(flat, one) for one in unit.alternatives if not one.begins) for unit in units]
    return any(held) if any_of else all(held)


def _has_one(flat: str, one: Alternative) -> bool:
    if one.joined:
        return f" {' '.join(one.keys)} " in flat
    return all(f" {word} " in flat for word in one.keys)


def _hit(ranking: Ranking, score: float, row: _Row) -> Hit:
    return Hit(row.user_id, row.organisation, score, ranking.reasons(row.flat, json.loads(row.texts)))


def _pattern(word: str, one: Alternative) -> str:
    return f" {word}" if one.begins else f" {word} "


def _counts(rows: Sequence[_Row]) -> dict[str, dict[str, int]]:
    """How many hits each facet's values have; of tags that read the same the first in the alphabet is shown."""
    tags = BETWEEN.join([row.interests for row in rows if row.interests])
    written = tags.split(BETWEEN) if tags else []
    read = _folded(tags).split(BETWEEN) if tags else []
    most = heapq.nsmallest(_MOST_COUNTED, Counter(read).items(), key=lambda one: (-one[1], one[0]))
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


def _folded(tags: str) -> str:
    """How tags read; nearly all are in ASCII, where that takes next to no time."""
    if tags.isascii():
        return tags.lower()
    return BETWEEN.join(tag.lower() if tag.isascii() else fold(tag) for tag in tags.split(BETWEEN))
