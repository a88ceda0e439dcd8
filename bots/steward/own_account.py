"""What the steward says of a member's own devices, and of leaving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from belisha.policy.acts import decide_leaving
from belisha.policy.muted import told as moment
from belisha.translation import _
from bots.kernel.answers import Typed, Words, paragraph, points, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Check, Outcome


def devices(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Lists them."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    found = done.get("devices")
    if not isinstance(found, list):  # it was told before a crash, and is kept nowhere
        return Answer((say(_("Something came in between. Please write {devices} again."), devices=Typed("!devices")),))
    return Answer(
        (
            paragraph(_("You are signed in to Element with these:")),
            points([_line(one) for one in found]),
            say(
                _("To sign one out, write {end} and its id. What you do not know, sign out, and change your password."),
                end=Typed("!devices end"),
            ),
            say(_("Where you are signed in to the portal, {portal} tells."), portal=Typed("!portal sessions")),
        )
    )


def _line(one: Mapping[str, Any]) -> tuple[Words, ...]:
    words: list[Words] = [Typed(str(one["device_id"]))]
    if isinstance(name := one.get("name"), str) and name:
        words += [": ", Typed(name)]
    if isinstance(seen := one.get("seen"), int):
        words += [", ", _("last seen {moment}").format(moment=moment(seen))]
    return tuple(words)


def ended(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Tells that a device is signed out."""
    said = outcome.refused if outcome.done is None else _("Done: that device is signed out.")
    return Answer((paragraph(said),))


def is_own(call: Call, _context: Context) -> str | None:
    """Why somebody does not leave by this; None where they have written their own address."""
    decision = decide_leaving(call.asker.person, str(call.arguments["member"]), is_last_manager=False)
    return None if decision.allowed else decision.reason


def left(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """Tells why somebody cannot leave; who has left reads nothing any more."""
    return Answer((paragraph(outcome.refused),) if outcome.done is None else ())


#: What a call is checked for before its member is asked to confirm it.
CHECKS: Final[Mapping[str, Check]] = {"leave_community": is_own}
#: Who tells how an act ended.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    "devices": devices,
    "device_end": ended,
    "leave_community": left,
}
