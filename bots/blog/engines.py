"""The two full-text indexes behind one interface: FTS5 of SQLite, and tsvector of PostgreSQL.

Either is given keys alone (`[a-z0-9_]`) and says which documents match, so both give the same hits, and no statistics
of an engine's own are in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import sqlalchemy as sa

from belisha.directory.query import Alternative, Unit
from bots.directory.dialects import PostgreSQL, Sqlite

Segments = Sequence[tuple[str, list[str]]]
BETWEEN: Final = "_"  # no word has this key: it keeps phrases from going on in the next tag


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


@dataclass(frozen=True)
class SqliteWords(Sqlite):
    """FTS5 (sqlite.org/fts5.html), with one column for what can be asked for alone and one for all else."""

    index: Index
    number: ClassVar[str] = "w.rowid"

    def matches(self, name: str) -> str:
        """The condition that the document has what the parameter of that name asks for (`query`)."""
        return f"{self.index.words} MATCH :{name}"

    def put(self, connection: sa.Connection, number: int, segments: Segments) -> None:
        """Indexes a document."""
        columns: dict[bool, list[str]] = {True: [], False: []}
        for code, keys in segments:
            columns[code == self.index.code].append(" ".join(keys))
        # Names of tables and columns are constants of this module's callers, here and below.
        statement = (
            f"INSERT INTO {self.index.words} (rowid, {self.index.first}, other) VALUES (:number, :first, :other)"  # noqa: S608 - constants
        )
        between = f" {BETWEEN} "
        values = {"number": number, "first": between.join(columns[True]), "other": between.join(columns[False])}
        connection.execute(sa.text(statement), values)

    def take_out(self, connection: sa.Connection, number: int) -> None:
        """Takes a document out of the index; its words stay in the file until `sweep`."""
        statement = f"DELETE FROM {self.index.words} WHERE rowid = :number"  # noqa: S608 - constants
        connection.execute(sa.text(statement), {"number": number})
        self._to_sweep(connection)

    def sweep(self, connection: sa.Connection) -> None:
        """Writes the index anew without what was deleted (FTS5's `optimize`), where anything was."""
        words = self.index.words
        if connection.execute(sa.text(f"DELETE FROM {self.index.unswept}")).rowcount:  # noqa: S608 - constants
            connection.execute(sa.text(f"INSERT INTO {words} ({words}) VALUES ('optimize')"))  # noqa: S608 - constants

    def _to_sweep(self, connection: sa.Connection) -> None:
        connection.execute(sa.text(f"INSERT INTO {self.index.unswept} (id) VALUES (1) ON CONFLICT DO NOTHING"))  # noqa: S608 - constants

    def query(self, units: Iterable[Unit], *, first: bool = False, beginnings: bool = False) -> str:
        """The query in FTS5's language.

        Args:
            units: what a document has to have.
            first: asks for the segments that can be asked for alone.
            beginnings: whether words that only begin so count.
        """
        joined = " AND ".join(f"({_or(unit, self._one, beginnings=beginnings)})" for unit in units)
        return f"{{{self.index.first}}} : ({joined})" if first else joined

    def _one(self, one: Alternative) -> str:
        if one.joined:
            return f'"{" ".join(one.keys)}"'
        if one.begins:
            return f'"{one.keys[0]}"*'
        return f"({' AND '.join(f'{chr(34)}{word}{chr(34)}' for word in one.keys)})"


@dataclass(frozen=True)
class PostgreSQLWords(PostgreSQL):
    """A column of type tsvector with a GIN index (PostgreSQL 15, chapter 12); what can be asked for alone has weight A.

    The index has no list of pending entries (`fastupdate`), which every search would read from
    one end to the other.
    """

    index: Index
    number: ClassVar[str] = "w.number"
    _FURTHEST: ClassVar[int] = 16383  # positions beyond this one count as it

    def matches(self, name: str) -> str:
        """The condition that the document has what the parameter of that name asks for (`query`)."""
        return f"w.words @@ CAST(:{name} AS tsquery)"

    def put(self, connection: sa.Connection, number: int, segments: Segments) -> None:
        """Indexes a document."""
        statement = f"INSERT INTO {self.index.words} (number, words) VALUES (:number, CAST(:words AS tsvector))"  # noqa: S608 - constants
        connection.execute(sa.text(statement), {"number": number, "words": self._vector(segments)})

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

    def sweep(self, connection: sa.Connection) -> None:
        """Nothing: autovacuum does that."""

    def query(self, units: Iterable[Unit], *, first: bool = False, beginnings: bool = False) -> str:
        """The query in the language of tsquery; the arguments are those of SQLite's."""
        weight = ":A" if first else ""
        return " & ".join(
            f"({_or(unit, lambda one: self._one(one, weight), '|', beginnings=beginnings)})" for unit in units
        )

    def _one(self, one: Alternative, weight: str) -> str:
        if one.begins:
            return f"'{one.keys[0]}':*{weight.removeprefix(':')}"
        return f"({(' <-> ' if one.joined else ' & ').join(f'{chr(39)}{word}{chr(39)}{weight}' for word in one.keys)})"


Engine = SqliteWords | PostgreSQLWords


def engine(connection: sa.Connection, index: Index) -> Engine:
    """The engine of a database, for one of its indexes."""
    return SqliteWords(index) if connection.dialect.name == "sqlite" else PostgreSQLWords(index)


def _or(unit: Unit, one: Callable[[Alternative], str], word: str = "OR", *, beginnings: bool = False) -> str:
    return f" {word} ".join(one(part) for part in unit.alternatives if beginnings or not part.begins)
