"""Keeps the index in step with the profiles: one document of each member for the community, one more for groups."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from belisha.directory.documents import BETWEEN, Document, documents
from belisha.directory.fields import FIELDS
from belisha.directory.text import Word, deletions, fold, words
from belisha.directory.values import Profile
from bots.directory.engines import engine
from bots.directory.index_tables import community, deletion, groups, tag, vocabulary
from bots.kernel.store import insert_on

#: Longer words are looked for as they are.
LONGEST_CORRECTED: Final = 24
_TAGS: Final = {field.code: field.id for field in FIELDS.values() if field.tags}


def put(connection: sa.Connection, profile: Profile, now: float) -> None:
    """Indexes a profile in place of what is there of its owner; see `search.index`."""
    everybody, for_groups = documents(profile)
    engine(connection).turn(connection)
    _put_for_groups(connection, profile, for_groups, now)
    row = row_of(profile, everybody)
    old = connection.execute(sa.select(community).where(community.c.user_id == profile.user_id)).mappings().first()
    if old is not None:
        if all(old[name] == value for name, value in row.items()):
            return
        _take_out(connection, old["number"])
    (number,) = connection.execute(community.insert().values(**row, updated=now).returning(community.c.number)).one()
    engine(connection).put(connection, number, everybody.segments)
    _count(connection, _texts(old), everybody.texts)


def take_out(connection: sa.Connection, user_id: str) -> None:
    """Takes a member out of all that the index has."""
    engine(connection).turn(connection)
    connection.execute(groups.delete().where(groups.c.user_id == user_id))
    old = connection.execute(sa.select(community).where(community.c.user_id == user_id)).mappings().first()
    if old is not None:
        _take_out(connection, old["number"])
        _count(connection, _texts(old), ())


def row_of(profile: Profile, document: Document) -> dict[str, str]:
    """A document as its table has it, without when it changed."""
    return {
        "user_id": profile.user_id,
        "organisation": profile.organisation,
        "category": profile.category,
        "availability": document.availability,
        "interests": BETWEEN.join(document.interests),
        "flat": document.flat,
        "texts": json.dumps(document.texts, ensure_ascii=False),
    }


def _put_for_groups(connection: sa.Connection, profile: Profile, document: Document | None, now: float) -> None:
    old = connection.execute(sa.select(groups).where(groups.c.user_id == profile.user_id)).mappings().first()
    row = row_of(profile, document) if document is not None else None
    if old is not None and row is not None and all(old[name] == value for name, value in row.items()):
        return
    if old is not None:
        connection.execute(groups.delete().where(groups.c.number == old["number"]))
    if row is not None:
        connection.execute(groups.insert().values(**row, updated=now))


def _take_out(connection: sa.Connection, number: int) -> None:
    engine(connection).take_out(connection, number)
    connection.execute(community.delete().where(community.c.number == number))


def _texts(row: sa.RowMapping | None) -> Iterable[tuple[str, str]]:
    return [(code, text) for code, text in json.loads(row["texts"])] if row is not None else ()


def _count(connection: sa.Connection, old: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> None:
    """Brings words and tags up to date."""
    old, new = list(old), list(new)
    were, are = words_of(old), words_of(new)
    gone, come = sorted(were.keys() - are.keys()), sorted(are.keys() - were.keys())
    if gone:
        _fewer_words(connection, gone)
    if come:
        _more_words(connection, [Word(surface, are[surface]) for surface in come])
    had, has = tags_of(old), tags_of(new)
    for one in sorted(had - has):
        where = [tag.c[name] == value for name, value in one]
        connection.execute(tag.update().where(*where).values(members=tag.c.members - 1))
        connection.execute(tag.delete().where(*where, tag.c.members <= 0))
    added = [dict(one) | {"members": 1} for one in sorted(has - had)]
    if added:
        insert = insert_on(connection, tag).values(added)
        one_more = {"members": tag.c.members + 1}
        connection.execute(insert.on_conflict_do_update(index_elements=["field", "folded", "label"], set_=one_more))


def words_of(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The words of a document, by surface, with their keys."""
    return {word.surface: word.key for _, text in texts for word in words(text)}


def tags_of(texts: Iterable[tuple[str, str]]) -> set[tuple[tuple[str, str], ...]]:
    """The tags of a document, each as the columns of its row."""
    return {(("field", _TAGS[code]), ("folded", fold(text)), ("label", text)) for code, text in texts if code in _TAGS}


def _more_words(connection: sa.Connection, come: list[Word]) -> None:
    insert = insert_on(connection, vocabulary).values(
        [{"word": word.surface, "key": word.key, "documents": 1} for word in come]
    )
    one_more = {"documents": vocabulary.c.documents + 1}
    counted = insert.on_conflict_do_update(index_elements=["word"], set_=one_more).returning(
        vocabulary.c.word, vocabulary.c.documents
    )
    new = sorted(word for word, count in connection.execute(counted) if count == 1 and len(word) <= LONGEST_CORRECTED)
    variants = [{"variant": variant, "word": word} for word in new for variant in sorted(deletions(word))]
    if variants:
        connection.execute(insert_on(connection, deletion).on_conflict_do_nothing(), variants)


def _fewer_words(connection: sa.Connection, gone: list[str]) -> None:
    connection.execute(
        vocabulary.update().where(vocabulary.c.word.in_(gone)).values(documents=vocabulary.c.documents - 1)
    )
    ended = sa.select(vocabulary.c.word).where(vocabulary.c.word.in_(gone), vocabulary.c.documents <= 0)
    nobodys = list(connection.scalars(ended))
    if nobodys:
        connection.execute(deletion.delete().where(deletion.c.word.in_(nobodys)))
        connection.execute(vocabulary.delete().where(vocabulary.c.word.in_(nobodys)))
