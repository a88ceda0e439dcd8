"""Which posts somebody finds: of the blogs that the module says they read at this moment, and of no others (rule P2).

Posts of other rooms, and those from before somebody could read a room, are left out by the database: so they take no
part in matching, in counts, in the list of tags or in the number of pages. Whether what is left may be shown, the
module decides about each post once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from belisha.directory.query import Known, Unit, parse, spell_out
from belisha.directory.text import fold, storable
from bots.blog.engines import engine
from bots.blog.index import WORDS
from bots.blog.tables import post, tag

#: Posts of a page, the furthest page, and tags that are offered.
PAGE: Final = 10
MOST_PAGES: Final = 1000
_TAGS: Final = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for.

    Attributes:
        query: words, "phrases", #tags; empty for all posts.
        tag: one tag, however it is capitalised; empty for any.
        author: a user id; empty for anybody.
        group: a room id; empty for all blogs.
        page: from 1.
    """

    query: str = ""
    tag: str = ""
    author: str = ""
    group: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A post of a list."""

    room_id: str
    event_id: str
    sent_at: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of posts.

    Attributes:
        rows: those of the page; those whose title or tags have all words first, then the newest.
        total: how many there are on all pages.
        tags: how many posts each tag has, the most used first.
        rooms: the rooms that `tags` and `total` are made of.
    """

    rows: Sequence[Row]
    total: int
    tags: Mapping[str, int] = field(default_factory=dict)
    rooms: frozenset[str] = frozenset()


def listed(connection: sa.Connection, since: Mapping[str, int], asked: Asked) -> Listed:
    """The posts that somebody asks for.

    Args:
        connection: a transaction that reads.
        since: from when on they read each blog, in milliseconds since 1970, by room.
        asked: what they look for.
    """
    rooms = {room: at for room, at in since.items() if not asked.group or room == asked.group}
    if not rooms:
        return Listed((), 0)
    conditions: list[sa.ColumnElement[bool]] = [_seen(rooms)]
    if asked.author:
        conditions.append(post.c.author == storable(asked.author))
    query, named = _tags_apart(asked.query)
    for one in (*named, asked.tag) if asked.tag else named:
        conditions.append(post.c.number.in_(sa.select(tag.c.number).where(tag.c.folded == fold(one))))
    parsed = parse(query)
    units = spell_out(parsed, Known())
    values: dict[str, Any] = {}
    first: sa.ColumnElement[Any] = sa.literal(0)
    if query.strip():
        if not units:
            return Listed((), 0)
        conditions.append(_has(connection, units, values, title=False))
        first = sa.case((_has(connection, units, values, title=True), 1), else_=0)
    matching = sa.and_(*conditions)
    total = connection.scalar(sa.select(sa.func.count()).select_from(post).where(matching), values) or 0
    rows = connection.execute(
        sa.select(post.c.room_id, post.c.event_id, post.c.sent_at)
        .where(matching)
        .order_by(first.desc(), post.c.sent_at.desc(), post.c.event_id)
        .limit(PAGE)
        .offset((asked.page - 1) * PAGE),
        values,
    ).all()
    used = connection.scalars(sa.select(post.c.room_id).where(matching).distinct(), values).all()
    found = tuple(Row(str(row.room_id), str(row.event_id), int(row.sent_at)) for row in rows)
    return Listed(found, int(total), _tags(connection, matching, values), frozenset(used))


def _tags_apart(query: str) -> tuple[str, Sequence[str]]:
    """The words of a query, and apart from them its tags: `#tides` means the tag, and no word of a post."""
    words = query.split()
    tags = [word[1:] for word in words if word.startswith("#") and len(word) > 1]
    return (" ".join(word for word in words if not word.startswith("#")) if tags else query), tags


def _seen(rooms: Mapping[str, int]) -> sa.ColumnElement[bool]:
    always = sorted(room for room, at in rooms.items() if at <= 0)
    later = [(room, at) for room, at in sorted(rooms.items()) if at > 0]
    parts = [post.c.room_id.in_(always)] if always else []
    return sa.or_(*parts, *(sa.and_(post.c.room_id == room, post.c.sent_at >= at) for room, at in later))


def _has(
    connection: sa.Connection, units: Sequence[Unit], values: dict[str, Any], *, title: bool
) -> sa.ColumnElement[bool]:
    """The condition that a post, or its title, has all units; what is asked of the index is added to `values`."""
    words = engine(connection, WORDS)
    name = "in_title" if title else "anywhere"
    values[name] = words.query(units, first=title)
    return sa.text(  # type: ignore[return-value]  # a condition, whatever it is made of
        f"blog_post.number IN (SELECT {words.number} FROM {WORDS.words} w WHERE {words.matches(name)})"  # noqa: S608 - constants
    )


def _tags(connection: sa.Connection, matching: sa.ColumnElement[bool], values: Mapping[str, Any]) -> dict[str, int]:
    count = sa.func.count()
    found = (
        sa.select(sa.func.min(tag.c.label), count)
        .select_from(tag.join(post, post.c.number == tag.c.number))
        .where(matching)
        .group_by(tag.c.folded)
        .order_by(count.desc(), tag.c.folded)
        .limit(_TAGS)
    )
    return {str(label): int(posts) for label, posts in connection.execute(found, values)}
