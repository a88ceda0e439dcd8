"""Threads that the reader took part in and that went on, and conversations in which much was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.choosing import MORE, conversations
from belisha.digest.values import Entry, Message, Shown, Why
from belisha.translation import _
from bots.digest.source import Asked, Source
from bots.digest.tables import digest_mention, digest_message
from bots.kernel.answers import Words, say
from bots.steward.announcements import link_of

_SOME = 400  # ids in one statement


class Talks(Source):
    """The source of conversations."""

    reasons: ClassVar = frozenset({Why.TALK, Why.BUSY})
    names_items: ClassVar = True

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """The conversations of the reader's groups that are worth a look."""
        messages = _since(connection, asked)
        threads = sorted({one.thread for one in messages if one.thread is not None})
        took_part = _took_part(connection, asked.user_id, threads)
        apart = set(
            connection.scalars(sa.select(digest_mention.c.event_id).where(digest_mention.c.user_id == asked.user_id))
        )
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
    found, since = digest_message.c, int(asked.since * 1000)
    messages: list[Message] = []
    for room_id, group in asked.facts.groups.items():
        query = sa.select(found.event_id, found.room_id, found.sender, found.at, found.thread).where(
            found.room_id == room_id,
            found.at > max(since, group.since, group.read.get("", 0)),
            found.at <= int(asked.until * 1000),
        )
        messages += [Message(*row) for row in connection.execute(query)]
    return messages


def _took_part(connection: sa.Connection, user_id: str, threads: Sequence[str]) -> set[str]:
    """Those of some threads that a member began or wrote in."""
    found = set[str]()
    for start in range(0, len(threads), _SOME):
        some, mine = threads[start : start + _SOME], digest_message.c.sender == user_id
        found |= set(
            connection.scalars(sa.select(digest_message.c.thread).where(digest_message.c.thread.in_(some), mine))
        )
        found |= set(
            connection.scalars(sa.select(digest_message.c.event_id).where(digest_message.c.event_id.in_(some), mine))
        )
    return found
