"""The table of terms that mean the same, which managers keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from belisha.directory.query import LONGEST_TERM
from belisha.directory.text import words
from bots.directory.index_tables import synonym

_LONGEST: Final = 80  # characters
_MOST: Final = 40  # terms of one meaning: each is looked for whenever one of them is


def listed(connection: sa.Connection) -> list[tuple[str, ...]]:
    """The groups of terms, in the order of the alphabet."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for number, term in connection.execute(sa.select(synonym.c.number, synonym.c.term).order_by(synonym.c.term)):
        found[number].append(term)
    return sorted(tuple(terms) for terms in found.values())


def add(connection: sa.Connection, terms: Sequence[str]) -> None:
    """Says that terms mean the same; see `search.add_synonyms`."""
    keys = {term_key(term): _shown(term) for term in terms}
    if len(keys) < 2:
        raise ValueError("Synonyms are two terms or more that mean the same: name at least two different ones.")
    there = connection.execute(sa.select(synonym.c.number).where(synonym.c.term_key.in_(sorted(keys)))).scalars()
    numbers = sorted(set(there))
    number = numbers[0] if numbers else 1 + (connection.scalar(sa.select(sa.func.max(synonym.c.number))) or 0)
    together = synonym.c.number.in_([number, *numbers])
    held = set(connection.scalars(sa.select(synonym.c.term_key).where(together)))
    if len(held | keys.keys()) > _MOST:
        raise ValueError(f"At most {_MOST} terms can mean the same. Take some out first.")
    connection.execute(synonym.update().where(synonym.c.number.in_(numbers)).values(number=number))
    new = [{"term_key": key, "term": term, "number": number} for key, term in keys.items() if key not in held]
    if new:
        connection.execute(synonym.insert(), new)


def remove(connection: sa.Connection, term: str) -> bool:
    """Takes a term out of its group; see `search.remove_synonym`."""
    key = " ".join(word.key for word in words(term))
    number = connection.scalar(sa.select(synonym.c.number).where(synonym.c.term_key == key))
    if number is None:
        return False
    connection.execute(synonym.delete().where(synonym.c.term_key == key))
    of_it = sa.select(sa.func.count()).where(synonym.c.number == number)
    if connection.scalar(of_it) == 1:
        connection.execute(synonym.delete().where(synonym.c.number == number))
    return True


def term_key(term: str) -> str:
    """How a term is compared.

    Raises:
        ValueError: With a sentence: it has no word, too many, or is too long.
    """
    found = words(term)
    if not found or len(found) > LONGEST_TERM or len(term) > _LONGEST:
        raise ValueError(f"A synonym has one to {LONGEST_TERM} words and at most {_LONGEST} characters.")
    return " ".join(word.key for word in found)


def _shown(term: str) -> str:
    return " ".join("".join(character for character in term if character.isprintable()).split())
