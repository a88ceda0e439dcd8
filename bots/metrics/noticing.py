"""Which fact an event is: messages, reactions, votes and joinings in groups; that somebody voted, never for what.

The bots are in no room of named people (rule P1); what is said in a member's own room with a bot counts for nothing.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from belisha.commands.declaration import GROUPS
from belisha.events import LABEL_KEY
from belisha.policy.rooms import Purpose
from belisha.polls.wire import RESPONSE, START
from belisha.tlp import Label
from bots.digest.tables import digest_message
from bots.directory.tables import directory_member
from bots.kernel.bot import Policy, Unknown
from bots.kernel.events import Event, joins
from bots.metrics.book import Doing

_REACTION: Final = "m.reaction"
_SAID: Final = ("m.room.message", "m.sticker", *START)
_HEARD: Final = (*_SAID, _REACTION, *RESPONSE)


def concerns(event: Event) -> bool:
    """Whether an event may be a fact; nothing must be asked for it."""
    if event.state_key is not None:
        return joins(event, event.state_key)
    return event.type in _HEARD


def doing_in(connection: sa.Connection, event: Event, policy: Policy | Unknown) -> Doing | None:
    """What a member did, where it counts; whoever is not listed yet, or no more, is not counted by it.

    Args:
        connection: a transaction in the bots' database.
        event: one that `concerns`.
        policy: the room's, where it is known; a joining needs it.
    """
    if event.state_key is not None:
        return _joined(event, policy)
    query = sa.select(directory_member.c.service_room).where(directory_member.c.user_id == event.sender)
    row = connection.execute(query).one_or_none()
    if row is None or row.service_room == event.room_id or event.relation.get("rel_type") == "m.replace":
        return None
    if event.type in RESPONSE:
        return _doing(event, "voted", (event.sender, event.about or ""), about=event.about or "")
    if event.type == _REACTION:
        other = _writer(connection, event.about)
        return _doing(event, "reacted", (event.event_id,), answers=other, about=event.about or "")
    if not event.content or (event.type == "m.room.message" and event.text("msgtype") is None):
        return None  # taken back before it came
    return _said(connection, event)


def _joined(event: Event, policy: Policy | Unknown) -> Doing | None:
    """A joining, once for each group: a change of one's name there looks the same. Announcements nobody chooses."""
    if not isinstance(policy, Policy) or policy.kind not in GROUPS or policy.purpose == Purpose.ANNOUNCEMENTS.value:
        return None
    user_id = str(event.state_key)
    return Doing("joined", user_id, event.sent_at, (user_id, event.room_id), event.room_id)


def _said(connection: sa.Connection, event: Event) -> Doing:
    to = event.thread if event.answered is None else event.answered
    writer = _writer(connection, to)
    action = "answered" if to is not None and writer != event.sender else "posted"
    other = writer if action == "answered" else ""
    return _doing(event, action, (event.event_id,), answers=other, about=to or event.event_id)


def _doing(event: Event, action: str, source: tuple[str, ...], *, answers: str = "", about: str = "") -> Doing:
    claim = event.content.get(LABEL_KEY)
    said = claim.get("label") if isinstance(claim, dict) else None
    label = Label.parse(said) if isinstance(said, str) else None
    shown = "" if label is None else str(label)
    answers = "" if answers == event.sender else answers
    return Doing(action, event.sender, event.sent_at, source, event.room_id, shown, answers, about)


def _writer(connection: sa.Connection, event_id: str | None) -> str:
    """Who wrote a message of the last two weeks, as the digests know them; empty where nobody does."""
    if event_id is None:
        return ""
    query = sa.select(digest_message.c.sender).where(digest_message.c.event_id == event_id)
    return connection.execute(query).scalar_one_or_none() or ""
