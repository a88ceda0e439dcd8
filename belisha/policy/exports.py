"""Decides about copies of all that is held about a member (UK GDPR, article 15): who may have one made (rules P2, E1).

A copy is for the member alone. A manager can have one made for a member who asked in writing; whoever has it made, only
the member can take it, since it has what they wrote in rooms where nobody else may read.
"""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person

#: Seconds for which a copy that is made can be taken.
KEPT_S: Final = 7 * 86_400
#: Seconds for which it stands that there was one; nothing of it is kept with that.
REMEMBERED_S: Final = 30 * 86_400
A_DAY_S: Final = 86_400
#: How many are made of one member's data in a day.
MOST_A_DAY: Final = 3
#: Seconds for which a link to a copy holds.
LINK_S: Final = 60

COLLECTING: Final = "collecting"
READY: Final = "ready"
#: Something in it was taken back since, so it is kept no longer (rule E1).
OUTDATED: Final = "outdated"
OVER: Final = "over"

_MAY: Final = allow("P2", "Everybody may have a copy of their own data.")
NOT_YOURS: Final = refuse(
    "P2", "NOT_YOURS", "Only managers can have a copy made for somebody else, and only that member can take it."
)


def decide_hand_over(subject: Person, *, is_ready: bool) -> Decision:
    """Decides whether an operator is given a copy, to hand it to a member who cannot sign in to take it.

    Args:
        subject: whose data.
        is_ready: whether one is whole that a manager had made: it takes a manager and an operator, and neither alone.
    """
    if subject.belongs:
        return refuse("P2", "NOT_YOURS", "This member can sign in, and takes it on the portal. Nobody else can.")
    if not is_ready:
        return refuse(
            "P2",
            "NOT_MADE",
            "There is no copy that can be taken. A manager has one made first, by !mydata for their address.",
        )
    return _MAY


def decide_export(asker: Person, subject: Person, *, is_there: bool, under_way: bool, today: int) -> Decision:
    """Decides whether a copy of what is held about somebody is made.

    Args:
        asker: who asks, and may act as a member at all.
        subject: whose data.
        is_there: whether there is that account, frozen or without an organisation; who has left is gone.
        under_way: whether one is being made.
        today: how many were made within a day.
    """
    if asker.user_id != subject.user_id and "manager" not in asker.roles:
        return NOT_YOURS
    if subject.is_bot or not is_there:
        return refuse("P2", "NO_SUCH_MEMBER", "There is no member with this address. Please look it up again.")
    if under_way:
        return refuse("P2", "UNDER_WAY", "A copy is being made already. The portal shows how far it is.")
    if today >= MOST_A_DAY:
        return refuse(
            "P2", "TOO_OFTEN", f"No more than {MOST_A_DAY} copies are made within a day. Please wait until tomorrow."
        )
    return _MAY
