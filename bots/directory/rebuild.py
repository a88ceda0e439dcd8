"""Makes the whole index anew out of the profiles, many at a time: after a restore, or for words read anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from belisha.directory.documents import Document, documents
from belisha.directory.text import deletions
from belisha.directory.values import Profile
from bots.directory.dialects import dialect
from bots.directory.index import LONGEST_CORRECTED, row_of, tags_of, words_of
from bots.directory.index_tables import community, deletion, groups, posting, tag, unmerged, vocabulary
from bots.directory.postings import Filling, keys_of, set_merged

_AT_ONCE: Final = 1000


def rebuild(connection: sa.Connection, profiles: Iterable[tuple[Profile, float]]) -> None:
    """Empties the index and fills it; synonyms stay.

    Args:
        connection: a transaction that writes.
        profiles: each with when it changed last (seconds since 1970), the oldest first: the order is their freshness.
    """
    dialect(connection).turn(connection)
    for table in (community, groups, posting, unmerged, vocabulary, deletion, tag):
        connection.execute(table.delete())
    filling, highest = Filling(), 0
    counted: Counter[tuple[str, str]] = Counter()
    tags: Counter[tuple[tuple[str, str], ...]] = Counter()
    left = iter(profiles)
    while some := list(islice(left, _AT_ONCE)):
        made = [(profile, updated, *documents(profile)) for profile, updated in some]
        _fill(connection, community, [(profile, updated, document) for profile, updated, document, _ in made])
        of = dict(_numbers(connection, [profile.user_id for profile, _ in some]))
        for profile, _, document, _ in made:
            filling.add(of[profile.user_id], keys_of(row_of(profile, document)))
            highest = max(highest, of[profile.user_id])
            counted.update(words_of(document.texts).items())
            tags.update(tags_of(document.texts))
        _fill(
            connection, groups, [(profile, updated, other) for profile, updated, _, other in made if other is not None]
        )
    _insert(connection, posting, filling.rows())
    set_merged(connection, highest)
    _insert(
        connection,
        vocabulary,
        ({"word": word, "key": key, "documents": count} for (word, key), count in counted.items()),
    )
    short = sorted(word for word, _ in counted if len(word) <= LONGEST_CORRECTED)
    _insert(connection, deletion, ({"variant": one, "word": word} for word in short for one in sorted(deletions(word))))
    _insert(connection, tag, (dict(one) | {"members": count} for one, count in tags.items()))


def _numbers(connection: sa.Connection, members: Sequence[str]) -> Iterable[tuple[str, int]]:
    columns = sa.select(community.c.user_id, community.c.number)
    return [(row.user_id, row.number) for row in connection.execute(columns.where(community.c.user_id.in_(members)))]


def _fill(connection: sa.Connection, table: sa.Table, some: Sequence[tuple[Profile, float, Document]]) -> None:
    if some:
        rows = [row_of(profile, document) | {"updated": updated} for profile, updated, document in some]
        connection.execute(table.insert(), rows)


def _insert(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        connection.execute(table.insert(), some)
