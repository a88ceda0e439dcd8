"""The search of the directory: one interface, whichever database. Who may read what is decided by the asker's values.

Everything here runs in the caller's transaction: `Context.connection`, `Store.write` or `Store.read`. Profiles are
indexed in the same transaction that changes them, so that nothing is found that is not so.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from belisha.directory.values import Answer, Asker, Facets, Hit, Profile


def index(connection: sa.Connection, profile: Profile, now: float) -> None:
    """Puts a profile into the index, in place of what is there of its owner; an empty one stands there by its name.

    What the community may read is left as it is where only hidden fields have changed, down to its freshness: so a
    stranger's answers do not change.

    Args:
        connection: a transaction that writes.
        profile: as it is now, with all fields; hidden ones are sorted out here.
        now: seconds since 1970.
    """
    raise NotImplementedError


def drop(connection: sa.Connection, user_id: str) -> None:
    """Takes a member out of the index (frozen, off-boarded, erased); nothing happens where they are not in it.

    On SQLite the words are gone from the file once `sweep` has run.
    """
    raise NotImplementedError


def sweep(connection: sa.Connection) -> None:
    """Erases what a full-text index keeps of rows that were deleted; to be run every minute, and quick where none were."""
    raise NotImplementedError


def search(
    connection: sa.Connection, query: str, asker: Asker, now: float, facets: Facets | None = None, page: int = 1
) -> Answer:
    """Finds profiles by what the asker may read of them.

    Args:
        connection: a transaction that reads.
        query: as it was typed: words, "phrases", and `hash*` for the beginning of a word. Any text is answered; the
            last word also counts as a beginning. An empty one finds everybody, the freshest first.
        asker: who asks.
        now: seconds since 1970.
        facets: by what to narrow down.
        page: from 1.
    """
    raise NotImplementedError


def suggest(connection: sa.Connection, field: str, prefix: str, most: int = 10) -> Sequence[str]:
    """Tags of a field that begin so and that the community may read, the most used first; for editors."""
    raise NotImplementedError


def match(connection: sa.Connection, challenge: str, asker: Asker, now: float, most: int = 5) -> Sequence[Hit]:
    """Members whose expertise fits a challenge, those of other organisations first, each with the reason.

    Args:
        connection: a transaction that reads.
        challenge: a tag of the asker's, or one that the asker may read.
        asker: who asks; by whose organisation "other" is meant.
        now: seconds since 1970.
        most: how many at most.
    """
    raise NotImplementedError


def synonyms(connection: sa.Connection) -> Sequence[tuple[str, ...]]:
    """The groups of terms that mean the same, as managers wrote them."""
    raise NotImplementedError


def add_synonyms(connection: sa.Connection, terms: Sequence[str]) -> None:
    """Says that terms mean the same; groups that share one become one.

    Raises:
        ValueError: With a sentence: fewer than two terms, or one without a word, or longer than six words.
    """
    raise NotImplementedError


def remove_synonym(connection: sa.Connection, term: str) -> bool:
    """Takes a term out of its group, which ends when one alone is left; False where it was in none."""
    raise NotImplementedError
