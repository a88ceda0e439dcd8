"""Introductions as the bot sees them: the questions to both, and what is said of how it ended.

The bot only notices that something may have changed, and asks the module, which says whom to ask and what has ended.
Each thing is said once, however often that is asked. A no is told to nobody, the module least of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any, Final

import sqlalchemy as sa

from belisha.acts import ACTS
from belisha.acts.introductions import AGREE, TURN
from belisha.acts.questions import QUESTION_KEY, Question
from belisha.commands.reading import Asked, read
from belisha.policy.people import Person
from bots.directory import introduction_words as words
from bots.directory.tables import introduction_asked
from bots.kernel import questions
from bots.kernel.answers import notice, paragraph
from bots.kernel.bot import Asker, Context, Job, Policy
from bots.kernel.calls import Acting, Answer, Call, Outcome
from bots.kernel.effects import OUTCOME, Effect, Redact, Send, Sent, Turn, transaction_id
from bots.kernel.outbox import was_said
from bots.kernel.rules import Rule

#: The job's name.
NAME: Final = "introductions"
#: What is over ends within the hour; who was asked too much for a day is asked when that is over.
RULE: Final = Rule(time(0), every=3600)
#: So many introductions one member is asked about within a day; the others wait.
MOST_A_DAY: Final = 3
_DAY: Final = 86_400.0
_BOT: Final = "steward"
_ASK: Final = Turn(TURN, {"turn": TURN})


def run(job: Job, context: Context) -> Sequence[Effect] | None:
    """What is done each hour, and about what the module tells then; None where a job is something else."""
    if job.name == NAME:
        return (_ASK,)
    if not job.name.startswith(OUTCOME) or job.arguments["then"].get("turn") != TURN:
        return None
    told = job.arguments.get("outcome") or {}
    effects: list[Effect] = []
    for facts in told.get("ended") or ():
        effects += _ended(facts, context)
    for facts in told.get("asks") or ():
        effects += _asked(facts, context, len(effects))
    return effects


def _asked(facts: Mapping[str, Any], context: Context, place: int) -> list[Effect]:
    """The question to one of the two; their yes is the command (rule P3)."""
    about, room, once = str(facts["id"]), str(facts["room"]), f"introduction {facts['id']} {facts['user_id']}"
    table, connection = introduction_asked, context.database
    today = sa.select(sa.func.count()).where(table.c.room_id == room, table.c.at > context.now - _DAY)
    if was_said(context, _BOT, once) or (connection.scalar(today) or 0) >= MOST_A_DAY:
        return []
    text = f"{AGREE.name} {about}"
    asked = read(text, ACTS)
    if not isinstance(asked, Asked):
        raise LookupError(text)
    person = Person(str(facts["user_id"]), facts["organisation"], frozenset(facts["roles"]))
    call = Call(asked, text, Asker(person, 0, room), room, Policy("service"), room)
    content = notice(words.question(facts, text)) | {"msgtype": "m.text", QUESTION_KEY: Question(text).content()}
    send = Send(content, room=room, once=once)
    row = {"effect_id": transaction_id(context.me, once, 0), "about": about, "room_id": room, "at": context.now}
    connection.execute(table.insert().values(row))
    return questions.ask(
        context, _BOT, person.user_id, room, call.to_json(), send, place=place, holds_s=asked.command.holds
    )


def _ended(facts: Mapping[str, Any], context: Context) -> list[Effect]:
    """Takes back what was asked, names and words with it (rule E1), and tells who asked and who had agreed."""
    table, effects, about = introduction_asked, list[Effect](), str(facts["id"])
    here = sa.and_(table.c.about == about, table.c.gone.is_(False))
    for row in context.database.execute(sa.select(table).where(here).order_by(table.c.room_id)).all():
        effects.append(Redact(Sent(row.effect_id), room=row.room_id))
    context.database.execute(table.update().where(here).values(gone=True))
    # How often somebody was asked today counts on.
    context.database.execute(table.delete().where(table.c.gone.is_(True), table.c.at < context.now - _DAY))
    if isinstance(room := facts.get("asker_room"), str) and (said := words.to_asker(facts)):
        effects.append(Send(notice(said), room=room, once=f"introduction {about} asker"))
    for one in facts.get("agreed") or ():
        if said := words.to_who_agreed(facts, one.get("other")):
            effects.append(Send(notice(said), room=str(one["room"]), once=f"introduction {about} {one['room']}"))
    return effects


def _introduced(call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return Answer((paragraph(outcome.refused),))
    named = {str(address).partition(":")[0] for address in call.arguments["members"]}
    myself = len(named) == 1 or f"@{call.asker.person.localpart}" in named
    return Answer(words.asks(int(outcome.done["until"]), myself=myself), (_ASK,))


def _agreed(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return Answer((paragraph(outcome.refused),))
    # Where the room is open, both are told that by the turn.
    return Answer(() if outcome.done.get("opened") is True else words.agreed(), (_ASK,))


#: What the steward does about these acts.
ACTS_TOLD: Final[Mapping[str, Acting]] = {"introduce": Acting(_introduced), str(AGREE.act): Acting(_agreed)}
