"""What a query needs to know of the community's words before it is asked: synonyms, beginnings, what may be meant.

The postings that it will most likely need are read with that, by one statement.

All of that follows from what the whole community may read, so it is the same for everybody who asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from belisha.directory.query import Known, Parsed, to_look_up
from belisha.directory.text import deletions
from bots.directory.dialects import PostgreSQL, Sqlite, dialect
from bots.directory.index import LONGEST_CORRECTED
from bots.directory.postings import Postings, of_phrase, with_merged
from bots.kernel.direct import Statement

_BEYOND: Final = "\U0010ffff"
_MOST_BEGUN: Final = 30
_MOST_NEAR: Final = 200
_LONGEST_KEY: Final = 2  # words of a posting's key


def look_up(connection: sa.Connection, parsed: Parsed, besides: Collection[str] = ()) -> tuple[Known, Postings | None]:
    """Looks up what there is to know for a query, and the postings that it will most likely need.

    Args:
        connection: a transaction that reads.
        parsed: the query.
        besides: keys of postings that are needed in any case.
    """
    if not parsed.pieces:
        return Known(), None
    words, likely = dialect(connection), _likely(parsed).union(besides)
    asked = {word.key for _, run in parsed.pieces for word in run}
    # One journey: the last word is looked up as a beginning whether or not it turns out to be a word.
    first = parsed.last if len(parsed.last) > 1 else ""
    whole = parsed.pieces[-1][1][-1].key if first else ""
    values = {"terms": words.listed(parsed.terms), "asked": words.listed(asked), "keys": words.listed(likely)}
    synonyms: defaultdict[str, list[str]] = defaultdict(list)
    documents: dict[str, int] = {}
    known: set[str] = set()
    begun, begin_with, rows = list[tuple[str, int]](), set[str](), []
    found = _STATEMENTS[words.among].rows(connection, values | _between(first) | {"whole": whole})
    for kind, one, count, anywhere, expertise, term, key in found:
        if kind == "posting":
            rows.append((one, count, anywhere, expertise))
        elif kind == "synonym":
            synonyms[one].append(term)
            if key.count(" ") < _LONGEST_KEY:
                likely.add(key)
        elif kind == "begun":
            begun.append((one, count))
            begin_with.add(key)
        else:
            documents[one] = count
            known.add(term)
    if whole not in known:
        likely |= begin_with
    documents = {word: count for word, count in documents.items() if word in parsed.surfaces}
    beginnings, near = to_look_up(parsed, documents, frozenset(known))
    read = {one: _most_usual(begun) if one == first else _begun(connection, one) for one in beginnings}
    misspelt = [word for word in near if len(word) <= LONGEST_CORRECTED and not read.get(word)]
    told = Known(
        synonyms={term: sorted(others) for term, others in synonyms.items()},
        documents=documents,
        keys=frozenset(known),
        begun=read,
        near=_near(connection, misspelt),
    )
    return told, Postings(likely, rows)


def _likely(parsed: Parsed) -> set[str]:
    """The postings that are needed where nothing means the same as a word, and none is misspelt."""
    found = set[str]()
    for phrase, run in parsed.pieces:
        keys = [word.key for word in run if phrase or word.surface not in parsed.idle]
        found.update(of_phrase(keys) if phrase else keys)
    return found


def _between(beginning: str) -> dict[str, str | int]:
    """The words that begin so; for none of them an empty beginning."""
    return {"first": beginning, "last": beginning and beginning + _BEYOND, "most": _MOST_BEGUN}


def _most_usual(begun: Iterable[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """In the order in which the database chose them."""
    return sorted(begun, key=lambda one: (-one[1], one[0]))


def _begun(connection: sa.Connection, beginning: str) -> Sequence[tuple[str, int]]:
    statement = _BEGINNINGS[dialect(connection).among]
    return [(word, count) for word, count in statement.rows(connection, _between(beginning))]


def _near(connection: sa.Connection, misspelt: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    words = dialect(connection)
    found: dict[str, list[tuple[str, int]]] = {}
    for word in misspelt:
        values = {"variants": words.listed(deletions(word)), "word": word, "most": _MOST_NEAR}
        found[word] = [(other, count) for other, count in _NEAR[words.among].rows(connection, values)]
    return found


_BEGINNING: Final = (
    "SELECT word, documents{key} FROM directory_vocabulary WHERE word >= {first} AND word < {last}"
    " ORDER BY documents DESC, word LIMIT :most"
)
# What means the same, and what begins so where there is no such word, has its postings read at once. Postings come
# first: what is NULL there says of which type it is.
_KNOWN: Final = (
    "WITH meant AS MATERIALIZED (SELECT s.term_key AS typed, o.term, o.term_key AS also"
    " FROM directory_synonym s JOIN directory_synonym o ON o.number = s.number WHERE s.term_key {terms}),"
    " begun AS MATERIALIZED ({begun})"
    " SELECT 'posting' AS kind, key, slice, anywhere, expertise, '' AS term, '' AS also FROM ({postings}) p"
    " UNION ALL SELECT 'synonym', typed, 0, NULL, NULL, term, also FROM meant"
    " UNION ALL SELECT 'word', word, documents, NULL, NULL, key, '' FROM directory_vocabulary WHERE key {asked}"
    " UNION ALL SELECT 'begun', word, documents, NULL, NULL, '', key FROM begun"
)
_MEANT_TOO: Final = "SELECT also FROM meant"
_BEGUN_TOO: Final = (
    "SELECT key FROM begun WHERE NOT EXISTS (SELECT 1 FROM directory_vocabulary v WHERE v.key = {whole})"
)
_NEAREST: Final = (
    "SELECT v.word, v.documents FROM directory_vocabulary v WHERE v.word != :word"
    " AND v.word IN (SELECT d.word FROM directory_deletion d WHERE d.variant {variants})"
    " ORDER BY v.documents DESC, v.word LIMIT :most"
)


def _begun_by(one: type[Sqlite | PostgreSQL], key: str = "") -> str:
    first, last = one.steady_text.format("first"), one.steady_text.format("last")
    return _BEGINNING.format(key=key, first=first, last=last)


def _known_by(one: type[Sqlite | PostgreSQL]) -> str:
    begun_too = _BEGUN_TOO.format(whole=one.steady_text.format("whole"))
    return _KNOWN.format(
        postings=with_merged(one.steady_besides.format("keys", _MEANT_TOO, begun_too)),
        terms=one.steady_among.format("terms"),
        asked=one.steady_among.format("asked"),
        begun=_begun_by(one, key=", key"),
    )


_BEGINNINGS: Final = {one.among: Statement(_begun_by(one)) for one in (Sqlite, PostgreSQL)}
_STATEMENTS: Final = {one.among: Statement(_known_by(one)) for one in (Sqlite, PostgreSQL)}
_NEAR: Final = {
    one.among: Statement(_NEAREST.format(variants=one.steady_among.format("variants"))) for one in (Sqlite, PostgreSQL)
}
