"""Threads that the reader took part in and that went on, and conversations in which much was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.choosing import MORE, conversations
from belisha.digest.values import Entry, Message, Shown, Why
from belisha.translation import _
from bots.blog.tables import post
from bots.digest.source import Asked, Source
from bots.digest.tables import digest_mention, digest_message
from bots.kernel.answers import Words, say
from bots.steward.announcements import link_of

_MESSAGE: Final = digest_message.c
# Made once: a statement costs more to be made than to be executed, and thousands of digests are made in one half hour.
_SINCE: Final = sa.select(_MESSAGE.event_id, _MESSAGE.sender, _MESSAGE.at, _MESSAGE.thread).where(
    _MESSAGE.room_id == sa.bindparam("room"),
    _MESSAGE.at > sa.bindparam("seen"),
    _MESSAGE.at <= sa.bindparam("until"),
)
#: What a member wrote, and in which threads: they took part in those that they began, too.
_OWN: Final = sa.select(_MESSAGE.event_id, _MESSAGE.thread).where(_MESSAGE.sender == sa.bindparam("user"))
_NAMED: Final = sa.select(digest_mention.c.event_id).where(digest_mention.c.user_id == sa.bindparam("user"))
#: Posts are told of one by one.
_POSTS: Final = sa.select(post.c.event_id).where(post.c.sent_at > sa.bindparam("since"))


class Talks(Source):
    """The source of conversations."""

    reasons: ClassVar = frozenset({Why.TALK, Why.BUSY})
    names_items: ClassVar = True

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """The conversations of the reader's groups that are worth a look."""
        messages, user = _since(connection, asked), {"user": asked.user_id}
        took_part = {one for row in connection.execute(_OWN, user) for one in row if one is not None}
        apart = {*connection.scalars(_NAMED, user), *connection.scalars(_POSTS, {"since": int(asked.since * 1000)})}
        return conversations(messages, asked.user_id, asked.facts.groups, took_part, apart)

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """How much, by how many, where, and why it is told."""
        entry = shown.entry
        count = f"{len(entry.items)}+" if entry.facts.get(MORE) else str(len(entry.items))
        link = link_of(entry.room_id, entry.items[0], shown.place)
        if entry.why is Why.TALK:
            told = _("{count} new in a thread in {group} in which you wrote.")
        elif "thread" in entry.facts:
            told = _("{count} new in a thread in {group}, by {people} people: much is said there.")
        else:
            told = _("{count} new in {group}, by {people} people: much is said there.")
        return say(told, count=count, group=link, people=str(len(shown.names))).words


def _since(connection: sa.Connection, asked: Asked) -> list[Message]:
    """The messages of the reader's groups behind what they have seen there for certain."""
    since, until = int(asked.since * 1000), int(asked.until * 1000)
    messages: list[Message] = []
    for room_id, group in asked.facts.groups.items():
        seen = max(since, group.since, group.read.get("", 0))
        if seen < until:
            rows = connection.execute(_SINCE, {"room": room_id, "seen": seen, "until": until}).all()
            messages += [Message(event_id, room_id, sender, at, thread) for event_id, sender, at, thread in rows]
    return messages
