"""What SQLite and PostgreSQL say differently in the statements of the directory and of the blog."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from bots.directory.index_tables import community, posted

_BETWEEN_IDS: Final = "\x1f"  # of users, in which no control character is


class Sqlite:
    """SQLite, where a list is JSON."""

    holds: ClassVar[str] = "instr(d.flat, :{}) > 0"
    among: ClassVar[str] = "IN (SELECT value FROM json_each(:{}))"
    numbered: ClassVar[str] = among
    steady_among: ClassVar[str] = among
    steady_numbered: ClassVar[str] = among
    #: Among those, or what two further statements find.
    steady_besides: ClassVar[str] = "IN (SELECT value FROM json_each(:{}) UNION ALL {} UNION ALL {})"
    steady_text: ClassVar[str] = ":{}"
    steady_number: ClassVar[str] = ":{}"
    #: Among many, which are given by `many`.
    steady_many: ClassVar[str] = among
    #: A list as a table with a column `value`.
    each: ClassVar[str] = "json_each(:{})"

    def listed(self, values: Iterable[str]) -> str | list[str]:
        """A list as a parameter, for `among`."""
        return json.dumps(sorted(values))

    def many(self, values: Iterable[str]) -> str:
        """A list of user ids as a parameter, for `steady_many`."""
        return json.dumps(sorted(values))

    def numbers(self, values: Iterable[int]) -> str | list[int]:
        """A list of numbers as a parameter, for `numbered`."""
        return json.dumps(list(values))

    def turn(self, connection: sa.Connection) -> None:
        """Nothing: one transaction writes at a time."""

    def replace(self, connection: sa.Connection, old: int | None, row: Mapping[str, object]) -> tuple[int, int]:
        """Puts a member's document of the directory in place of the one of that number.

        Returns:
            The next number, which is its own; and up to which documents are in the postings.
        """
        if old is not None:
            connection.execute(community.delete().where(community.c.number == old))
        insert = community.insert().values(**row).returning(community.c.number, _MERGED)
        return _numbers(connection.execute(insert).one())


class PostgreSQL:
    """PostgreSQL, which has arrays."""

    holds: ClassVar[str] = "strpos(d.flat, :{}) > 0"
    among: ClassVar[str] = "= ANY(CAST(:{} AS text[]))"
    numbered: ClassVar[str] = "= ANY(CAST(:{} AS bigint[]))"
    # Values that are not seen where a statement is planned: so it is planned once, and not for each search, which took
    # as long as a statement itself. They are for what is found by an index, whatever the values.
    steady_among: ClassVar[str] = "= ANY(CAST((SELECT CAST(:{} AS text[])) AS text[]))"
    steady_numbered: ClassVar[str] = "= ANY(CAST((SELECT CAST(:{} AS bigint[])) AS bigint[]))"
    steady_besides: ClassVar[str] = (
        "= ANY(CAST((SELECT CAST(:{} AS text[]) || CAST(ARRAY({}) AS text[]) || CAST(ARRAY({}) AS text[])) AS text[]))"
    )
    steady_text: ClassVar[str] = "(SELECT CAST(:{} AS text))"
    steady_number: ClassVar[str] = "(SELECT CAST(:{} AS bigint))"
    # One long text is sent in a third of the time of an array of 200.
    steady_many: ClassVar[str] = "= ANY(CAST((SELECT string_to_array(CAST(:{} AS text), chr(31))) AS text[]))"
    each: ClassVar[str] = "unnest(CAST(:{} AS text[])) AS listed(value)"
    _TURN: ClassVar[int] = 0x64697265  # any number, the same in every process

    def listed(self, values: Iterable[str]) -> str | list[str]:
        """A list as a parameter, for `among`."""
        return sorted(values)

    def many(self, values: Iterable[str]) -> str:
        """A list of user ids as a parameter, for `steady_many`; what is none is left out, so that it is not two.

        They are in the order of the index, whose pages are found in a third less time then.
        """
        return _BETWEEN_IDS.join(sorted(value for value in values if _BETWEEN_IDS not in value))

    def numbers(self, values: Iterable[int]) -> str | list[int]:
        """A list of numbers as a parameter, for `numbered`, in the order of their index too."""
        return sorted(values)

    def turn(self, connection: sa.Connection) -> None:
        """Waits until nobody else writes to the index: two who count the same words would wait in a circle."""
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": self._TURN})

    def replace(self, connection: sa.Connection, _old: int | None, row: Mapping[str, object]) -> tuple[int, int]:
        """The same in one journey, in place of what is there of the member."""
        return _numbers(connection.execute(_REPLACE, row).one())


def _numbers(found: Sequence[Any]) -> tuple[int, int]:
    return int(found[0]), int(found[1] or 0)


_MERGED: Final = sa.select(posted.c.number).scalar_subquery()
_ROW: Final = tuple(column.name for column in community.c if column.name != "number")
# A number that is not taken yet is made by the insertion, also where that becomes an update.
_REPLACE: Final = sa.text(f"""
    INSERT INTO directory_community ({", ".join(_ROW)}) VALUES ({", ".join(f":{name}" for name in _ROW)})
    ON CONFLICT (user_id) DO UPDATE
    SET number = EXCLUDED.number, {", ".join(f"{name} = EXCLUDED.{name}" for name in _ROW)}
    RETURNING number, (SELECT number FROM directory_posted)
""")  # noqa: S608 - names of columns

Dialect = Sqlite | PostgreSQL


def dialect(connection: sa.Connection) -> Dialect:
    """What a connection's database speaks."""
    return Sqlite() if connection.dialect.name == "sqlite" else PostgreSQL()
