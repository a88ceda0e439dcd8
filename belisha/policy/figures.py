"""Who lets an organisation stand in the figures by name, and who sees it there (rules M2 and P2)."""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person

_MAY: Final = allow("M2", "Leads choose for their organisation.")


def decide_showing(asker: Person) -> Decision:
    """Decides whether somebody who may act as a member chooses for their organisation: a lead, and nobody for them."""
    if "lead" in asker.roles and asker.organisation is not None:
        return _MAY
    return refuse("M2", "NOT_YOURS", "Only a lead can do this, for their own organisation. Please ask a lead of it.")


def sees_organisations(asker: Person) -> bool:
    """Whether somebody is told which organisations let themselves be shown: managers, who read the figures."""
    return asker.belongs and "manager" in asker.roles
