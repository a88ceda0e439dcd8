"""Decides who may close, extend, cancel and export a poll (rule P3), and which may be anonymous, as all is now."""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person
from belisha.policy.state import MAINTAINER_POWER
from belisha.polls.ballots import FEWEST_VOTERS
from belisha.translation import marked

_MAY: Final = allow("P3", "Whoever asks for this may.")
NO_POLL: Final = refuse(
    "P3", "NO_POLL", "That is no poll which you can read, or it was taken back. Please answer the poll itself."
)
ENDED: Final = refuse("P3", "POLL_ENDED", "That poll is closed, and is not opened again. Please begin another.")

#: One vote for each organisation would say how the few of a small one have voted.
NOT_BY_ORGANISATION: Final = marked(
    "An anonymous poll is not counted by organisation: in a small one that would tell how its members have voted. "
    "Please leave out one of the two."
)


def decide_anonymous(voters: int, *, by_organisation: bool) -> Decision:
    """Decides whether a poll may be anonymous.

    Args:
        voters: how many may vote at this moment.
        by_organisation: whether each organisation is to have one vote besides.
    """
    if by_organisation:
        return refuse("P2", "NOT_BY_ORGANISATION", NOT_BY_ORGANISATION)
    if voters < FEWEST_VOTERS:
        return refuse(
            "P2",
            "TOO_FEW_VOTERS",
            f"Fewer than {FEWEST_VOTERS} may vote in this group, so nobody's vote would be hidden among the others. "
            "Please begin an open poll, or ask in a larger group.",
        )
    return _MAY


def decide_ending(asker: Person, maker: str, power: int, *, ended: bool) -> Decision:
    """Decides about closing, extending or cancelling.

    Args:
        asker: who asks, and may act as a member at all.
        maker: the user id of who began the poll.
        power: the asker's power in its group.
        ended: whether it is over already.
    """
    if asker.user_id != maker and power < MAINTAINER_POWER and "steward" not in asker.roles:
        return refuse(
            "P3",
            "NOT_YOURS",
            "Whoever began the poll, the group's maintainers and stewards can do this. Please ask one of them.",
        )
    return ENDED if ended else _MAY


def decide_export(asker: Person, maker: str, *, disclosed: bool, ended: bool) -> Decision:
    """Decides about having a poll with everybody's vote as a file; `maker` as in `decide_ending`."""
    if asker.user_id != maker and "steward" not in asker.roles:
        return refuse("P3", "NOT_YOURS", "Whoever began the poll, and stewards, can export it. Please ask one of them.")
    if not (disclosed or ended):
        return refuse("P2", "POLL_RUNS", "This poll shows nobody how it stands before its end. Please close it first.")
    return _MAY
