"""What digests keep of messages as they come: who, where, when and to whom; no word of them.

It is kept of every room that the bot is in but members' own rooms with it, so of groups, and of no room of named people
(rule P1). What is taken back is forgotten with the redaction (rule E1), everything after two weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from belisha.documents import KINDS
from bots.digest.tables import digest_mention, digest_message
from bots.directory.tables import directory_member
from bots.kernel.events import Event
from bots.kernel.store import insert_on

#: What a handler began to note before a moment is committed so many seconds later; digests tell of what is older.
SETTLES_S: Final = 60.0
#: For so long, in seconds, messages are known: a week's digest, and another week for bots that were down.
KEPT_S: Final = 15 * 86_400.0
_MESSAGE: Final = "m.room.message"
_REACTION: Final = "m.reaction"
_REDACTION: Final = "m.room.redaction"
#: A message that names more people asks for nobody.
_NAMED_AT_MOST: Final = 50


def concerns(event: Event) -> bool:
    """Whether something of an event is kept."""
    return event.state_key is None and event.type in (_MESSAGE, _REACTION, _REDACTION)


def note(connection: sa.Connection, event: Event, now: float) -> None:
    """Keeps what digests need of an event, in the transaction in which it is handled; `now` in seconds since 1970."""
    if not concerns(event):
        return
    if event.type == _REDACTION:
        _forget(connection, event.text("redacts"))
    elif event.type == _REACTION:
        _answered(connection, event.sender, event.about)
    elif event.relation.get("rel_type") != "m.replace" and not _is_their_own(connection, event):
        _written(connection, event, now)


def thin(connection: sa.Connection, now: float) -> None:
    """Forgets what is too old for any digest; `now` in seconds since 1970."""
    old = sa.select(digest_message.c.event_id).where(digest_message.c.at < int((now - KEPT_S) * 1000))
    connection.execute(digest_mention.delete().where(digest_mention.c.event_id.in_(old)))
    connection.execute(digest_message.delete().where(digest_message.c.at < int((now - KEPT_S) * 1000)))


def _written(connection: sa.Connection, event: Event, now: float) -> None:
    row = {
        "event_id": event.event_id,
        "room_id": event.room_id,
        "sender": event.sender,
        "at": event.sent_at,
        "arrived": int(now * 1000),
        "thread": event.thread,
        "is_file": event.text("msgtype") in KINDS and event.text("url") is not None,
    }
    connection.execute(insert_on(connection, digest_message).values(row).on_conflict_do_nothing())
    named = [{"user_id": user, "event_id": event.event_id} for user in _named(event)]
    if named:
        connection.execute(insert_on(connection, digest_mention).on_conflict_do_nothing(), named)
    _answered(connection, event.sender, event.answered)
    if event.thread is not None:
        there = sa.select(digest_message.c.event_id).where(digest_message.c.thread == event.thread)
        mine = digest_mention.c.user_id == event.sender
        in_thread = digest_mention.c.event_id.in_(there) | (digest_mention.c.event_id == event.thread)
        connection.execute(digest_mention.delete().where(mine, in_thread))


def _named(event: Event) -> Sequence[str]:
    """Whom a message names (specification, intentional mentions); whoever wrote it does not ask themselves."""
    mentions = event.content.get("m.mentions")
    users = mentions.get("user_ids") if isinstance(mentions, dict) else None
    found = {one for one in users if isinstance(one, str)} if isinstance(users, list) else set()
    return sorted(found - {event.sender}) if len(found) <= _NAMED_AT_MOST else ()


def _answered(connection: sa.Connection, user_id: str, event_id: str | None) -> None:
    """Somebody has answered a message, or reacted to it: it asks nothing more of them."""
    if event_id is not None:
        mine = (digest_mention.c.user_id == user_id) & (digest_mention.c.event_id == event_id)
        connection.execute(digest_mention.delete().where(mine))


def _forget(connection: sa.Connection, event_id: str | None) -> None:
    if event_id is not None:
        connection.execute(digest_mention.delete().where(digest_mention.c.event_id == event_id))
        connection.execute(digest_message.delete().where(digest_message.c.event_id == event_id))


def _is_their_own(connection: sa.Connection, event: Event) -> bool:
    """Whether it was written in the sender's own room with the bot."""
    query = sa.select(directory_member.c.service_room).where(directory_member.c.user_id == event.sender)
    return connection.execute(query).scalar_one_or_none() == event.room_id
