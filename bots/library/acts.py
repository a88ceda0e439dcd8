"""What is said and done once the module has carried out what a member asked for about a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from belisha.translation import _
from bots.kernel.answers import Typed, paragraph, say
from bots.kernel.bot import Context
from bots.kernel.calls import Acting, Answer, Call, Outcome
from bots.kernel.effects import Pin, Redact


def _described(call: Call, outcome: Outcome, _context: Context) -> Answer:
    """The words are the caption now: the command that has them too is taken away, so that they go with the file."""
    if outcome.done is None:
        return _refused(outcome)
    if call.answer_in == call.room_id and call.event_id is not None:
        return Answer((), (Redact(call.event_id, room=call.room_id),))
    return Answer((paragraph(_("Done: that is the caption of the file now.")),))


def _pinned(call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return _refused(outcome)
    told = paragraph(_("Done: it is pinned, and stands first among the group's documents."))
    return Answer((told,), (Pin(str(outcome.done["event_id"]), room=call.room_id),))


def _called_back(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    if outcome.done is None:
        return _refused(outcome)
    if outcome.done.get("taken_back") is True:
        return Answer((paragraph(_("Done: the file is called back, and the message that shared it too.")),))
    told = _("Done: the file is closed to everybody. The message with its name stands; {redact} takes that away.")
    return Answer((say(told, redact=Typed("!redact")),))


def _refused(outcome: Outcome) -> Answer:
    return Answer((paragraph(outcome.refused),))


TOLD: Final[Mapping[str, Acting]] = {
    "document_describe": Acting(_described),
    "document_pin": Acting(_pinned),
    "document_withdraw": Acting(_called_back),
}
