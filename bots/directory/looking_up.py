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
from bots.directory.postings import WITH_MERGED, Postings, of_phrase
from bots.kernel.direct import Statement

_BEYOND: Final = "\U0010ffff"
_MOST_BEGUN: Final = 30
_MOST_NEAR: Final = 200


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
    values = {"terms": words.listed(parsed.terms), "asked": words.listed(asked), "keys": words.listed(likely)}
    synonyms: defaultdict[str, list[str]] = defaultdict(list)
    documents: dict[str, int] = {}
    known: set[str] = set()
    begun, rows = list[tuple[str, int]](), []
    found = _STATEMENTS[words.among].rows(connection, values | _between(first))
    for kind, one, count, anywhere, expertise, term in found:
        if kind == "posting":
            rows.append((one, count, anywhere, expertise))
        elif kind == "synonym":
            synonyms[one].append(term)
        elif kind == "begun":
            begun.append((one, count))
        else:
            documents[one] = count
            known.add(term)
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
    "SELECT word, documents FROM directory_vocabulary WHERE word >= {first} AND word < {last}"
    " ORDER BY documents DESC, word LIMIT :most"
)
# Postings come first: what is NULL there says of which type it is.
_KNOWN: Final = (
    "SELECT 'posting' AS kind, key, slice, anywhere, expertise, '' AS term FROM ({postings}) p"
    " UNION ALL SELECT 'synonym', s.term_key, 0, NULL, NULL, o.term"
    " FROM directory_synonym s JOIN directory_synonym o ON o.number = s.number WHERE s.term_key {terms}"
    " UNION ALL SELECT 'word', word, documents, NULL, NULL, key FROM directory_vocabulary WHERE key {asked}"
    " UNION ALL SELECT 'begun', word, documents, NULL, NULL, '' FROM ({begun}) b"
)
_NEAREST: Final = (
    "SELECT v.word, v.documents FROM directory_vocabulary v WHERE v.word != :word"
    " AND v.word IN (SELECT d.word FROM directory_deletion d WHERE d.variant {variants})"
    " ORDER BY v.documents DESC, v.word LIMIT :most"
)
_BEGUN: Final = {
    one.among: _BEGINNING.format(first=one.steady_text.format("first"), last=one.steady_text.format("last"))
    for one in (Sqlite, PostgreSQL)
}
_BEGINNINGS: Final = {among: Statement(statement) for among, statement in _BEGUN.items()}
_STATEMENTS: Final = {
    one.among: Statement(
        _KNOWN.format(
            postings=WITH_MERGED[one.among],
            terms=one.steady_among.format("terms"),
            asked=one.steady_among.format("asked"),
            begun=_BEGUN[one.among],
        )
    )
    for one in (Sqlite, PostgreSQL)
}
_NEAR: Final = {
    one.among: Statement(_NEAREST.format(variants=one.steady_among.format("variants"))) for one in (Sqlite, PostgreSQL)
}
