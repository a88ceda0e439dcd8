"""Finds the documents that a query matches and that the asker may read; ranks and counts them.

Which of the community's documents match is known from the words' postings; at most `RANKED` of them are read: the
freshest that match by expertise, then the freshest of all that match. Documents for groups are read one by one, and
only those of members with whom the asker shares a group: what others show to their groups takes no part in anything,
nor any time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from belisha.directory.documents import EXPERTISE, expertise_of
from belisha.directory.fields import FIELDS
from belisha.directory.query import Alternative, Unit
from belisha.directory.ranking import Held, Ranking
from belisha.directory.text import storable, words
from belisha.directory.values import PAGE, RANKED, Answer, Asker, Facets, Hit
from bots.directory import postings
from bots.directory.candidates import Asked, chosen, keys_of
from bots.directory.counting import counts
from bots.directory.dialects import dialect
from bots.directory.postings import Postings, of_facet
from bots.kernel.direct import Statement

_COLUMNS: Final = (
    "d.number, d.user_id, d.organisation, d.category, d.availability, d.updated, d.interests, d.flat, d.texts"
)
_INTERESTS: Final = f"|{FIELDS['interests'].code} "
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

    def __init__(
        self, connection: sa.Connection, asker: Asker, facets: Facets, now: float, there: Postings | None = None
    ) -> None:
        """Prepares what holds for every statement of it.

        Args:
            connection: a transaction that reads.
            asker: who asks.
            facets: by what to narrow down.
            now: seconds since 1970.
            there: postings that were read already.
        """
        self._connection = connection
        self._dialect = dialect(connection)
        self._asker = asker
        self._now = now
        self._narrowed, self._values = self._narrowing(facets)
        self._facets = keys_of_facets(facets)
        self._postings = there
        self._is_read = False
        self._shares = asker.shares - asker.absent - {asker.user_id}
        self._shown = self._dialect.many(self._shares)

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
        scored = [(ranking.hold(row.flat, row.updated), row) for row in found.values()]
        scored.sort(key=lambda one: (-one[0].score, -one[1].updated, one[1].user_id))
        first = (max(page, 1) - 1) * PAGE
        return Answer(
            hits=tuple(_hit(ranking, held, row) for held, row in scored[first : first + PAGE]),
            total=len(scored),
            more=more,
            counts=counts([row for _, row in scored]),
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
            texts = [[code, text] for code, text in json.loads(row.texts) if code == EXPERTISE]
            only = row._replace(flat=expertise_of(row.flat), texts=json.dumps(texts))
            held = ranking.hold(only.flat, only.updated)
            if held.units * (2 if any_of else 1) >= len(units):
                hits.append(_hit(ranking, held, only))
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
        elif not self._is_read:
            self._postings = self._postings.with_more(self._connection, keys_of(units).union(self._facets))
        self._is_read = True
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
        there, values = self._postings, {"enough": enough, "shares": self._shown, **self._values}
        conditions = [*self._narrowed, *self._has(units, values, any_of=any_of)]
        if not asked or there is None:
            everybody = _wide(0, "directory_community", _freshest("directory_community", ()))
            shared, rows = self._read([everybody, *self._of_groups(conditions)], values)
            return shared, [rows[number] for number in sorted(rows, reverse=True) if self._may_find(rows[number])]
        found = chosen(there, asked, most)
        newer = f"d.number > {self._dialect.steady_number.format('merged')}"
        parts = [self._numbered(), _all("directory_community", [newer, *conditions])]
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
        statement = _prepared(" UNION ALL ".join(parts))
        found = list(map(_Row._make, statement.rows(self._connection, values)))
        shared = sorted((row for row in found if row.by == _GROUPS), key=_freshness)
        return shared, {row.number: row for row in found if row.by != _GROUPS}

    def _numbered(self) -> str:
        return _all("directory_community", [f"d.number {self._dialect.steady_numbered.format('numbers')}"])

    def _of_groups(self, conditions: Sequence[str]) -> list[str]:
        """The statement for documents for groups; none where the asker shares none."""
        if not self._shares:
            return []
        shown = [f"d.user_id {self._dialect.steady_many.format('shares')}", *conditions]
        return [_wide(_GROUPS, "directory_groups", _freshest("directory_groups", shown))]

    def _may_find(self, row: _Row) -> bool:
        return row.user_id != self._asker.user_id and row.user_id not in self._asker.absent

    def _has(self, units: Sequence[Unit], values: dict[str, Any], *, any_of: bool) -> list[str]:
        """The conditions that a document has all of these units, or any; their values are added to `values`."""
        conditions = []
        for unit in units:
            alternatives = []
            begun = next((_pattern(one.keys[0], one) for one in unit.alternatives if one.begins), None)
            for one in unit.alternatives:
                if begun and not one.begins and len(one.keys) == 1 and f" {one.keys[0]}".startswith(begun):
                    continue  # has what was typed as a beginning
                held = [f" {' '.join(one.keys)} "] if one.joined else [_pattern(word, one) for word in one.keys]
                names = [f"has{len(values) + place}" for place in range(len(held))]
                values.update(zip(names, held, strict=True))
                alternatives.append(" AND ".join(self._dialect.holds.format(name) for name in names))
            conditions.append(f"({' OR '.join(f'({one})' for one in alternatives)})")
        return [f"({' OR '.join(conditions)})"] if any_of and conditions else conditions

    def _narrowing(self, facets: Facets) -> tuple[list[str], dict[str, Any]]:
        """What documents for groups are narrowed down by: conditions, and their values."""
        asked = _asked_of(facets)
        values: dict[str, Any] = {f"is_{name}": value for name, value in asked.items()}
        conditions = [f"d.{name} = :is_{name}" for name in asked]
        if facets.interest:
            values["is_interest"] = f"{_INTERESTS}{_key_of(facets.interest)} |"
            conditions.append(self._dialect.holds.format("is_interest"))
        return conditions, values


def keys_of_facets(facets: Facets) -> list[str]:
    """The postings' keys of what hits are narrowed down by."""
    held = [of_facet(name, value) for name, value in _asked_of(facets).items()]
    return [*held, of_facet("interest", _key_of(facets.interest))] if facets.interest else held


def _asked_of(facets: Facets) -> dict[str, str]:
    """The facets that are columns, where they are asked for."""
    names = ("organisation", "category", "availability")
    return {name: storable(getattr(facets, name)) for name in names if getattr(facets, name)}


def _key_of(interest: str) -> str:
    return " ".join(word.key for word in words(interest))


@lru_cache(maxsize=256)
def _prepared(statement: str) -> Statement:
    """A statement, which has no value in it: there are as many as there are shapes of questions."""
    return Statement(statement)


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
        flat = expertise_of(flat)
    held = [any(_has_one(flat, one) for one in unit.alternatives if not one.begins) for unit in units]
    return any(held) if any_of else all(held)


def _has_one(flat: str, one: Alternative) -> bool:
    if one.joined:
        return f" {' '.join(one.keys)} " in flat
    return all(f" {word} " in flat for word in one.keys)


def _hit(ranking: Ranking, held: Held, row: _Row) -> Hit:
    return Hit(row.user_id, row.organisation, held.score, ranking.reasons(held, row.flat, json.loads(row.texts)))


def _pattern(word: str, one: Alternative) -> str:
    return f" {word}" if one.begins else f" {word} "
