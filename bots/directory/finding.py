"""Finds the documents that a query matches and that the asker may read; ranks and counts them.

The community's documents come from the full-text index, at most `RANKED` of them: the freshest that match by expertise,
then the freshest of all that match. Documents for groups are read one by one, and only those of members with whom the
asker shares a group: what others show to their groups takes no part in anything, nor any time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from belisha.directory.documents import BETWEEN, EXPERTISE
from belisha.directory.fields import FIELDS
from belisha.directory.query import Alternative, Unit
from belisha.directory.ranking import Ranking
from belisha.directory.text import fold, storable, words
from belisha.directory.values import PAGE, RANKED, Answer, Asker, Facets, Hit
from bots.directory.engines import engine

_COLUMNS: Final = (
    "d.number, d.user_id, d.organisation, d.category, d.availability, d.updated, d.interests, d.flat, d.texts"
)
_INTERESTS: Final = f"|{FIELDS['interests'].code} "
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
        self._engine = engine(connection)
        self._asker = asker
        self._now = now
        self._narrowed, self._values = self._narrowing(facets)
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
            counts_for_few=any(row.by == _GROUPS and (row.interests or row.availability) for _, row in scored),
            relaxed=full < len(found),
        )

    def experts(self, units: Sequence[Unit]) -> list[Hit]:
        """Whose expertise has all units; where nobody's has, those with half of them."""
        hits = self._experts(units, any_of=False)
        return hits or (self._experts(units, any_of=True) if len(units) > 1 else [])

    def _experts(self, units: Sequence[Unit], *, any_of: bool) -> list[Hit]:
        ranking, hits = Ranking(units, self._now), []
        found = self._rows([self._engine.query(units, expertise=True, any_of=any_of)], units, any_of=any_of)
        for row in {row.user_id: row for row in found}.values():
            expertise = [part for part in row.flat[1:-1].split("|") if part.startswith(f"{EXPERTISE} ")]
            texts = [[code, text] for code, text in json.loads(row.texts) if code == EXPERTISE]
            only = row._replace(flat=f"|{'|'.join(expertise)}|", texts=json.dumps(texts))
            held = ranking.hold(only.flat, only.updated)
            if held.units * (2 if any_of else 1) >= len(units):
                hits.append(_hit(ranking, held.score, only))
        return hits

    def _matching(self, units: Sequence[Unit]) -> tuple[dict[str, _Row], bool]:
        """Documents that have all units, by user id, and whether there are more."""
        asked = [self._engine.query(units, expertise=True), self._engine.query(units)] if units else [None]
        rows = self._rows(asked, units)
        shared = [row for row in rows if row.by == _GROUPS]
        of_community = rows[len(shared) :]
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

    def _rows(self, asked: Sequence[str | None], units: Sequence[Unit], *, any_of: bool = False) -> list[_Row]:
        """Documents for groups, and those of each query: the freshest first, in one statement for all of them.

        A query is asked where the ones before it have not found enough, and gives what they have not.
        """
        absent = self._asker.absent
        values = self._values | {"me": self._asker.user_id, "enough": RANKED + 2 + len(absent)}
        conditions = ["d.user_id != :me", *self._narrowed]
        if absent:
            conditions.append(f"NOT (d.user_id {self._engine.among.format('absent')})")
            values["absent"] = self._engine.listed(absent)
        numbers, parts = [], []
        for by, query in enumerate(asked):
            if query is not None:
                values[f"words{by}"] = query
            numbers.append(f"f{by} AS MATERIALIZED ({self._numbers(by, conditions, everybody=query is None)})")
            fresh = [f"d.number NOT IN (SELECT number FROM f{before})" for before in range(by)]  # noqa: S608 - numbers
            parts.append(_wide(by, "directory_community", f"f{by}", [*conditions, *fresh]))
        if self._shares:
            values["shares"] = self._engine.listed(self._shares)
            of_groups = [f"d.user_id {self._engine.among.format('shares')}", *self._narrowed]
            of_groups += self._has(units, values, any_of=any_of)
            numbers.append(f"g AS MATERIALIZED ({_freshest('d.number', 'directory_groups d', of_groups)})")
            parts.append(_wide(_GROUPS, "directory_groups", "g", []))
        statement = f"WITH {', '.join(numbers)} {' UNION ALL '.join(parts)}"
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        return sorted(map(_Row._make, self._connection.execute(_prepared(statement), used).all()), key=_order)

    def _numbers(self, by: int, conditions: Sequence[str], *, everybody: bool) -> str:
        """Numbers of documents of the community; where hits are narrowed down, the index has to give more for these."""
        number = self._engine.number
        if everybody:
            return _freshest("d.number", "directory_community d", conditions)
        source, where = "directory_words w", [self._engine.matches(f"words{by}")]
        if self._narrowed:
            source = f"directory_words w JOIN directory_community d ON d.number = {number}"
            where += conditions
        if by == 0:
            return _freshest(number, source, where)
        counted = (f"(SELECT count(*) FROM f{before})" for before in range(by))  # noqa: S608 - numbers of ours
        fewer = f"{' + '.join(counted)} < :enough"
        if self._engine.stops_at_once:
            return _freshest(number, source, [*where, fewer])
        return _freshest(number, source, where, f"CASE WHEN {fewer} THEN :enough ELSE 0 END")

    def _has(self, units: Sequence[Unit], values: dict[str, Any], *, any_of: bool) -> list[str]:
        """The conditions that a document has all of these units, or any; their values are added to `values`."""
        conditions = []
        for unit in units:
            alternatives = []
            for one in unit.alternatives:
                held = [f" {' '.join(one.keys)} "] if one.joined else [_pattern(word, one) for word in one.keys]
                names = [f"has{len(values) + place}" for place in range(len(held))]
                values.update(zip(names, held, strict=True))
                alternatives.append(" AND ".join(self._engine.holds.format(name) for name in names))
            conditions.append(f"({' OR '.join(f'({one})' for one in alternatives)})")
        return [f"({' OR '.join(conditions)})"] if any_of and conditions else conditions

    def _narrowing(self, facets: Facets) -> tuple[list[str], dict[str, Any]]:
        names = ("organisation", "category", "availability")
        asked = {name: storable(getattr(facets, name)) for name in names if getattr(facets, name)}
        values: dict[str, Any] = {f"is_{name}": value for name, value in asked.items()}
        conditions = [f"d.{name} = :is_{name}" for name in asked]
        if facets.interest:
            keys = " ".join(word.key for word in words(facets.interest))
            values["is_interest"] = f"{_INTERESTS}{keys} |"
            conditions.append(self._engine.holds.format("is_interest"))
        return conditions, values


@lru_cache(maxsize=256)
def _prepared(statement: str) -> sa.TextClause:
    """A statement, which has no value in it: there are as many as there are shapes of questions."""
    return sa.text(statement)


def _order(row: _Row) -> tuple[int, int]:
    """One query after the other, the freshest first."""
    return row.by, -row.number


def _freshest(number: str, source: str, conditions: Sequence[str], most: str = ":enough") -> str:
    # Names and conditions are constants of this module and of the engines; all values are parameters.
    return f"SELECT {number} AS number FROM {source} WHERE {' AND '.join(conditions)} ORDER BY 1 DESC LIMIT {most}"  # noqa: S608


def _wide(by: int, table: str, numbers: str, conditions: Sequence[str]) -> str:
    """The rows of these numbers: numbers alone are sorted by the database, since rows are long."""
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {by} AS asked, {_COLUMNS} FROM {numbers} AS f JOIN {table} d ON d.number = f.number{where}"  # noqa: S608


def _hit(ranking: Ranking, score: float, row: _Row) -> Hit:
    return Hit(row.user_id, row.organisation, score, ranking.reasons(row.flat, json.loads(row.texts)))


def _pattern(word: str, one: Alternative) -> str:
    return f" {word}" if one.begins else f" {word} "


def _counts(rows: Sequence[_Row]) -> dict[str, dict[str, int]]:
    """How many hits each facet's values have; of tags that read the same the first in the alphabet is shown."""
    tags = [row.interests for row in rows if row.interests]
    written = BETWEEN.join(tags).split(BETWEEN) if tags else []
    read = BETWEEN.join(map(_folded, tags)).split(BETWEEN) if tags else []
    most = sorted(Counter(read).items(), key=lambda one: (-one[1], one[0]))[:_MOST_COUNTED]
    shown: dict[str, str] = {}
    for label, folded in zip(written, read, strict=True):
        if label < shown.get(folded, "\U0010ffff"):
            shown[folded] = label
    return {
        "organisation": dict(sorted(Counter([row.organisation for row in rows]).items())),
        "category": dict(sorted(Counter([row.category for row in rows]).items())),
        "availability": dict(sorted(Counter([row.availability for row in rows if row.availability]).items())),
        "interest": {shown[folded]: count for folded, count in most},
    }


def _folded(tags: str) -> str:
    """How somebody's tags read; nearly all are in ASCII, where that takes next to no time."""
    return tags.lower() if tags.isascii() else BETWEEN.join(map(fold, tags.split(BETWEEN)))
