"""Answers that name files: which they are, and when they are taken back.

A name in a chat must not outlast its file (rule E1). So an answer goes when a file that it names is redacted,
relabelled or changed, and after an hour in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from belisha.policy.types import RELABEL
from bots.kernel.bot import Context
from bots.kernel.effects import Effect, Redact, Sent, transaction_id
from bots.kernel.events import REDACTION, Event
from bots.kernel.shelf import Paper
from bots.kernel.store import insert_on
from bots.library.tables import answer

#: For so long an answer stands, in seconds.
STANDS_S: Final = 3600.0
_AT_ONCE: Final = 100


def remember(context: Context, once: str, room_id: str, papers: Sequence[Paper]) -> None:
    """Keeps which files an answer names, in the transaction in which it is asked for."""
    until = context.now + STANDS_S
    rows = [
        {"once": once, "event_id": event_id, "group_id": group_id, "room_id": room_id, "until": until}
        for event_id, group_id in {one.event_id: one.room_id for one in papers}.items()
    ]
    if rows:
        context.database.execute(insert_on(context.database, answer).on_conflict_do_nothing(), rows)


def changed(event: Event) -> str | None:
    """The event that another one takes back, relabels or edits; None where it does nothing of that."""
    if event.state_key is not None:
        return None
    if event.type == REDACTION:
        return event.text("redacts")
    is_edit = event.type == "m.room.message" and event.relation.get("rel_type") == "m.replace"
    target = event.relation.get("event_id") if is_edit or event.type == RELABEL else None
    return target if isinstance(target, str) else None


def note(context: Context, event: Event) -> None:
    """Has the answers go that name what an event changes; one of another room changes nothing."""
    target = changed(event)
    if target is not None:
        is_it = sa.and_(answer.c.event_id == target, answer.c.group_id == event.room_id)
        context.database.execute(answer.update().where(is_it).values(until=0.0))


def due(context: Context) -> Sequence[Effect]:
    """Takes back the answers whose time is over."""
    query = sa.select(answer.c.once, answer.c.room_id).where(answer.c.until <= context.now).distinct().limit(_AT_ONCE)
    found = context.database.execute(query).all()
    effects: list[Effect] = []
    for once, room_id in found:
        context.database.execute(answer.delete().where(answer.c.once == once))
        effects.append(Redact(Sent(transaction_id(context.me, once, 0)), room=str(room_id)))
    return effects
