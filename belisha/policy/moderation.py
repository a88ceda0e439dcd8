"""Decides who may moderate whom (rules M1 and P3), from who they are at this moment.

As with freezing: nobody moderates themselves, a steward no manager, a lead or a maintainer nobody who moderates. What
those below have done, those above undo; what those above have done, those below do not.
"""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import Command
from belisha.policy.acts import Subject
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person
from belisha.policy.state import MAINTAINER_POWER

_MAY: Final = allow("M1", "Whoever asks for this may.")
_ABOVE: Final = ("manager", "steward")
_NOT_YOURS: Final = {
    "maintainer": "Maintainers of this group, stewards and managers can do this. Please ask one of them.",
    "lead": "Stewards and managers can do this, and leads for members of their own organisation.",
    "maintainer or lead": "Maintainers of this group, stewards and managers can do this, and leads for members of "
    "their own organisation.",
    None: "Stewards and managers can do this. Please ask one of them.",
}


def moderates_as(act: Command, asker: Person, organisation: str | None, power: int, *, in_group: bool) -> str | None:
    """The role in which somebody may ask for an act on a member; None where they may not.

    Args:
        act: what is asked for.
        asker: who asks.
        organisation: the organisation of whom it is about.
        power: the asker's power in the group that it is about, which they are in.
        in_group: whether it is about a group: a maintainer is one of that group alone, and nothing everywhere.
    """
    for role in _ABOVE:
        if role in asker.roles & act.roles:
            return role
    others = act.others or ""
    if "lead" in others and "lead" in asker.roles and organisation is not None and asker.organisation == organisation:
        return "lead"
    return "maintainer" if "maintainer" in others and in_group and power >= MAINTAINER_POWER else None


def decide_moderation(act: Command, asker: Person, role: str | None, subject: Subject, subject_power: int) -> Decision:
    """Decides about an act on a member.

    Args:
        act: what is asked for.
        asker: who asks, and may act as a member at all.
        role: as what (see `moderates_as`).
        subject: whom it is about.
        subject_power: their power in the group that it is about.
    """
    if role is None:
        return refuse("M1", "NOT_YOURS", _NOT_YOURS[act.others])
    if subject.localpart == asker.localpart:
        return refuse("M1", "NOT_YOURSELF", "Nobody moderates themselves. Please ask another steward or a manager.")
    if role == "steward" and "manager" in subject.roles:
        return refuse("M1", "MODERATES", "A steward cannot moderate managers. Please ask a manager.")
    if role not in _ABOVE and subject.roles & set(_ABOVE):
        return refuse("M1", "MODERATES", "Only stewards and managers can moderate those who moderate. Please ask one.")
    if role == "maintainer" and subject_power >= MAINTAINER_POWER:
        return refuse("M1", "MODERATES", "Maintainers of a group do not moderate each other. Please ask a steward.")
    return _MAY


def decide_undoing(role: str, by_role: str) -> Decision:
    """Decides whether what was done in one role may be undone, or replaced, in another."""
    if role in _ABOVE or role == by_role:
        return _MAY
    return refuse(
        "M1",
        "DONE_ABOVE",
        "This was done by others than those you act for, and stays as it is. Please ask a steward or a manager.",
    )
