"""The two full-text indexes behind one interface: FTS5 of SQLite, and tsvector of PostgreSQL.

Either is given keys alone (`[a-z0-9_]`), says which documents match, and leaves ranking to `belisha.directory.ranking`:
so both give the same hits, and no statistics of an engine's own are in them. Of the directory only what the community
may read is here; the blog has an index of its own (`Index`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import sqlalchemy as sa

from belisha.directory.documents import EXPERTISE
from belisha.directory.query import Alternative, Unit

Segments = Sequence[tuple[str, list[str]]]
_BETWEEN: Final = "_"  # no word has this key: it keeps phrases from going on in the next tag


class Index(NamedTuple):
    """Where a full-text index is, and which of its segments come first.

    Attributes:
        words: its table.
        unswept: the table that has a row while words of deleted documents may be left in it.
        first: the column of the segments that can be asked for alone.
        code: the code of those segments.
    """

    words: str
    unswept: str
    first: str
    code: str


DIRECTORY: Final = Index("directory_words", "directory_unswept", "expertise", EXPERTISE)


@dataclass(frozen=True)
class Sqlite:
    """FTS5 (sqlite.org/fts5.html), with one column for what can be asked for alone and one for all else."""

    index: Index = DIRECTORY
    number: ClassVar[str] = "w.rowid"
    holds: ClassVar[str] = "instr(d.flat, :{}) > 0"
    among: ClassVar[str] = "IN (SELECT value FROM json_each(:{}))"
    #: Nothing has to be said to the planner.
    beside: ClassVar[str] = ""

    def matches(self, name: str) -> str:
        """The condition that the document has what the parameter of that name asks for (`query`)."""
        return f"{self.index.words} MATCH :{name}"

    def listed(self, values: Iterable[str]) -> str | list[str]:
        """A list as a parameter, for `among`."""
        return json.dumps(sorted(values))

    def turn(self, connection: sa.Connection) -> None:
        """Nothing: one transaction writes at a time."""

    def put(self, connection: sa.Connection, number: int, segments: Segments) -> None:
        """Indexes a document."""
        columns: dict[bool, list[str]] = {True: [], False: []}
        for code, keys in segments:
            columns[code == self.index.code].append(" ".join(keys))
        # Names of tables and columns are constants of this module's callers, here and below.
        statement = (
            f"INSERT INTO {self.index.words} (rowid, {self.index.first}, other) VALUES (:number, :first, :other)"  # noqa: S608 - constants
        )
        between = f" {_BETWEEN} "
        values = {"number": number, "first": between.join(columns[True]), "other": between.join(columns[False])}
        connection.execute(sa.text(statement), values)

    def since(self, query: str, oldest: int, newest: int) -> str:
        """The query as it is: FTS5 gives the newest first and stops."""
        return query

    def take_out(self, connection: sa.Connection, number: int) -> None:
        """Takes a document out of the index; its words stay in the file until `sweep`."""
        statement = f"DELETE FROM {self.index.words} WHERE rowid = :number"  # noqa: S608 - constants
        connection.execute(sa.text(statement), {"number": number})
        self._to_sweep(connection)

    def empty(self, connection: sa.Connection) -> None:
        """Takes everything out."""
        connection.execute(sa.text(f"DELETE FROM {self.index.words}"))  # noqa: S608 - constants
        self._to_sweep(connection)

    def sweep(self, connection: sa.Connection) -> None:
        """Writes the index anew without what was deleted (FTS5's `optimize`), where anything was."""
        words = self.index.words
        if connection.execute(sa.text(f"DELETE FROM {self.index.unswept}")).rowcount:  # noqa: S608 - constants
            connection.execute(sa.text(f"INSERT INTO {words} ({words}) VALUES ('optimize')"))  # noqa: S608 - constants

    def _to_sweep(self, connection: sa.Connection) -> None:
        connection.execute(sa.text(f"INSERT INTO {self.index.unswept} (id) VALUES (1) ON CONFLICT DO NOTHING"))  # noqa: S608 - constants

    def query(self, units: Iterable[Unit], *, expertise: bool = False, any_of: bool = False) -> str:
        """The query in FTS5's language."""
        joined = f" {'OR' if any_of else 'AND'} ".join(f"({_or(unit, self._one)})" for unit in units)
        return f"{{{self.index.first}}} : ({joined})" if expertise else joined

    def _one(self, one: Alternative) -> str:
        if one.joined:
            return f'"{" ".join(one.keys)}"'
        return f"({' AND '.join(f'{chr(34)}{word}{chr(34)}' for word in one.keys)})"


@dataclass(frozen=True)
class PostgreSQL:
    """A column of type tsvector with a GIN index (PostgreSQL 15, chapter 12); what can be asked for alone has weight A.

    GIN gives all documents that match, of which the freshest are wanted: for 100 of 4,000 it was 4,000 rows to read.
    So each has the numbers of its blocks among its words (with two `_` in front, which no key has), and a query can be
    held to the newest blocks within the index.
    """

    index: Index = DIRECTORY
    number: ClassVar[str] = "w.number"
    holds: ClassVar[str] = "strpos(d.flat, :{}) > 0"
    among: ClassVar[str] = "= ANY(CAST(:{} AS text[]))"
    #: Whether the index or the freshest rows are the quicker way depends on the words, so the planner has to see them.
    #: Said in the statement before, since one more costs more than it takes; with the newest and the oldest number, and
    #: in how many documents the synonyms' words stand.
    beside: ClassVar[str] = (
        " UNION ALL SELECT 'plan', set_config('plan_cache_mode', 'force_custom_plan', true), '', 0"
        " UNION ALL SELECT 'numbers', CAST(max(number) AS text), CAST(min(number) AS text), 0 FROM directory_words"
        " UNION ALL SELECT 'count', v.key, '', v.documents FROM directory_vocabulary v"
        " WHERE v.key NOT IN (SELECT unnest(CAST(:keys AS text[]))) AND v.key IN"
        " (SELECT unnest(string_to_array(o.term_key, ' ')) FROM directory_synonym s"
        " JOIN directory_synonym o USING (number) WHERE s.term_key = ANY(CAST(:terms AS text[])))"
    )
    _FURTHEST: ClassVar[int] = 16383  # positions beyond this one count as it
    _BLOCKS: ClassVar[tuple[int, ...]] = (512, 4096)
    _TURN: ClassVar[int] = 0x64697265  # any number, the same in every process

    def matches(self, name: str) -> str:
        """The condition that the document has what the parameter of that name asks for (`query`)."""
        return f"w.words @@ CAST(:{name} AS tsquery)"

    def listed(self, values: Iterable[str]) -> str | list[str]:
        """A list as a parameter, for `among`."""
        return sorted(values)

    def turn(self, connection: sa.Connection) -> None:
        """Waits until nobody else writes to the index: two who count the same words would wait in a circle."""
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": self._TURN})

    def put(self, connection: sa.Connection, number: int, segments: Segments) -> None:
        """Indexes a document."""
        place, words = 0, [f"'{_block(number, size)}'" for size in self._BLOCKS]
        for code, keys in segments:
            weight = "A" if code == self.index.code else "B"
            for word in keys:
                place += 1
                words.append(f"'{word}':{min(place, self._FURTHEST)}{weight}")
            place += 1
        statement = f"INSERT INTO {self.index.words} (number, words) VALUES (:number, CAST(:words AS tsvector))"  # noqa: S608 - constants
        connection.execute(sa.text(statement), {"number": number, "words": " ".join(words)})

    def since(self, query: str, oldest: int, newest: int) -> str:
        """The query, held to the blocks that documents of these numbers are in."""
        size = next((size for size in self._BLOCKS if newest - oldest <= 8 * size), self._BLOCKS[-1])
        blocks = (min(number, newest) for number in range(oldest, newest + size, size))
        return f"({query})&({'|'.join(_block(number, size) for number in blocks)})"

    def take_out(self, connection: sa.Connection, number: int) -> None:
        """Takes a document out of the index."""
        statement = f"DELETE FROM {self.index.words} WHERE number = :number"  # noqa: S608 - constants
        connection.execute(sa.text(statement), {"number": number})

    def empty(self, connection: sa.Connection) -> None:
        """Takes everything out."""
        connection.execute(sa.text(f"DELETE FROM {self.index.words}"))  # noqa: S608 - constants

    def sweep(self, connection: sa.Connection) -> None:
        """Nothing: autovacuum does that."""

    def query(self, units: Iterable[Unit], *, expertise: bool = False, any_of: bool = False) -> str:
        """The query in the language of tsquery."""
        weight = ":A" if expertise else ""
        return f" {'|' if any_of else '&'} ".join(
            f"({_or(unit, lambda one: self._one(one, weight), '|')})" for unit in units
        )

    def _one(self, one: Alternative, weight: str) -> str:
        return f"({(' <-> ' if one.joined else ' & ').join(f'{chr(39)}{word}{chr(39)}{weight}' for word in one.keys)})"


def _block(number: int, size: int) -> str:
    return f"__{size}_{number // size}"


Engine = Sqlite | PostgreSQL


def engine(connection: sa.Connection, index: Index = DIRECTORY) -> Engine:
    """The engine of a database, for one of its indexes."""
    return Sqlite(index) if connection.dialect.name == "sqlite" else PostgreSQL(index)


def _or(unit: Unit, one: Callable[[Alternative], str], word: str = "OR") -> str:
    return f" {word} ".join(one(part) for part in unit.alternatives if not part.begins)
