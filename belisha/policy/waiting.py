"""Decides who lets whom in: knocks on closed groups, and accounts that ask an organisation (rules M1 and P2).

Who decides about somebody is who is told of them, and nobody else: what waits stands in no list of others.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from belisha.commands.declaration import RUNNING
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person
from belisha.policy.state import MAINTAINER_POWER

KNOCK: Final = "knock"
SIGN_UP: Final = "sign-up"
#: How something ended that waited.
LET_IN: Final = "let in"
TURNED_AWAY: Final = "turned away"
TAKEN_BACK: Final = "taken back"
OVER: Final = "over"
GONE: Final = "gone"

#: Seconds after which those who decide are reminded, and after which nothing waits any more.
LATE_S: Final = 86_400
OVER_S: Final = 14 * 86_400
#: How often one account without an organisation asks within `OVER_S`.
MOST_ASKED: Final = 5

_MAY: Final = allow("M1", "Whoever asks for this may.")
_NOT_YOURS: Final = {
    KNOCK: "Maintainers of the group, stewards and managers can do this.",
    SIGN_UP: "Leads of that organisation, stewards and managers can do this.",
}
BELONGS_ALREADY: Final = refuse(
    "M1",
    "BELONGS_ALREADY",
    "Only an account that belongs to no organisation yet can do this. To change yours, ask the people who run the "
    "community.",
)


class Wait(NamedTuple):
    """Somebody who waits: `sort` is `KNOCK` or `SIGN_UP`, `organisation` that of a sign-up."""

    sort: str
    localpart: str
    organisation: str | None = None


def decide_waiting(asker: Person, wait: Wait, power: int) -> Decision:
    """Decides whether somebody who may act as a member lets in, turns away, or is told of, who waits.

    Args:
        asker: who decides.
        wait: who waits, and for what.
        power: the asker's power in the group of a knock, while they are in it; else 0.
    """
    if asker.localpart == wait.localpart:
        return refuse("M1", "NOT_YOURSELF", "Nobody lets themselves in. Please wait for somebody else to do it.")
    if asker.roles & RUNNING:
        return _MAY
    if wait.sort == KNOCK:
        is_theirs = power >= MAINTAINER_POWER
    else:
        is_theirs = "lead" in asker.roles and wait.organisation == asker.organisation
    return _MAY if is_theirs else refuse("M1", "NOT_YOURS", _NOT_YOURS[wait.sort])


def decide_asking_in(asker: Person, *, is_waiting: bool, asked: int) -> Decision:
    """Decides whether an account asks an organisation to let it in.

    Args:
        asker: whose account; frozen ones ask for nothing.
        is_waiting: whether it waits already.
        asked: how often it has asked within `OVER_S`.
    """
    if asker.frozen or asker.is_bot or asker.organisation is not None:
        return BELONGS_ALREADY
    if is_waiting:
        return refuse("M1", "WAITS_ALREADY", "You have asked already. I tell you here when somebody has decided.")
    if asked >= MOST_ASKED:
        return refuse("M1", "TOO_OFTEN", "You have asked too often. Please ask the organisation itself, by other ways.")
    return _MAY


def closed_by(done: str, by: str | None) -> Decision:
    """What is said to who comes too late."""
    if by is None:
        return refuse("M1", "DONE_ALREADY", "This does not wait any more: it was taken back, or its time is over.")
    how = {LET_IN: "has let them in", TURNED_AWAY: "has turned them away"}.get(done, "has ended this")
    return refuse("M1", "DONE_ALREADY", f"Somebody was quicker: @{by} {how}.")
