"""Keeps the index in step with the posts: what the module says of one takes the place of what was known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from belisha.blog.article import Article
from belisha.directory.text import MOST_CHARACTERS, fold, storable, words
from bots.blog.engines import Index, engine
from bots.blog.tables import edit, post, tag
from bots.kernel.store import insert_on

_TITLE: Final = "t"
_TEXT: Final = "x"
WORDS: Final = Index("blog_words", "blog_unswept", "title", _TITLE)


def number_of(connection: sa.Connection, event_id: str) -> int | None:
    """The number of a post by its id, or by that of one of its edits."""
    found = connection.scalar(sa.select(post.c.number).where(post.c.event_id == event_id))
    if found is None:
        found = connection.scalar(sa.select(edit.c.number).where(edit.c.event_id == event_id))
    return None if found is None else int(found)


def known(connection: sa.Connection, event_id: str) -> tuple[str, str] | None:
    """Room and id of the post that an event is, or is an edit of; None where it is neither."""
    number = number_of(connection, event_id)
    row = connection.execute(sa.select(post.c.room_id, post.c.event_id).where(post.c.number == number)).one_or_none()
    return None if row is None else (str(row.room_id), str(row.event_id))


def put(connection: sa.Connection, article: Article, row: dict[str, Any], edits: Sequence[str]) -> None:
    """Indexes a post in place of what is there of it.

    Args:
        connection: a transaction that writes.
        article: what it says now.
        row: `event_id`, `room_id`, `author`, and `sent_at` in milliseconds since 1970.
        edits: the ids of its edits.
    """
    engine(connection, WORDS).turn(connection)
    drop(connection, str(row["event_id"]))
    values = {**row, "title": storable(article.title)}
    (number,) = connection.execute(post.insert().values(values).returning(post.c.number)).one()
    labels = {fold(one): storable(one) for one in article.tags}
    if labels:
        connection.execute(
            tag.insert(), [{"number": number, "folded": folded, "label": label} for folded, label in labels.items()]
        )
    if edits:
        rows = [{"event_id": one, "number": number} for one in edits]
        connection.execute(insert_on(connection, edit).on_conflict_do_nothing(), rows)
    engine(connection, WORDS).put(connection, number, _segments(article))


def drop(connection: sa.Connection, event_id: str) -> bool:
    """Takes a post out of everything; whether it was there."""
    number = connection.scalar(sa.select(post.c.number).where(post.c.event_id == event_id))
    if number is None:
        return False
    _drop(connection, int(number))
    return True


def drop_all(connection: sa.Connection, room_id: str) -> None:
    """Takes all posts of a room out: it is no blog any more."""
    for number in connection.scalars(sa.select(post.c.number).where(post.c.room_id == room_id)).all():
        _drop(connection, int(number))


def sweep(connection: sa.Connection) -> None:
    """Erases what the full-text index keeps of deleted rows; to be run every minute, and quick where there are none."""
    engine(connection, WORDS).sweep(connection)


def _drop(connection: sa.Connection, number: int) -> None:
    for table in (tag, edit, post):
        connection.execute(table.delete().where(table.c.number == number))
    engine(connection, WORDS).take_out(connection, number)


def _segments(article: Article) -> list[tuple[str, list[str]]]:
    """Code and keys of the title, of each tag and of each line of the text."""
    lines = [
        line[start : start + MOST_CHARACTERS]
        for line in article.text.splitlines()
        for start in range(0, len(line), MOST_CHARACTERS)
    ]
    found = [(_TITLE, article.title), *((_TITLE, one) for one in article.tags), *((_TEXT, line) for line in lines)]
    segments = [(code, [word.key for word in words(text)]) for code, text in found]
    return [(code, keys) for code, keys in segments if keys]
