"""Which posts somebody finds: of the blogs that the module says they read at this moment, and of no others (rule P2).

Posts of other rooms, and those from before somebody could read a room, are left out by the database: so they take no
part in matching, in counts, in the list of tags or in the number of pages. Whether what is left may be shown, the
module decides about each post once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa

from belisha.directory.query import SHORTEST_MISSPELT, Alternative, Known, Parsed, Unit, parse, spell_out
from belisha.directory.text import edits, fold, key, storable
from bots.blog.engines import engine
from bots.blog.index import WORDS
from bots.blog.tables import post, tag

#: Posts of a page, the furthest page, and tags that are offered.
PAGE: Final = 10
MOST_PAGES: Final = 1000
_TAGS: Final = 30
#: Words of a question for which those of a letter's difference are looked for, of so many letters at most.
_MISSPELT: Final = 3
_LONGEST_MISSPELT: Final = 16


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
        rows: those of the page; those whose title or tags have all words first, whole words before beginnings of words,
            then the newest. Where there is none, those with a letter wrong.
        total: how many there are on all pages.
        tags: how many posts each tag has, the most used first.
        rooms: the rooms that `tags` and `total` are made of.
        misspelt: whether no post has the words, and these have some that differ in one letter.
    """

    rows: Sequence[Row]
    total: int
    tags: Mapping[str, int] = field(default_factory=dict)
    rooms: frozenset[str] = frozenset()
    misspelt: bool = False


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
    if not query.strip():
        return _page(connection, conditions, asked, sa.literal(0), {})
    parsed = parse(query)
    for misspelt, units in ((False, _units(parsed)), (True, _misspelt(parsed))):
        if units:
            values: dict[str, Any] = {}
            rank = _rank(connection, units, values)
            has_them = _has(connection, units, values, "anywhere", beginnings=True)
            found = _page(connection, [*conditions, has_them], asked, rank, values)
            if found.total:
                return replace(found, misspelt=misspelt)
    return Listed((), 0)


def _page(
    connection: sa.Connection,
    conditions: Sequence[sa.ColumnElement[bool]],
    asked: Asked,
    rank: sa.ColumnElement[Any],
    values: Mapping[str, Any],
) -> Listed:
    matching = sa.and_(*conditions)
    total = connection.scalar(sa.select(sa.func.count()).select_from(post).where(matching), values) or 0
    rows = connection.execute(
        sa.select(post.c.room_id, post.c.event_id, post.c.sent_at)
        .where(matching)
        .order_by(rank.desc(), post.c.sent_at.desc(), post.c.event_id)
        .limit(PAGE)
        .offset((asked.page - 1) * PAGE),
        values,
    ).all()
    used = connection.scalars(sa.select(post.c.room_id).where(matching).distinct(), values).all()
    found = tuple(Row(str(row.room_id), str(row.event_id), int(row.sent_at)) for row in rows)
    return Listed(found, int(total), _tags(connection, matching, values), frozenset(used))


def _units(parsed: Parsed) -> Sequence[Unit]:
    """What a post has to have: each word, or one that begins so; one letter begins too much."""
    return spell_out(parsed, Known(begun={word: () for word in parsed.surfaces if len(word) > 1}))


def _misspelt(parsed: Parsed) -> Sequence[Unit]:
    """The same with words that differ in one letter; nothing where no word can be misspelt, or too many.

    All such words are asked for: a vocabulary would have words of posts that the asker does not read (rule P2).
    """
    units = _units(parsed)
    spread = [unit for unit in units if _can_be_misspelt(unit)]
    if not 0 < len(spread) <= _MISSPELT:
        return ()
    return [
        unit if unit not in spread else replace(unit, alternatives=(*unit.alternatives, *_near(unit))) for unit in units
    ]


def _can_be_misspelt(unit: Unit) -> bool:
    word, is_phrase = unit.typed, unit.alternatives[0].joined
    return not is_phrase and word.isascii() and word.isalnum() and SHORTEST_MISSPELT <= len(word) <= _LONGEST_MISSPELT


def _near(unit: Unit) -> Sequence[Alternative]:
    keys = {key(word) for word in edits(unit.typed)}
    return [Alternative((one,), how="typo", factor=0.5) for one in sorted(keys) if one]


def _rank(connection: sa.Connection, units: Sequence[Unit], values: dict[str, Any]) -> sa.ColumnElement[Any]:
    """How well a post answers: in its title or anywhere, and whole words before all others."""
    in_title = _has(connection, units, values, "in_title", title=True, beginnings=True)
    if not all(_is_plain(unit) for unit in units):
        return sa.case((in_title, 1), else_=0)
    whole_in_title = _has(connection, units, values, "whole_in_title", title=True)
    whole = _has(connection, units, values, "whole")
    return sa.case((whole_in_title, 3), (in_title, 2), (whole, 1), else_=0)


def _is_plain(unit: Unit) -> bool:
    return all(one.how != "typo" for one in unit.alternatives)


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
    connection: sa.Connection,
    units: Sequence[Unit],
    values: dict[str, Any],
    name: str,
    *,
    title: bool = False,
    beginnings: bool = False,
) -> sa.ColumnElement[bool]:
    """The condition that a post, or its title, has all units; what is asked of the index is added to `values`."""
    words = engine(connection, WORDS)
    values[name] = words.query(units, first=title, beginnings=beginnings)
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
