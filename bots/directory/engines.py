"""The two full-text indexes behind one interface: FTS5 of SQLite, and tsvector of PostgreSQL.

Either is given keys alone (`[a-z0-9_]`), says which documents match, and leaves ranking to `belisha.directory.ranking`:
so both give the same hits, and no statistics of an engine's own are in them. Of the directory only what the community
may read is here; the blog has an index of its own (`Index`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import sqlalchemy as sa

from belisha.directory.documents import EXPERTISE, Document
from belisha.directory.query import Alternative, Unit
from bots.directory.index_tables import community

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
    #: A list as a table with a column `value`.
    each: ClassVar[str] = "json_each(:{})"
    #: Whether a condition without a column is looked at once, before any row; here it takes a limit of none.
    stops_at_once: ClassVar[bool] = False

    def matches(self, name: str) -> str:
        """The condition that the document has what the parameter of that name asks for (`query`)."""
        return f"{self.index.words} MATCH :{name}"

    def listed(self, values: Iterable[str]) -> str | list[str]:
        """A list as a parameter, for `among`."""
        return json.dumps(sorted(values))

    def turn(self, connection: sa.Connection) -> None:
        """Nothing: one transaction writes at a time."""

    def filled(self, connection: sa.Connection) -> None:
        """Nothing: FTS5 needs no statistics."""

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

    def replace(
        self, connection: sa.Connection, old: int | None, row: Mapping[str, object], document: Document
    ) -> None:
        """Indexes a member's document of the directory in place of the one of that number, with the next number."""
        if old is not None:
            self.take_out(connection, old)
            connection.execute(community.delete().where(community.c.number == old))
        (number,) = connection.execute(community.insert().values(**row).returning(community.c.number)).one()
        self.put(connection, number, document.segments)

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

    def query(
        self, units: Iterable[Unit], *, expertise: bool = False, any_of: bool = False, beginnings: bool = False
    ) -> str:
        """The query in FTS5's language; beginnings of words are passed over unless they are asked for."""
        joined = f" {'OR' if any_of else 'AND'} ".join(
            f"({_or(unit, self._one, beginnings=beginnings)})" for unit in units
        )
        return f"{{{self.index.first}}} : ({joined})" if expertise else joined

    def _one(self, one: Alternative) -> str:
        if one.joined:
            return f'"{" ".join(one.keys)}"'
        if one.begins:
            return f'"{one.keys[0]}"*'
        return f"({' AND '.join(f'{chr(34)}{word}{chr(34)}' for word in one.keys)})"


@dataclass(frozen=True)
class PostgreSQL:
    """A column of type tsvector with a GIN index (PostgreSQL 15, chapter 12); what can be asked for alone has weight A.

    GIN gives all documents that match, of which the freshest are wanted. Where many match, it is quicker to read the
    freshest rows until there are enough, so the planner has to know the words and how usual they are: statements are
    planned anew each time (`bots.kernel.store`), and a filled index is analysed. The index has no list of pending
    entries (`fastupdate`), which every search would read from one end to the other.
    """

    index: Index = DIRECTORY
    number: ClassVar[str] = "w.number"
    holds: ClassVar[str] = "strpos(d.flat, :{}) > 0"
    among: ClassVar[str] = "= ANY(CAST(:{} AS text[]))"
    each: ClassVar[str] = "unnest(CAST(:{} AS text[])) AS listed(value)"
    #: A limit that the planner cannot read would have it plan for a tenth of all rows.
    stops_at_once: ClassVar[bool] = True
    _FURTHEST: ClassVar[int] = 16383  # positions beyond this one count as it
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

    def filled(self, connection: sa.Connection) -> None:
        """Lets the planner know how usual the words of an index are that has just been filled."""
        connection.execute(sa.text(f"ANALYZE {self.index.words}"))

    def put(self, connection: sa.Connection, number: int, segments: Segments) -> None:
        """Indexes a document."""
        statement = f"INSERT INTO {self.index.words} (number, words) VALUES (:number, CAST(:words AS tsvector))"  # noqa: S608 - constants
        connection.execute(sa.text(statement), {"number": number, "words": self._vector(segments)})

    def replace(
        self, connection: sa.Connection, old: int | None, row: Mapping[str, object], document: Document
    ) -> None:
        """Indexes a member's document of the directory in place of the one of that number, in one journey."""
        connection.execute(_REPLACE, {**row, "old": old, "words": self._vector(document.segments)})

    def _vector(self, segments: Segments) -> str:
        place, words = 0, list[str]()
        for code, keys in segments:
            weight = "A" if code == self.index.code else "B"
            for word in keys:
                place += 1
                words.append(f"'{word}':{min(place, self._FURTHEST)}{weight}")
            place += 1
        return " ".join(words)

    def take_out(self, connection: sa.Connection, number: int) -> None:
        """Takes a document out of the index."""
        statement = f"DELETE FROM {self.index.words} WHERE number = :number"  # noqa: S608 - constants
        connection.execute(sa.text(statement), {"number": number})

    def empty(self, connection: sa.Connection) -> None:
        """Takes everything out."""
        connection.execute(sa.text(f"DELETE FROM {self.index.words}"))  # noqa: S608 - constants

    def sweep(self, connection: sa.Connection) -> None:
        """Nothing: autovacuum does that."""

    def query(
        self, units: Iterable[Unit], *, expertise: bool = False, any_of: bool = False, beginnings: bool = False
    ) -> str:
        """The query in the language of tsquery; beginnings of words are passed over unless they are asked for."""
        weight = ":A" if expertise else ""
        return f" {'|' if any_of else '&'} ".join(
            f"({_or(unit, lambda one: self._one(one, weight), '|', beginnings=beginnings)})" for unit in units
        )

    def _one(self, one: Alternative, weight: str) -> str:
        if one.begins:
            return f"'{one.keys[0]}':*{weight.removeprefix(':')}"
        return f"({(' <-> ' if one.joined else ' & ').join(f'{chr(39)}{word}{chr(39)}{weight}' for word in one.keys)})"


_ROW: Final = tuple(column.name for column in community.c if column.name != "number")
# A number that is not taken yet is made by the insertion, also where that becomes an update.
_REPLACE: Final = sa.text(f"""
    WITH put AS (
        INSERT INTO directory_community ({", ".join(_ROW)}) VALUES ({", ".join(f":{name}" for name in _ROW)})
        ON CONFLICT (user_id) DO UPDATE
        SET number = EXCLUDED.number, {", ".join(f"{name} = EXCLUDED.{name}" for name in _ROW)} RETURNING number
    ), gone AS (DELETE FROM directory_words WHERE number = CAST(:old AS bigint))
    INSERT INTO directory_words (number, words) SELECT number, CAST(:words AS tsvector) FROM put
""")  # noqa: S608 - names of columns

Engine = Sqlite | PostgreSQL


def engine(connection: sa.Connection, index: Index = DIRECTORY) -> Engine:
    """The engine of a database, for one of its indexes."""
    return Sqlite(index) if connection.dialect.name == "sqlite" else PostgreSQL(index)


def _or(unit: Unit, one: Callable[[Alternative], str], word: str = "OR", *, beginnings: bool = False) -> str:
    return f" {word} ".join(one(part) for part in unit.alternatives if beginnings or not part.begins)
