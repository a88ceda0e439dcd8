"""What a query needs to know of the community's words before it is asked: synonyms, beginnings, what may be meant.

All of that follows from what the whole community may read, so it is the same for everybody who asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from belisha.directory.query import Known, Parsed, to_look_up
from belisha.directory.text import deletions
from bots.directory.dialects import PostgreSQL, Sqlite, dialect
from bots.directory.index import LONGEST_CORRECTED

_BEYOND: Final = "\U0010ffff"
_MOST_BEGUN: Final = 30
_MOST_NEAR: Final = 200


def look_up(connection: sa.Connection, parsed: Parsed) -> Known:
    """Looks up what there is to know for a query."""
    if not parsed.pieces:
        return Known()
    words = dialect(connection)
    asked = {word.key for _, run in parsed.pieces for word in run}
    values = {"terms": words.listed(parsed.terms), "keys": words.listed(asked)}
    synonyms: defaultdict[str, list[str]] = defaultdict(list)
    documents: dict[str, int] = {}
    known: set[str] = set()
    for kind, one, other, count in connection.execute(_STATEMENTS[words.among], values).all():
        if kind == "synonym":
            synonyms[one].append(other)
        else:
            documents[one] = count
            known.add(other)
    documents = {word: count for word, count in documents.items() if word in parsed.surfaces}
    begun, near = to_look_up(parsed, documents, frozenset(known))
    beginnings = {beginning: _begun(connection, beginning) for beginning in begun}
    misspelt = _near(connection, [word for word in near if len(word) <= LONGEST_CORRECTED])
    return Known(
        synonyms={term: sorted(others) for term, others in synonyms.items()},
        documents=documents,
        keys=frozenset(known),
        begun=beginnings,
        near=misspelt,
    )


def _begun(connection: sa.Connection, beginning: str) -> Sequence[tuple[str, int]]:
    found = connection.execute(_BEGUN, {"first": beginning, "last": beginning + _BEYOND, "most": _MOST_BEGUN})
    return [(word, count) for word, count in found.all()]


def _near(connection: sa.Connection, misspelt: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    words = dialect(connection)
    found: dict[str, list[tuple[str, int]]] = {}
    for word in misspelt:
        values = {"variants": words.listed(deletions(word)), "word": word, "most": _MOST_NEAR}
        found[word] = [(other, count) for other, count in connection.execute(_NEAR[words.among], values).all()]
    return found


_KNOWN: Final = (
    "SELECT 'synonym', s.term_key, o.term, 0 FROM directory_synonym s JOIN directory_synonym o ON o.number = s.number"
    " WHERE s.term_key {terms}"
    " UNION ALL SELECT 'word', word, key, documents FROM directory_vocabulary WHERE key {keys}"
)
_NEAREST: Final = (
    "SELECT v.word, v.documents FROM directory_vocabulary v WHERE v.word != :word"
    " AND v.word IN (SELECT d.word FROM directory_deletion d WHERE d.variant {variants})"
    " ORDER BY v.documents DESC, v.word LIMIT :most"
)
_STATEMENTS: Final = {
    one.among: sa.text(_KNOWN.format(terms=one.among.format("terms"), keys=one.among.format("keys")))
    for one in (Sqlite, PostgreSQL)
}
_NEAR: Final = {
    one.among: sa.text(_NEAREST.format(variants=one.among.format("variants"))) for one in (Sqlite, PostgreSQL)
}
_BEGUN: Final = sa.text(
    "SELECT word, documents FROM directory_vocabulary WHERE word >= :first AND word < :last"
    " ORDER BY documents DESC, word LIMIT :most"
)
