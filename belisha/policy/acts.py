"""Decides who may ask for which act by a command (rules P3, R1 and M1), from who they are at this moment.

Three choices that the table of acts does not show. A lead freezes nobody who is steward or manager: whoever leads one
organisation must not silence those who moderate all of them. Freezing is moderation too, so a steward freezes no
manager, and no organisation that has one: who runs the community is not theirs to stop, by whatever act. And what was
frozen by somebody is thawed by their like or by those above: a lead does not undo what a steward, a manager or an
operator did.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from belisha.commands.declaration import Command
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import MAY_LIST_ORGANISATIONS, Person, Standing
from belisha.policy.recertification import FROZEN_BY
from belisha.policy.state import MAINTAINER_POWER

_MAY: Final = allow("P3", "Whoever asks for this may.")
#: Roles whose bearers a lead neither freezes nor takes out.
MODERATION: Final = frozenset({"steward", "manager"})
#: What stands as the role of who froze an account that a lead may thaw.
_BY_LEADS: Final = frozenset({"lead", FROZEN_BY})


class Subject(NamedTuple):
    """A member whom an act is about; `frozen_by` is the role of who froze it."""

    localpart: str
    organisation: str
    roles: frozenset[str]
    standing: Standing = Standing.ACTIVE
    frozen_by: str | None = None


def decide_room_act(
    act: Command, asker: Person, power: int, old: Iterable[str] = (), organisations: Iterable[str] = ()
) -> Decision:
    """Decides about an act that concerns a group.

    Args:
        act: what is asked for.
        asker: who asks, and may act as a member at all.
        power: the asker's power in the room where the command stands.
        old: the organisations that the group lists now.
        organisations: those that it is asked to list.
    """
    if not asker.roles & act.roles and not (act.others == "maintainer" and power >= MAINTAINER_POWER):
        who = "Maintainers of the group, stewards and managers" if act.others == "maintainer" else "Stewards, managers"
        return refuse("R1", "NOT_YOURS", f"{who} can do this. Please ask one of them.")
    others = set(organisations) - {asker.organisation}
    if others and not asker.roles & MAY_LIST_ORGANISATIONS and set(organisations) != set(old):
        return refuse(
            "R1",
            "ORGANISATIONS",
            "Only stewards and managers can list organisations other than their own. Please ask one of them.",
        )
    return _MAY


def freezes_as(act: Command, asker: Person, organisation: str) -> str | None:
    """The role in which somebody may freeze or thaw members of an organisation; None where they may not."""
    for role in ("manager", "steward"):
        if role in asker.roles & act.roles:
            return role
    is_lead = act.others == "lead" and "lead" in asker.roles and asker.organisation == organisation
    return "lead" if is_lead else None


def decide_member_act(
    act: Command, asker: Person, subject: Subject, standing: Standing, *, is_last_manager: bool
) -> Decision:
    """Decides about freezing or thawing a member.

    Args:
        act: what is asked for.
        asker: who asks, and may act as a member at all.
        subject: whom it is about.
        standing: what they are to be.
        is_last_manager: whether no manager could act afterwards.
    """
    role = freezes_as(act, asker, subject.organisation)
    if role is None:
        return refuse(
            "M1", "NOT_YOURS", "Stewards and managers can do this, and leads for members of their own organisation."
        )
    if subject.localpart == asker.localpart:
        return refuse("M1", "NOT_YOURSELF", "Nobody freezes or thaws themselves. Please ask a steward or a manager.")
    if role == "lead" and subject.roles & MODERATION:
        return refuse(
            "M1", "MODERATES", "A lead cannot freeze or thaw stewards and managers. Please ask a steward or a manager."
        )
    if role == "steward" and "manager" in subject.roles:
        return refuse("M1", "MODERATES", "A steward cannot freeze or thaw managers. Please ask a manager.")
    if standing is Standing.ACTIVE:
        if subject.standing is Standing.FROZEN and role == "lead" and subject.frozen_by not in _BY_LEADS:
            return refuse(
                "M1",
                "FROZEN_ABOVE",
                "This member was frozen by those who moderate or run the community. Please ask a steward or a manager.",
            )
        return _MAY
    return LAST_MANAGER if is_last_manager else _MAY


def decide_leaving(asker: Person, address: str, *, is_last_manager: bool) -> Decision:
    """Decides whether a member may end their own membership.

    The address is asked for against a slip, and no password: it would stand in an event (see `docs/members.md`).

    Args:
        asker: who asks.
        address: what they have written as their own address, with the server's name or without it.
        is_last_manager: as in `decide_member_act`.
    """
    if asker.is_bot:
        return refuse("M1", "NOT_YOURS", "A bot does not leave the community.")
    if "@" + address.removeprefix("@") not in (asker.user_id, asker.user_id.partition(":")[0]):
        return refuse(
            "M1",
            "NOT_YOU",
            f"That is not your own address, so nothing was done. Yours is {asker.user_id.partition(':')[0]}.",
        )
    return LAST_MANAGER if is_last_manager else _MAY


def decide_organisation_act(
    act: Command, asker: Person, organisation: str, *, has_managers: bool, is_last_manager: bool
) -> Decision:
    """Decides about freezing or thawing an organisation.

    Args:
        act: what is asked for.
        asker: who asks, and may act as a member at all.
        organisation: which.
        has_managers: whether managers are among its members.
        is_last_manager: as in `decide_member_act`.
    """
    if not asker.roles & act.roles:
        return refuse("M1", "NOT_YOURS", "Only stewards and managers can do this. Please ask one of them.")
    if asker.organisation == organisation:
        return refuse(
            "M1", "NOT_YOURSELF", "Nobody freezes or thaws their own organisation. Please ask one of another."
        )
    if has_managers and "manager" not in asker.roles:
        return refuse(
            "M1",
            "MODERATES",
            "A manager belongs to this organisation, and a steward cannot freeze or thaw managers. Freeze its other"
            " members one by one, or ask a manager.",
        )
    return LAST_MANAGER if is_last_manager else _MAY


LAST_MANAGER: Final = refuse(
    "M1", "LAST_MANAGER", "Nobody could run the community then. Please have another manager appointed first."
)
