"""Decides who is told about the members of an organisation: roles, last active day, frozen or not (rules M1 and P2)."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import RUNNING
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person

_MAY: Final = allow("M1", "Whoever asks for this may.")


def sees_all(asker: Person) -> bool:
    """Whether somebody is told about every organisation."""
    return bool(asker.roles & RUNNING)


def decide_unfactored(asker: Person, organisation: str | None) -> Decision:
    """Decides whether somebody is told who of an organisation has no second factor."""
    if "manager" in asker.roles or ("lead" in asker.roles and organisation == asker.organisation):
        return _MAY
    return refuse("M2", "NOT_YOURS", "Managers can do this, and leads for members of their own organisation.")


def decide_members(asker: Person, organisation: str | None) -> Decision:
    """Decides whether somebody who may act as a member is told about an organisation; None where about their own."""
    is_theirs = "lead" in asker.roles and organisation in (None, asker.organisation)
    if sees_all(asker) or is_theirs:
        return _MAY
    return refuse(
        "M1", "NOT_YOURS", "Stewards and managers can do this, and leads for members of their own organisation."
    )
