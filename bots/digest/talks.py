"""Threads that the reader took part in and that went on, and conversations in which much was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.choosing import MORE, conversations
from belisha.digest.values import Entry, Shown, Why
from belisha.translation import _
from bots.digest.recent import Recent
from bots.digest.source import Asked, Source
from bots.digest.tables import digest_mention, digest_message
from bots.kernel.answers import Words, say
from bots.steward.announcements import link_of

_MESSAGE: Final = digest_message.c
#: What a member wrote, and in which threads: they took part in those that they began, too.
_OWN: Final = sa.select(_MESSAGE.event_id, _MESSAGE.thread).where(_MESSAGE.sender == sa.bindparam("user"))
_NAMED: Final = sa.select(digest_mention.c.event_id).where(digest_mention.c.user_id == sa.bindparam("user"))


class Talks(Source):
    """The source of conversations."""

    reasons: ClassVar = frozenset({Why.TALK, Why.BUSY})
    names_items: ClassVar = True

    def __init__(self, recent: Recent) -> None:
        """Knows what was written lately."""
        self._recent = recent

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """The conversations of the reader's groups that are worth a look."""
        user, groups = {"user": asked.user_id}, asked.facts.groups
        took_part = {one for row in connection.execute(_OWN, user) for one in row if one is not None}
        written = self._recent.of(connection, groups, asked.until, asked.now)
        talks = {room_id: there.talks for room_id, there in written.items()}
        return conversations(talks, asked.time, groups, took_part, set(connection.scalars(_NAMED, user)))

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
