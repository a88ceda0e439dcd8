"""Decides who gives an account back to a member who has lost the password (rule M2).

Whoever can do that can become that member: so it is a lead's to do for ordinary members of their own organisation,
where that has no lead a steward's or manager's, and for those who have a role a manager's alone. Nobody does it in
secret.
"""

from __future__ import annotations

import re
from typing import Final

from belisha.policy.acts import Subject
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person, Standing

#: For how long a code holds, in seconds.
HOLDS_S: Final = 3600
#: What codes are made of: no two of these are taken for each other, read out or written by hand.
ALPHABET: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
#: How many of them one has: 16 of 30 characters are 78 bits.
LENGTH: Final = 16

_MAY: Final = allow("M2", "Whoever asks for this may.")
_ROLES: Final = frozenset({"lead", "steward", "manager", "operator"})
NO_CODE: Final = refuse(
    "M2",
    "NO_CODE",
    "There is no such code for that account: it may be mistyped, used already, or over. Please ask for a new one where "
    "you got it.",
)


def decide_recovery(asker: Person, subject: Subject, *, has_lead: bool) -> Decision:
    """Decides whether somebody who may act as a member makes a code for an account.

    Args:
        asker: who asks.
        subject: whose account it is; `standing` is frozen where its organisation is.
        has_lead: whether that organisation has a lead who may act.
    """
    if not asker.roles & {"lead", "steward", "manager"}:
        return refuse("M2", "NOT_YOURS", "Leads can do this for members of their own organisation. Please ask yours.")
    if subject.localpart == asker.localpart:
        return refuse("M2", "NOT_YOURSELF", "Nobody does this for their own account. Change your password in Element.")
    if subject.roles & _ROLES:
        if "manager" not in asker.roles:
            return refuse("M2", "MODERATES", "Only managers can do this for somebody with a role. Please ask one.")
    elif not ("lead" in asker.roles and asker.organisation == subject.organisation):
        if not asker.roles & {"steward", "manager"}:
            return refuse("M2", "NOT_YOURS", "A lead can do this for members of their own organisation only.")
        if has_lead:
            return refuse("M2", "HAS_LEAD", "That organisation has a lead, whose it is to do this. Please ask them.")
    if subject.standing is not Standing.ACTIVE:
        return refuse(
            "M2", "FROZEN", "That account is frozen, so there is nothing to sign in to. It has to be thawed first."
        )
    return _MAY


def read_code(typed: str) -> str | None:
    """A code as it was made, out of what somebody typed: capitals, spaces and hyphens do not count."""
    code = re.sub(r"[\s-]", "", typed).upper()
    return code if len(code) == LENGTH and all(one in ALPHABET for one in code) else None


def shown_code(code: str) -> str:
    """A code as people read it: in groups of four."""
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))
