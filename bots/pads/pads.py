"""What the bot does for pads: begins one behind a member's message, and has it gone with that (rule E1).

A room that is gone from the server takes no message back any more. So twice a day is looked whether the groups are
still there; what the server says once may be a mistake of a moment, what it says again an hour later is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Final

from bots.kernel.bot import Context, Job, Needs, Unknown
from bots.kernel.calls import Acting, Answer, Call, Entry
from bots.kernel.effects import Effect, Redact, Schedule, Sent, transaction_id
from bots.kernel.events import REDACTION, Event
from bots.kernel.outbox import was_said
from bots.kernel.rules import Rule
from bots.pads import book, words
from bots.pads.commands import PAD
from bots.pads.places import Copy
from bots.pads.rules import title

_BOT = "steward"  # in whose name it speaks

#: Looks whether the groups of pads are there, and whether one is.
SWEEP: Final = "pads sweep"
LOOK: Final = "pads of "
_TWICE_A_DAY: Final = 43_200
#: After how many seconds the server is asked again about a room that it does not know.
_ASKED_AGAIN: Final = 3_600.0


class Pads:
    """Pads, as a part of the steward."""

    rules: Mapping[str, Rule] = {SWEEP: Rule(time(0), every=_TWICE_A_DAY)}

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
        beginning = _beginning(call.event_id, call.user_id, str(call.arguments.get("title") or ""))
        book.make(context.database, call.event_id, call.room_id, context.now, beginning)
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

    def job_needs(self, job: Job) -> Needs | None:
        """Whether a group is there; None for other jobs."""
        return Needs(policy_of=str(job.arguments["room_id"])) if job.name.startswith(LOOK) else None

    def run(self, job: Job, context: Context) -> Sequence[Effect] | None:
        """Looks after groups that are gone; None for other jobs."""
        if job.name == SWEEP:
            return tuple(
                Schedule(f"{LOOK}{room}", context.now, {"room_id": room, "is_missed": False})
                for room in book.rooms(context.database)
            )
        if not job.name.startswith(LOOK):
            return None
        room_id = str(job.arguments["room_id"])
        if not isinstance(context.policy, Unknown) or not context.policy.no_such_room:
            return ()
        if not job.arguments["is_missed"]:
            return (Schedule(job.name, context.now + _ASKED_AGAIN, {"room_id": room_id, "is_missed": True}),)
        book.drop_all(context.database, room_id)
        return ()


def _beginning(event_id: str, user_id: str, about: str) -> book.Beginning | None:
    """The heading of a pad whose source has said what it is about, in their name; None where there is none."""
    named = title(about)
    if not named:
        return None
    number = int.from_bytes(hashlib.sha256(event_id.encode()).digest()[:4], "big")
    return book.Beginning(named, Copy((book.EMPTY,)).replaced(0, 0, f"# {named}\n\n", number), number, user_id)


def _once(room_id: str, event_id: str) -> str:
    # With the room: a redaction that names another room's event takes nothing back.
    return f"pad {room_id} {event_id}"
