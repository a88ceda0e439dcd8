"""What the steward says of legal holds, to managers and operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from belisha.translation import _, marked
from bots.kernel.answers import Block, Strong, Typed, Words, paragraph, points, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Outcome

_DONE: Final = {
    "begun": marked("The hold {hold} is in force from now on. All managers are told."),
    "ended": marked("The hold {hold} has ended, and all that it kept is erased."),
    "agreed": marked("Two of you agreed. An operator can take it out within a day by {command}."),
    "waits": marked("Noted. A second person has to ask for the same: {command}. All managers are told."),
}


def asked(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """A hold that was asked for, and what has to follow."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    confirm = Typed(f"!hold confirm {done.get('hold', '')}")
    told = _("I told the other managers. It keeps nothing yet: one of them confirms it within a week by {command}.")
    return Answer((say(told, command=confirm),))


def followed(call: Call, outcome: Outcome, _context: Context) -> Answer:
    """What became of a hold."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    hold, how = str(done.get("hold", "")), str(done.get("done", "waits"))
    command = f"belisha hold open {hold}" if how == "agreed" else f"{call.command.name} {hold}"
    return Answer((say(_(_DONE[how]), hold=Typed(hold), command=Typed(command)),))


def listed(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """All holds."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    holds: Sequence[Mapping[str, Any]] = done.get("holds") or ()
    if not holds:
        return Answer((paragraph(_("There is no legal hold, and none waits to be confirmed.")),))
    blocks: list[Block] = []
    for hold in holds:
        blocks += [paragraph(Strong(_("Hold {id}").format(id=hold["id"]))), points(_lines(hold))]
    return Answer(tuple(blocks))


def _lines(hold: Mapping[str, Any]) -> list[Sequence[Words]]:
    lines: list[Sequence[Words]] = []
    if hold.get("member"):
        lines.append((_("what this member sent:"), " ", Typed(str(hold["member"]))))
    if hold.get("room_id"):
        lines.append((_("what was sent in this room:"), " ", Typed(str(hold["room_id"]))))
    if hold.get("since"):
        lines.append((_("sent from {day} on").format(day=hold["since"]),))
    if hold.get("until"):
        lines.append((_("sent until {day}").format(day=hold["until"]),))
    lines.append((_("basis:"), " ", Typed(str(hold["reason"]))))
    lines.append((_("ends after {day}").format(day=hold["ends"]),))
    if hold.get("quiet"):
        lines.append((_("quiet: whom it concerns is told once it has ended"),))
    lines.append((_("asked for by"), " ", Typed(str(hold["asked_by"]))))
    if hold.get("confirmed_by"):
        lines.append((_("confirmed by"), " ", Typed(str(hold["confirmed_by"]))))
        lines.append((_("keeps {count} things, sealed").format(count=int(hold.get("kept") or 0)),))
    else:
        lines.append((_("waits for a second person:"), " ", Typed(f"!hold confirm {hold['id']}")))
    if hold.get("release_by"):
        lines.append((_("to be ended, asks"), " ", Typed(str(hold["release_by"]))))
    if hold.get("open_by"):
        lines.append((_("to be opened, asks"), " ", Typed(str(hold["open_by"]))))
    return lines


#: How these acts are told about.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    **dict.fromkeys(("hold_member", "hold_room", "hold_time"), asked),
    **dict.fromkeys(("hold_confirm", "hold_release", "hold_open"), followed),
    "hold_list": listed,
}
