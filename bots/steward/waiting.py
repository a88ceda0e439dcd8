"""Who waits to be let in: their cards with two buttons, the taps on them, and what is said when it is decided.

The bot only notices that something may have changed, and asks the module, which says what waits, whom to tell, and what
has ended. Each thing is said once, however often that is asked. What is decided by a command is told with its outcome,
since the reason that was given is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import time
from typing import Any, Final

import sqlalchemy as sa

from belisha.acts.introductions import TURN as INTRODUCING
from belisha.acts.waiting import BUTTONS, WAITING_ACTS, WAITING_KEY, tapped
from belisha.commands.reading import Asked, read
from bots.kernel.answers import notice, paragraph
from bots.kernel.bot import Asker, Context, Job, Needs, Policy, Unknown
from bots.kernel.calls import Answer, Call, Outcome
from bots.kernel.effects import OUTCOME, Act, Edit, Effect, React, Redact, Send, Sent, Turn, transaction_id
from bots.kernel.events import Event
from bots.kernel.outbox import was_said
from bots.kernel.questions import NotSentYet
from bots.kernel.rules import Rule
from bots.kernel.tables import outbox
from bots.steward import waiting_words as words
from bots.steward.tables import waiting

#: The job's name, the module's address, and what marks the news of it.
NAME: Final = "waiting"
RULE: Final = Rule(time(9))
_ASK: Final = Turn(NAME, {"turn": NAME})
#: What may hang on words that somebody takes back in their own room.
_ASK_ALL: Final = (_ASK, Turn(INTRODUCING, {"turn": INTRODUCING}))


# --- Noticing ----------------------------------------------------------------------------------------------------


def concerns(event: Event) -> bool:
    """Whether a membership may be that of somebody who knocks, or has knocked."""
    return event.type == "m.room.member" and event.text("membership") in ("knock", "invite")


def follow(event: Event, context: Context) -> Sequence[Effect]:
    """Asks the module what waits, where a membership is a knock, or that of somebody whom a card tells of."""
    if event.type != "m.room.member" or event.state_key is None:
        return ()
    if event.text("membership") in ("knock", "join"):  # who joins was invited before, or needs nobody
        return (_ASK,) if event.text("membership") == "knock" else ()
    who = "@" + event.state_key[1:].partition(":")[0]
    known = (waiting.c.group_id == event.room_id, waiting.c.member == who)
    return (_ASK,) if context.database.scalar(sa.select(waiting.c.about).where(*known).limit(1)) is not None else ()


def run(job: Job, context: Context, bot: str) -> Sequence[Effect] | None:
    """What is done each day, and about what the module tells then; None where a job is something else."""
    if job.name == NAME:
        return (_ASK,)
    if not job.name.startswith(OUTCOME) or job.arguments["then"].get("turn") != NAME:
        return None
    told = job.arguments.get("outcome") or {}
    effects: list[Effect] = []
    for facts in told.get("waiting") or ():
        for room in facts.get("tell") or ():
            effects += _cards(facts, str(room), context, bot)
    for facts in told.get("ended") or ():
        effects += _closed(facts, context)
        own, said = facts.get("own_room"), words.to_who_waited(facts, None)
        if isinstance(own, str) and said and not facts.get("by_command"):
            effects.append(Send(notice(said), room=own, once=f"{NAME} {facts['id']} told"))
    return effects


def _cards(facts: Mapping[str, Any], room: str, context: Context, bot: str) -> list[Effect]:
    """The card for one who decides, and after a day a reminder."""
    about, once = str(facts["id"]), f"{NAME} {facts['id']} {room}"
    if not was_said(context, bot, once):
        effect_id = transaction_id(context.me, once, 0)
        row = {"effect_id": effect_id, "about": about, "room_id": room, "member": facts["member"]}
        context.database.execute(waiting.insert().values(row | {"group_id": facts.get("room_id")}))
        content = notice(words.card(facts)) | {"msgtype": "m.text", WAITING_KEY: {"id": about}}
        buttons = [React(Sent(effect_id), key, room=room) for key in BUTTONS]
        return [Send(content, room=room, once=once), *buttons]
    if facts.get("late") is True:
        return [Send(notice(words.late(facts)), room=room, once=f"{once} late", waits=True)]
    return []


def _closed(facts: Mapping[str, Any], context: Context) -> list[Effect]:
    """What its cards become once it is decided; one that says what somebody wrote of themselves is taken back."""
    here, effects = waiting.c.about == str(facts["id"]), list[Effect]()
    for row in context.database.execute(sa.select(waiting).where(here).order_by(waiting.c.room_id)).all():
        card, content = Sent(row.effect_id), notice(words.decided(facts))
        if words.is_knock(facts):
            effects.append(Edit(card, content, room=row.room_id))
        else:
            once = f"{NAME} {facts['id']} ended {row.room_id}"
            effects += [Redact(card, room=row.room_id), Send(content, room=row.room_id, once=once)]
    context.database.execute(waiting.delete().where(here))
    return effects


# --- Taps --------------------------------------------------------------------------------------------------------


class Taps:
    """Hears taps on cards."""

    def needs(self, event: Event) -> Needs | None:
        """What must be known to handle an event; None where it is no tap on a button."""
        return Needs() if event.type == "m.reaction" and tapped(event.relation.get("key")) is not None else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Hands over what a tap on a card asks for; None where something else was tapped.

        Raises:
            NotSentYet: it may be a card whose sending is not stored yet.
        """
        text, card = tapped(event.relation.get("key")), event.relation.get("event_id")
        if event.type != "m.reaction" or text is None or not isinstance(card, str):
            return None
        here = (
            sa.select(waiting.c.about, outbox.c.result, outbox.c.state)
            .join(outbox, outbox.c.effect_id == waiting.c.effect_id)
            .where(waiting.c.room_id == event.room_id)
        )
        rows = context.database.execute(here).all()
        if not any(row.result == card for row in rows):
            if any(row.state == "pending" for row in rows):
                raise NotSentYet
            return None
        asked = read(text, WAITING_ACTS)
        if not isinstance(asked, Asked):
            raise LookupError(text)
        frame = {"m.relates_to": {"m.in_reply_to": {"event_id": card}}, "m.mentions": {"user_ids": [event.sender]}}
        asker, room = Asker(event.anybody), event.room_id
        call = Call(asked, text, asker, room, Unknown(), room, frame, event.event_id, card)
        return (Act(str(asked.command.act), dict(asked.arguments), then=call.to_json()),)


class TakenBack:
    """Hears that an account redacts something in its own room: perhaps what it wrote when it asked (rule E1)."""

    def needs(self, event: Event) -> Needs | None:
        """What must be known to handle an event; None where it is no redaction."""
        return Needs(policy=True) if event.type == "m.room.redaction" else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Asks the module what waits; None where it cannot be about that."""
        policy = context.policy
        is_own = event.type == "m.room.redaction" and isinstance(policy, Policy) and policy.kind == "service"
        return _ASK_ALL if is_own else None


# --- How acts ended ----------------------------------------------------------------------------------------------


def asked_in(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Tells an account that it has asked, and has those told who decide."""
    if outcome.done is None:
        return Answer((paragraph(outcome.refused),))
    return Answer(words.asked(int(outcome.done["until"])), (_ASK,))


def listed(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Who waits."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    return Answer(words.queue(done.get("waiting") or (), int(done.get("count") or 0)))


def ended(call: Call, outcome: Outcome, context: Context) -> Answer:
    """Shows on the cards what was decided, and tells who waited; who was too late is told that."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    effects = _closed(done, context)
    own, said = done.get("own_room"), words.to_who_waited(done, call.arguments.get("reason"))
    if isinstance(own, str) and said:
        effects.append(Send(notice(said), room=own, once=f"{NAME} {done['id']} told"))
    return Answer(words.done(done), effects)


#: Who tells how an act ended.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    "ask_in": asked_in,
    "queue": listed,
    "let_in": ended,
    "turn_away": ended,
}
