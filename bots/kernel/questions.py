"""Questions that a bot has asked and a member is to answer: by a tap on ✅ or ❌, or by the words yes and no."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from belisha.acts.questions import NO, YES, reacts, says
from bots.kernel.bot import Context
from bots.kernel.effects import Effect, React, Send, Sent, transaction_id
from bots.kernel.events import Event
from bots.kernel.tables import outbox, question

#: For so long, in seconds, an answer counts; the module takes no older command either.
HOLDS_S = 600.0
_YES, _NO = YES[0], NO[0]


class NotSentYet(Exception):
    """The answer has come before it was stored that the question is sent: it is handled again in a moment."""


def ask(
    context: Context,
    bot: str,
    user_id: str,
    room_id: str,
    call: Mapping[str, Any],
    send: Send,
    *,
    place: int = 0,
    holds_s: float | None = None,
) -> list[Effect]:
    """Asks a member to confirm something.

    Args:
        context: the occasion.
        bot: the bot's name.
        user_id: who is asked.
        room_id: where.
        call: what is kept until the answer.
        send: the question.
        place: which of the handler's effects it is; two more follow it.
        holds_s: for how many seconds it can be answered; ten minutes where none are given.
    """
    effect_id = context.effect_id(place) if send.once is None else transaction_id(context.me, send.once, 0)
    context.database.execute(question.delete().where(question.c.bot == bot, is_over(context.now)))
    row = {
        "effect_id": effect_id,
        "bot": bot,
        "room_id": room_id,
        "user_id": user_id,
        "call": json.dumps(call),
        "asked_at": context.now,
        "until": None if holds_s is None else context.now + holds_s,
    }
    if not context.database.scalar(sa.select(question.c.effect_id).where(question.c.effect_id == effect_id)):
        context.database.execute(question.insert().values(row))
    return [send, React(Sent(effect_id), _YES, room=room_id), React(Sent(effect_id), _NO, room=room_id)]


def _until() -> sa.ColumnElement[float]:
    """Until when a question can be answered."""
    return sa.func.coalesce(question.c.until, question.c.asked_at + HOLDS_S)


def is_over(now: float) -> sa.ColumnElement[bool]:
    """Which questions cannot be answered any more."""
    return _until() < now


def reply_in(event: Event) -> tuple[bool, str | None] | None:
    """Whether an event is a yes or a no, and to which message; None for every other event."""
    if event.type == "m.reaction":
        key, target = event.relation.get("key"), event.relation.get("event_id")
        said = reacts(key) if isinstance(key, str) else None
        return (said, target) if said is not None and isinstance(target, str) else None
    if event.type != "m.room.message" or event.state_key is not None or (text := event.spoken) is None:
        return None
    said = says(text)
    return None if said is None else (said, event.answered)


def waits(context: Context, bot: str, event: Event) -> bool:
    """Whether a word alone would answer something that was asked of an event's sender just now."""
    mine = (
        question.c.bot == bot,
        question.c.user_id == event.sender,
        question.c.room_id == event.room_id,
        question.c.asked_at >= context.now - HOLDS_S,
    )
    return context.database.scalar(sa.select(question.c.effect_id).where(*mine).limit(1)) is not None


def take(context: Context, bot: str, event: Event, target: str | None) -> dict[str, Any] | None:
    """Takes the question that an event answers, once; None where there is none of that member's.

    Raises:
        NotSentYet: it may be one whose sending is not stored yet.
    """
    mine = (
        question.c.bot == bot,
        question.c.user_id == event.sender,
        question.c.room_id == event.room_id,
        # A word alone answers what was asked just now; what was asked long ago is tapped, or answered.
        question.c.asked_at >= context.now - HOLDS_S if target is None else ~is_over(context.now),
    )
    rows = context.database.execute(
        sa.select(question.c.effect_id, question.c.call, outbox.c.state, outbox.c.result)
        .join(outbox, outbox.c.effect_id == question.c.effect_id, isouter=True)
        .where(*mine)
        .order_by(question.c.asked_at.desc())
    ).all()
    if target is None:
        found = rows[0] if rows else None
    else:
        found = next((row for row in rows if row.result == target), None)
        if found is None and any(row.state == "pending" for row in rows):
            raise NotSentYet
    if found is None:
        return None
    taken = context.database.execute(question.delete().where(question.c.effect_id == found.effect_id))
    call: dict[str, Any] = json.loads(found.call)
    return call if taken.rowcount else None
