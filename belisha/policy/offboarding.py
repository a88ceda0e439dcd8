"""Decides who may take a member or an organisation out of the community (rules M1 and P3).

As with freezing, and narrower, since it cannot be undone: those who moderate are off-boarded by managers alone, so that
no steward gets rid of another, nor of them all with one organisation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from belisha.commands.declaration import Command
from belisha.policy.acts import LAST_MANAGER, MODERATION, Subject, freezes_as
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person

_MAY: Final = allow("M1", "Whoever asks for this may.")
_MODERATES: Final = refuse(
    "M1", "MODERATES", "Stewards and managers are taken out of the community by managers only. Please ask a manager."
)


def decide_offboarding(act: Command, asker: Person, subject: Subject, *, is_last_manager: bool) -> Decision:
    """Decides about off-boarding a member.

    Args:
        act: what is asked for.
        asker: who asks, and may act as a member at all.
        subject: whom it is about.
        is_last_manager: whether no manager could act afterwards.
    """
    role = freezes_as(act, asker, subject.organisation)
    if role is None:
        return refuse(
            "M1", "NOT_YOURS", "Stewards and managers can do this, and leads for members of their own organisation."
        )
    if subject.localpart == asker.localpart:
        return refuse(
            "M1", "NOT_YOURSELF", "Nobody takes themselves out of the community. Please ask a steward or a manager."
        )
    if role != "manager" and subject.roles & MODERATION:
        return _MODERATES
    return LAST_MANAGER if is_last_manager else _MAY


def decide_organisation_offboarding(
    act: Command, asker: Person, organisation: str, members: Iterable[Subject], *, is_last_manager: bool
) -> Decision:
    """Decides about off-boarding an organisation with all its `members`; the rest as in `decide_offboarding`."""
    if not asker.roles & act.roles:
        return refuse("M1", "NOT_YOURS", "Only stewards and managers can do this. Please ask one of them.")
    if asker.organisation == organisation:
        return refuse(
            "M1", "NOT_YOURSELF", "Nobody takes out their own organisation. Please ask a steward or manager of another."
        )
    if "manager" not in asker.roles and any(one.roles & MODERATION for one in members):
        return _MODERATES
    return LAST_MANAGER if is_last_manager else _MAY
