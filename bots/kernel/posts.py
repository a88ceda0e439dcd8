"""What the module tells of blogs and their posts, as frozen values; bots and portal read the same answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belisha.tlp import Label


@dataclass(frozen=True, slots=True)
class PostFacts:
    """A post for the index.

    Attributes:
        room_id: where it stands.
        event_id: the message that it is.
        sender: who wrote it.
        sent_at: when, in milliseconds since 1970.
        revised_at: when it was changed last; None where it never was.
        content: what it says now, as a Matrix content.
        edits: the ids of its edits.
    """

    room_id: str
    event_id: str
    sender: str
    sent_at: int
    revised_at: int | None
    content: Mapping[str, Any]
    edits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote something; of somebody who has left, nothing is known but that."""

    user_id: str | None
    name: str | None
    organisation: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """A post as a list shows it."""

    facts: PostFacts
    author: Author
    label: Label
    likes: int
    comments: int


@dataclass(frozen=True, slots=True)
class BlogGroup:
    """A blog that somebody reads.

    Attributes:
        room_id: the group.
        name: its name, if it has one.
        since: from when on they read it, in milliseconds since 1970.
        ceiling: the strictest label that a post in it may have.
        default: the label of a post that has no other.
    """

    room_id: str
    name: str | None
    since: int
    ceiling: Label
    default: Label


@dataclass(frozen=True, slots=True)
class Blog:
    """The blogs that somebody reads, and the posts that were named: None for those that they do not read."""

    groups: tuple[BlogGroup, ...]
    cards: tuple[Card | None, ...]

    @property
    def since(self) -> Mapping[str, int]:
        """From when on each blog is read, by room."""
        return {one.room_id: one.since for one in self.groups}

    @property
    def names(self) -> Mapping[str, str]:
        """The blogs' names, by room."""
        return {one.room_id: one.name or "" for one in self.groups}


@dataclass(frozen=True, slots=True)
class Comment:
    """A message in a post's thread."""

    event_id: str
    author: Author
    label: Label
    sent_at: int
    edited: bool
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """What a post said from some moment on, in milliseconds since 1970."""

    at: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """A post with all that belongs to it."""

    card: Card
    group: str
    likes: Mapping[str, int]
    versions: tuple[Version, ...]
    comments: tuple[Comment, ...]
    comment_pages: int


def told_of(answer: object) -> PostFacts | None:
    """Reads what is told of a post for the index; None where it is none."""
    if not isinstance(answer, Mapping):
        return None
    room_id, event_id, sender = (answer.get(key) for key in ("room_id", "event_id", "sender"))
    sent_at, content = answer.get("sent_at"), answer.get("content")
    if not (isinstance(room_id, str) and isinstance(event_id, str) and isinstance(sender, str)):
        return None
    if not isinstance(sent_at, int) or not isinstance(content, dict):
        return None
    revised, edits = answer.get("revised_at"), answer.get("edits")
    known = tuple(one for one in edits if isinstance(one, str)) if isinstance(edits, list) else ()
    return PostFacts(room_id, event_id, sender, sent_at, revised if isinstance(revised, int) else None, content, known)


def blog_of(answer: Mapping[str, Any]) -> Blog | None:
    """Reads what is told of somebody's blogs; None where it cannot be read."""
    groups, posts = answer.get("groups"), answer.get("posts")
    if not isinstance(groups, list) or not isinstance(posts, list):
        return None
    read = [_group(one) for one in groups]
    known = tuple(one for one in read if one is not None)
    return Blog(known, tuple(_card(one) for one in posts)) if len(known) == len(read) else None


def post_of(answer: Mapping[str, Any]) -> Post | None:
    """Reads what is told of one post; None where it cannot be read."""
    card, likes, versions = _card(answer), answer.get("likes"), answer.get("versions")
    comments, pages = answer.get("comments"), answer.get("comment_pages")
    if card is None or not isinstance(likes, dict) or not isinstance(versions, list) or not isinstance(comments, list):
        return None
    said = [one for one in versions if isinstance(one, dict) and isinstance(one.get("content"), dict)]
    read = [_comment(one) for one in comments]
    return Post(
        card,
        str(answer.get("group") or ""),
        {str(key): int(count) for key, count in likes.items()},
        tuple(Version(int(one.get("at") or 0), one["content"]) for one in said),
        tuple(one for one in read if one is not None),
        pages if isinstance(pages, int) else 1,
    )


def _group(answer: object) -> BlogGroup | None:
    if not isinstance(answer, dict):
        return None
    room_id, name, since = answer.get("room_id"), answer.get("name"), answer.get("since")
    ceiling, default = Label.parse(answer.get("ceiling")), Label.parse(answer.get("default"))
    if not isinstance(room_id, str) or not isinstance(since, int) or ceiling is None or default is None:
        return None
    return BlogGroup(room_id, name if isinstance(name, str) else None, since, ceiling, default)


def _card(answer: object) -> Card | None:
    facts = told_of(answer)
    if facts is None or not isinstance(answer, Mapping):
        return None
    label, author = Label.parse(answer.get("label")), _author(answer.get("author"))
    likes, comments = answer.get("like_count"), answer.get("comment_count")
    if label is None or author is None or not isinstance(likes, int) or not isinstance(comments, int):
        return None
    return Card(facts, author, label, likes, comments)


def _comment(answer: object) -> Comment | None:
    if not isinstance(answer, dict):
        return None
    author, label, content = _author(answer.get("author")), Label.parse(answer.get("label")), answer.get("content")
    event_id, sent_at = answer.get("event_id"), answer.get("sent_at")
    if author is None or label is None or not isinstance(content, dict):
        return None
    if not isinstance(event_id, str) or not isinstance(sent_at, int):
        return None
    return Comment(event_id, author, label, sent_at, answer.get("edited") is True, content)


def _author(answer: object) -> Author | None:
    if not isinstance(answer, dict):
        return None
    given: Sequence[object] = [answer.get(key) for key in ("user_id", "name", "organisation")]
    return Author(*(one if isinstance(one, str) else None for one in given))
