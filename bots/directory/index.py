"""Keeps the index in step with the profiles: one document of each member for the community, one more for groups."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa

from belisha.directory.documents import BETWEEN, Document, documents
from belisha.directory.fields import FIELDS
from belisha.directory.text import Word, deletions, fold, words
from belisha.directory.values import Profile
from bots.directory import postings
from bots.directory.dialects import dialect
from bots.directory.index_tables import community, deletion, groups, tag, vocabulary
from bots.kernel.store import insert_on

#: Longer words are looked for as they are.
LONGEST_CORRECTED: Final = 24
_COMMUNITY, _GROUPS = "community", "groups"
_OF_MEMBER: Final = sa.union_all(
    *(
        sa.select(sa.literal(audience).label("audience"), table).where(table.c.user_id == sa.bindparam("whose"))
        for audience, table in ((_COMMUNITY, community), (_GROUPS, groups))
    )
)
_KEY: Final = (tag.c.field, tag.c.folded, tag.c.label)
_TAGS: Final = {field.code: field.id for field in FIELDS.values() if field.tags}


def put(connection: sa.Connection, profile: Profile, now: float) -> None:
    """Indexes a profile in place of what is there of its owner; see `search.index`."""
    everybody, for_groups = documents(profile)
    dialect(connection).turn(connection)
    of = _indexed(connection, profile.user_id)
    _put_for_groups(connection, of.get(_GROUPS), None if for_groups is None else row_of(profile, for_groups), now)
    old, row = of.get(_COMMUNITY), row_of(profile, everybody)
    if old is not None and _is_same(old, row):
        return
    replaced = None if old is None else old["number"]
    number, merged = dialect(connection).replace(connection, replaced, row | {"updated": now})
    if old is not None:
        postings.gone(connection, old)
    if number - merged >= postings.MOST_MERGED:
        postings.merge(connection)
    _count(connection, _texts(old), everybody.texts)


def take_out(connection: sa.Connection, user_id: str) -> None:
    """Takes a member out of all that the index has."""
    dialect(connection).turn(connection)
    of = _indexed(connection, user_id)
    _put_for_groups(connection, of.get(_GROUPS), None, 0.0)
    if old := of.get(_COMMUNITY):
        postings.gone(connection, old)
        connection.execute(community.delete().where(community.c.number == old["number"]))
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


def _indexed(connection: sa.Connection, user_id: str) -> dict[str, sa.RowMapping]:
    """What is there of a member, by audience."""
    return {row["audience"]: row for row in connection.execute(_OF_MEMBER, {"whose": user_id}).mappings()}


def _is_same(old: sa.RowMapping, row: Mapping[str, str]) -> bool:
    return all(old[name] == value for name, value in row.items())


def _put_for_groups(
    connection: sa.Connection, old: sa.RowMapping | None, row: Mapping[str, str] | None, now: float
) -> None:
    if old is not None and row is not None and _is_same(old, row):
        return
    if old is not None:
        connection.execute(groups.delete().where(groups.c.number == old["number"]))
    if row is not None:
        connection.execute(groups.insert().values(**row, updated=now))


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
    if lost := sorted(had - has):
        _fewer_tags(connection, [tuple(value for _, value in one) for one in lost])
    if added := [dict(one) | {"members": 1} for one in sorted(has - had)]:
        one_more = {"members": tag.c.members + 1}
        insert = insert_on(connection, tag).on_conflict_do_update(index_elements=_KEY, set_=one_more)
        connection.execute(insert, added)


def words_of(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The words of a document, by surface, with their keys."""
    return {word.surface: word.key for _, text in texts for word in words(text)}


def tags_of(texts: Iterable[tuple[str, str]]) -> set[tuple[tuple[str, str], ...]]:
    """The tags of a document, each as the columns of its row."""
    return {(("field", _TAGS[code]), ("folded", fold(text)), ("label", text)) for code, text in texts if code in _TAGS}


def _more_words(connection: sa.Connection, come: list[Word]) -> None:
    rows = [{"word": word.surface, "key": word.key, "documents": 1} for word in come]
    one_more = {"documents": vocabulary.c.documents + 1}
    insert = insert_on(connection, vocabulary).on_conflict_do_update(index_elements=["word"], set_=one_more)
    counted = insert.returning(vocabulary.c.word, vocabulary.c.documents)
    new = sorted(
        word for word, count in connection.execute(counted, rows) if count == 1 and len(word) <= LONGEST_CORRECTED
    )
    variants = [{"variant": variant, "word": word} for word in new for variant in sorted(deletions(word))]
    if variants:
        connection.execute(insert_on(connection, deletion).on_conflict_do_nothing(), variants)


def _fewer_words(connection: sa.Connection, gone: list[str]) -> None:
    less = vocabulary.update().where(vocabulary.c.word.in_(gone)).values(documents=vocabulary.c.documents - 1)
    counted = connection.execute(less.returning(vocabulary.c.word, vocabulary.c.documents))
    nobodys = sorted(word for word, count in counted if count <= 0)
    if nobodys:
        connection.execute(deletion.delete().where(deletion.c.word.in_(nobodys)))
        connection.execute(vocabulary.delete().where(vocabulary.c.word.in_(nobodys)))


def _fewer_tags(connection: sa.Connection, lost: list[tuple[str, ...]]) -> None:
    less = tag.update().where(sa.tuple_(*_KEY).in_(lost)).values(members=tag.c.members - 1)
    counted = connection.execute(less.returning(*_KEY, tag.c.members))
    nobodys = sorted((field, folded, label) for field, folded, label, members in counted if members <= 0)
    if nobodys:
        connection.execute(tag.delete().where(sa.tuple_(*_KEY).in_(nobodys)))
