"""Decides who may ask for which command where; what the module carries out, it decides about once more (rule P3)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from belisha.commands.declaration import ALONE, GROUPS, Command
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person
from belisha.policy.rooms import Kind
from belisha.policy.state import MAINTAINER_POWER
from belisha.translation import _, marked

_MAY: Final = allow("P3", "Whoever asks for this may.")
_OTHERS: Final = {
    "maintainer": marked("Maintainers of the group, stewards and managers can do this. Please ask one of them."),
    "maintainer or lead": marked(
        "Maintainers of the group, stewards and managers can do this, and leads for members of their own organisation."
    ),
    "lead": marked("Stewards and managers can do this, and leads for members of their own organisation."),
    "lead of managers": marked("Managers can do this, and leads for members of their own organisation."),
    None: marked("Only {roles} can do this. Please ask one of them."),
}
_PLURALS: Final = {
    "member": marked("members"),
    "lead": marked("leads"),
    "steward": marked("stewards"),
    "manager": marked("managers"),
    "operator": marked("operators"),
}


def decide_where(command: Command, kind: Kind) -> Decision:
    """Decides whether a command counts in a room of that kind."""
    if kind in command.where:
        return _MAY
    if command.is_about_room or command.where == GROUPS:
        return refuse("P3", "NOT_HERE", _("Please write this in the group that it is about."))
    if command.where == ALONE:
        return refuse("P3", "NOT_HERE", _("Please write this in your own room with the bot: it concerns nobody else."))
    return refuse(
        "P3", "NOT_HERE", _("Commands count only where the community's bots are: in groups and in your room.")
    )


def names_a_group(command: Command, kind: Kind | None, given: Collection[str] = ()) -> bool:
    """Whether a command says itself which group it is about; in one's own room it could, and is told so if it does not.

    Args:
        command: what is asked for.
        kind: that of the room where it is written; None where it is unknown.
        given: the arguments that stand in it.
    """
    return command.names_room or "group" in given or (kind is Kind.SERVICE and "group" in command.flags)


def decide_who(
    command: Command, asker: Person, power: int, *, maintains: bool = False, names_group: bool = False
) -> Decision:
    """Decides whether somebody may ask for a command at all.

    Args:
        command: what is asked for.
        asker: who asks.
        power: the asker's power in the room that it would be about.
        maintains: whether the asker maintains some group.
        names_group: whether the command names the group that it is about (see `names_a_group`); whether it is one of
            theirs is for the module to see.
    """
    if command.for_anyone:
        return _MAY
    if command.for_unbound:
        if asker.organisation is None and not (asker.frozen or asker.is_bot):
            return _MAY
        return refuse("M1", "BELONGS_ALREADY", _("Only an account that belongs to no organisation yet can do this."))
    if not asker.belongs or asker.is_bot:
        return refuse(
            "M1", "CONFINED", _("This account belongs to no organisation, so it can ask for help, and to be let in.")
        )
    if asker.roles & command.roles:
        return _MAY
    is_theirs = power >= MAINTAINER_POWER or (maintains and names_group)
    if "maintainer" in (command.others or "") and is_theirs:
        return _MAY
    if "lead" in (command.others or "") and "lead" in asker.roles:
        return _MAY
    who = [_(_PLURALS[role]) for role in _PLURALS if role in command.roles]
    others = command.others
    if others == "lead" and "steward" not in command.roles:
        others = "lead of managers"
    return refuse("P3", "NOT_YOURS", _(_OTHERS[others]).format(roles=_(" and ").join(who)))
