"""What the bot does for pads: begins one behind a member's message, and has it gone with that (rule E1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Acting, Answer, Call, Entry
from bots.kernel.effects import Effect, Redact, Sent, transaction_id
from bots.kernel.events import REDACTION, Event
from bots.kernel.outbox import was_said
from bots.kernel.rules import Rule
from bots.pads import book, words
from bots.pads.commands import PAD

_BOT = "steward"  # in whose name it speaks


class Pads:
    """Pads, as a part of the steward."""

    rules: Mapping[str, Rule] = {}

    def __init__(self, portal: str = "") -> None:
        """Knows the portal's address; empty where there is none."""
        self._portal = portal
        self.acts: Mapping[str, Acting] = {}
        self.entries: Sequence[Entry] = (Entry(PAD, self._begin),)

    def _begin(self, call: Call, context: Context) -> Answer:
        """Begins a pad. Done again for the same message, it changes nothing."""
        if not self._portal:
            return Answer(words.no_portal())
        if call.event_id is None or call.answer_in != call.room_id:
            return Answer(words.not_from_a_form())
        book.make(context.database, call.event_id, call.room_id, context.now)
        answer = call.send(words.begun(self._portal, call.room_id, call.event_id))
        return Answer(effects=(replace(answer, once=_once(call.room_id, call.event_id)),))

    def needs(self, event: Event) -> Needs | None:
        """What is taken back, with which a pad may go."""
        return Needs() if event.type == REDACTION else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect] | None:
        """Takes a pad away with its message, and the link to it; None where the message began none."""
        if event.type != REDACTION:
            return None
        target = event.text("redacts") or ""
        if book.known(context.database, target) != event.room_id:
            return None
        book.drop(context.database, target)
        once = _once(event.room_id, target)
        if not was_said(context, _BOT, once):
            return ()
        return (Redact(Sent(transaction_id(context.me, once, 0)), room=event.room_id),)

    def follows(self, event: Event, context: Context) -> Sequence[Effect]:
        """The same for what was redacted in the steward's own name: by moderation, or since it was old."""
        return (self.handle(event, context) or ()) if event.type == REDACTION else ()

    def job_needs(self, _job: Job) -> Needs | None:
        """It has no jobs."""
        return None

    def run(self, _job: Job, _context: Context) -> Sequence[Effect] | None:
        """It has no jobs."""
        return None


def _once(room_id: str, event_id: str) -> str:
    # With the room: a redaction that names another room's event takes nothing back.
    return f"pad {room_id} {event_id}"
