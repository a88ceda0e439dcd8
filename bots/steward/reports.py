"""Reports: their cards in the stewards' room, the taps on them, and what is said once something was done.

The module tells of a report by a message in the steward's name, which the steward makes a card of. Whatever is asked
for is handed to the module, which decides about it; the steward keeps what the card shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from belisha.acts.reports import REPORT_ACTS, REPORT_KEY, tapped
from belisha.commands.reading import Asked, read
from belisha.events import CARD_KEY
from bots.kernel.answers import notice, paragraph
from bots.kernel.bot import Asker, Context, Needs, Unknown
from bots.kernel.calls import Answer, Call, Outcome
from bots.kernel.effects import Act, Edit, Effect, React, Redact, Send
from bots.kernel.events import Event
from bots.steward import moderation, report_words
from bots.steward.escalation import Escalation
from bots.steward.tables import report

#: What is said to the member when one of these was done about a report.
_SAID: Final = {
    "report_warn": "member_warn",
    "report_mute": "member_mute",
    "report_redact": "item_redact",
    "report_remove": "member_kick",
}


class Reports:
    """Makes cards, hears taps on them, and tells how acts ended."""

    def __init__(self, portal: str, escalation: Escalation) -> None:
        """Knows where two stewards see what was reported.

        Args:
            portal: The portal's address; empty where there is none.
            escalation: Whom to tell of what is urgent and waits.
        """
        self._escalation = escalation
        self._portal = portal

    # --- Cards -------------------------------------------------------------------------------------------------

    def carded(self, event: Event, context: Context) -> Sequence[Effect]:
        """Makes the card of a report, out of the message by which the module tells of it."""
        facts = event.content.get(REPORT_KEY)
        if not isinstance(facts, dict) or not isinstance(facts.get("number"), int):
            return ()
        row = {
            "number": facts["number"],
            "card": event.event_id,
            "room_id": event.room_id,
            "facts": json.dumps(facts),
            "since": event.sent_at / 1000,
        }
        context.database.execute(report.insert().values(row))
        buttons = [React(event.event_id, key) for key in report_words.buttons(facts)]
        waits = (self._escalation.begin(row["number"], row["since"]),) if facts.get("urgent") is True else ()
        return (Edit(event.event_id, self._card(facts)), *buttons, *waits)

    def _card(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {**notice(report_words.card(facts, self._portal)), "msgtype": "m.text", CARD_KEY: "report"}

    # --- Taps --------------------------------------------------------------------------------------------------

    def needs(self, event: Event) -> Needs | None:
        """What must be known to handle an event; None where it is no tap on a button."""
        return Needs() if event.type == "m.reaction" and tapped(event.relation.get("key")) is not None else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Hands over what a tap on a card asks for; None where something else was tapped."""
        text, card = tapped(event.relation.get("key")), event.relation.get("event_id")
        if event.type != "m.reaction" or text is None or not isinstance(card, str):
            return None
        here = (report.c.card == card, report.c.room_id == event.room_id)
        if context.database.scalar(sa.select(report.c.number).where(*here)) is None:
            return None
        asked = read(text, REPORT_ACTS)
        if not isinstance(asked, Asked):
            raise LookupError(text)
        frame = {"m.relates_to": {"m.in_reply_to": {"event_id": card}}, "m.mentions": {"user_ids": [event.sender]}}
        asker, room = Asker(event.anybody), event.room_id
        call = Call(asked, text, asker, room, Unknown(), room, frame, event.event_id, card)
        return (Act(str(asked.command.act), dict(asked.arguments), then=call.to_json()),)

    # --- How acts ended ----------------------------------------------------------------------------------------

    def reported(self, call: Call, outcome: Outcome, _context: Context) -> Answer:
        """Tells who reported something, in their own room, whatever room it was written in: and takes that away."""
        done = outcome.done
        again = done is not None and done.get("again") is True
        blocks = (paragraph(outcome.refused),) if done is None else report_words.passed_on(again=again)
        own = call.asker.service_room
        if call.is_alone or own is None:
            return Answer(blocks)
        effects: list[Effect] = [Send(notice(blocks), room=own)]
        if call.event_id is not None:
            effects.append(Redact(call.event_id, room=call.answer_in))
        return Answer(effects=effects)

    def handled(self, call: Call, outcome: Outcome, context: Context) -> Answer:
        """Shows on the card what was done, and tells whom it concerns; who was too late is told that."""
        done = outcome.done
        if done is None:
            return Answer((paragraph(outcome.refused),))
        here = report.c.number == int(done["number"])
        row = context.database.execute(sa.select(report).where(here)).one_or_none()
        if row is None:
            return Answer((paragraph(outcome.refused),))
        facts = json.loads(row.facts)
        # What was done by two at once is told of in any order: the longer list is the newer one.
        facts["done"] = max(facts.get("done") or [], done.get("done") or [], key=len)
        act = str(call.command.act)
        if act == "report_close":
            facts.pop("words", None)  # of no use any more, and not ours to keep
        context.database.execute(report.update().where(here).values(facts=json.dumps(facts), looked_after=True))
        effects: list[Effect] = [Edit(row.card, self._card(facts), room=row.room_id)]
        if facts.get("urgent") is True:
            effects.append(self._escalation.end(row.number))
        effects += _to_member(act, call, done)
        if isinstance(room := done.get("reporter_room"), str):
            if act == "report_acknowledge":
                effects.append(Send(notice(report_words.looked_after(facts)), room=room, waits=True))
            elif act == "report_close":
                effects.append(
                    Send(notice(report_words.closed(facts, call.arguments.get("answer"))), room=room, waits=True)
                )
        # Who taps sees the card change.
        return Answer(() if call.answer_in == row.room_id else report_words.done(facts), effects)


def is_card(event: Event) -> bool:
    """Whether a message tells of a report; whose message it is, is to be looked at besides."""
    return event.type == "m.room.message" and event.state_key is None and REPORT_KEY in event.content


def _to_member(act: str, call: Call, done: Mapping[str, Any]) -> Sequence[Effect]:
    room, said = done.get("member_room"), _SAID.get(act)
    if said is None or not isinstance(room, str):
        return ()
    blocks = moderation.to_the_member(said, moderation.shown(done), call.arguments.get("reason"))
    return (Send(notice(blocks), room=room),)
