"""What the steward bot says of off-boarding: how much it concerns, before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from belisha.translation import _, many
from bots.kernel.answers import Block, paragraph, say
from bots.kernel.bot import Context, Extent
from bots.kernel.calls import Answer, Call, Outcome
from bots.steward import named


def _whom(call: Call) -> str:
    return str(next(iter(call.arguments.values())))


def _counted(extent: Extent) -> dict[str, str]:
    return {
        "people": many("{count} member", "{count} members", extent.people),
        "memberships": many("{count} membership", "{count} memberships", extent.memberships),
        "groups": many("{count} group", "{count} groups", extent.groups),
    }


def before(call: Call, extent: Extent) -> tuple[Block, ...]:
    """What it would concern."""
    words = _("Off-boarding {whom} concerns {people}, with {memberships} in {groups}.")
    return (say(words, whom=named.with_id(extent.name, _whom(call)), **_counted(extent)),)


def ended(call: Call, outcome: Outcome, _context: Context) -> Answer:
    """What it concerned, and how much of it is still to be done."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    people, groups, memberships = (int(done.get(name) or 0) for name in ("people", "groups", "memberships"))
    extent = Extent(people, groups, memberships)
    words = _("Done: {whom} is off-boarded: {people}, with {memberships} in {groups}. They are signed out everywhere.")
    whom = named.organisation if call.command.act == "organisation_offboard" else named.member
    return Answer((say(words, whom=whom(done, _whom(call)), **_counted(extent)), paragraph(_left(done.get("left")))))


def _left(left: object) -> str:
    if left == 0:
        return _("Now they are in none of these groups any more.")
    if isinstance(left, int):
        counted = many("{count} membership", "{count} memberships", left)
        return _(
            "{memberships} are still to end. They read nothing there any more, and this goes on by itself."
        ).format(memberships=counted)
    return _("What memberships are left end by themselves, and they read nothing there any more.")


#: Who tells how an act ended, and how much it would concern.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    "member_offboard": ended,
    "organisation_offboard": ended,
}
BEFORE: Final[Mapping[str, Callable[[Call, Extent], tuple[Block, ...]]]] = dict.fromkeys(TOLD, before)
