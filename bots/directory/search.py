"""The search of the directory: one interface, whichever database. Who may read what is decided by the asker's values.

Everything here runs in the caller's transaction: `Context.connection`, `Store.write` or `Store.read`. Profiles are
indexed in the same transaction that changes them, so that nothing is found that is not so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from belisha.directory.fields import FIELDS
from belisha.directory.query import corrections, parse, spell_out
from belisha.directory.text import fold
from belisha.directory.values import Answer, Asker, Facets, Hit, Profile
from bots.directory import index as indexing
from bots.directory import matching
from bots.directory import rebuild as rebuilding
from bots.directory import synonyms as terms_of_managers
from bots.directory.dialects import dialect
from bots.directory.finding import Finding, keys_of_facets
from bots.directory.index_tables import tag
from bots.directory.looking_up import look_up
from bots.directory.postings import MOST_SWEPT, merge

_NOTHING: Final = "There is no word in that to look for. Type what somebody should know, for example: image hashing"
_LONG: Final = "That is long: its first 12 words were looked for."


def index(connection: sa.Connection, profile: Profile, now: float) -> None:
    """Puts a profile into the index, in place of what is there of its owner; an empty one stands there by its name.

    What the community may read is left as it is where only hidden fields have changed, down to its freshness: so a
    stranger's answers do not change.

    Args:
        connection: a transaction that writes.
        profile: as it is now, with all fields; hidden ones are sorted out here.
        now: seconds since 1970.
    """
    indexing.put(connection, profile, now)


def rebuild(connection: sa.Connection, profiles: Iterable[tuple[Profile, float]]) -> None:
    """Makes the whole index anew; synonyms stay.

    Args:
        connection: a transaction that writes.
        profiles: all of them, each with when it changed last (seconds since 1970), the oldest first.
    """
    rebuilding.rebuild(connection, profiles)


def drop(connection: sa.Connection, user_id: str) -> None:
    """Takes a member out of the index (frozen, off-boarded, erased); nothing happens where they are not in it."""
    indexing.take_out(connection, user_id)


def sweep(connection: sa.Connection, most: int = MOST_SWEPT) -> bool:
    """Brings the words' postings up to date, and erases them of what is gone; to be begun every minute.

    Args:
        connection: a transaction that writes.
        most: how many documents at once: others who change a profile wait as long.

    Returns:
        Whether it is to be run again at once, in a transaction of its own.
    """
    dialect(connection).turn(connection)
    return merge(connection, most)


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
    parsed = parse(query)
    if query.strip() and not parsed.pieces:
        return Answer(said=_NOTHING)
    facets = facets or Facets()
    known, there = look_up(connection, parsed, keys_of_facets(facets))
    units = spell_out(parsed, known)
    strict = all(phrase for phrase, _ in parsed.pieces)
    answer = Finding(connection, asker, facets, now, there).answer(units, page, strict=strict)
    return replace(answer, corrected=corrections(parsed, known), said=_LONG if parsed.cut else "")


def suggest(connection: sa.Connection, field: str, prefix: str, most: int = 10) -> Sequence[str]:
    """Tags of a field that begin so and that the community may read, the most used first; for editors."""
    begun = fold(prefix).lstrip()
    if field not in FIELDS or not FIELDS[field].tags:
        raise ValueError(f"{field} has no tags.")
    members = sa.func.sum(tag.c.members)
    these = (tag.c.field == field, tag.c.folded >= begun, tag.c.folded < begun + "\U0010ffff")
    found = sa.select(tag.c.folded, members).where(*these).group_by(tag.c.folded)
    folded = [one for one, _ in connection.execute(found.order_by(members.desc(), tag.c.folded).limit(most))]
    labels: dict[str, str] = {}
    written = sa.select(tag.c.folded, tag.c.label).where(tag.c.field == field, tag.c.folded.in_(folded))
    for one, label in connection.execute(written.order_by(tag.c.members, tag.c.label.desc())):
        labels[one] = label
    return [labels[one] for one in folded]


def match(connection: sa.Connection, challenge: str, asker: Asker, now: float, most: int = 5) -> Sequence[Hit]:
    """Members whose expertise fits a challenge, those of other organisations first, each with the reason.

    Args:
        connection: a transaction that reads.
        challenge: a tag of the asker's, or one that the asker may read.
        asker: who asks; by whose organisation "other" is meant.
        now: seconds since 1970.
        most: how many at most.
    """
    return matching.match(connection, challenge, asker, now, most)


def synonyms(connection: sa.Connection) -> Sequence[tuple[str, ...]]:
    """The groups of terms that mean the same, as managers wrote them."""
    return terms_of_managers.listed(connection)


def add_synonyms(connection: sa.Connection, terms: Sequence[str]) -> None:
    """Says that terms mean the same; groups that share one become one.

    Raises:
        ValueError: With a sentence: fewer than two terms, or one without a word, or longer than six words.
    """
    terms_of_managers.add(connection, terms)


def remove_synonym(connection: sa.Connection, term: str) -> bool:
    """Takes a term out of its group, which ends when one alone is left; False where it was in none."""
    return terms_of_managers.remove(connection, term)
