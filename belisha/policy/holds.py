"""Decides about legal holds: what would be erased is kept, sealed, since two people say so (rules E1 and M2).

A hold is asked for by one and confirmed by another, and so are its early end and its opening. It shows nothing to
anybody: what was withdrawn stays withdrawn. It reaches no further back than its confirmation, so nobody gets by it what
was withdrawn before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.likeness import looks_like
from belisha.policy.people import Person

_DAY_S: Final = 86_400
#: For how many days a hold lasts at most; whoever needs it longer asks for another one, which two decide about anew.
MOST_DAYS: Final = 366
#: For how long, in seconds, the first of two waits for the second.
WAITS_S: Final = 7 * _DAY_S
#: How often, in seconds, managers are asked whether a hold is still needed.
REVIEW_S: Final = 30 * _DAY_S
#: For how long, in seconds, an operator may take out what two agreed to open.
OPEN_S: Final = _DAY_S

_MAY: Final = allow("E1", "Whoever asks for this may.")
_MANAGES: Final = frozenset({"manager", "operator"})
NO_HOLD: Final = refuse("E1", "NO_HOLD", "There is no such hold now. Please look it up by !hold list.")
NOT_AGREED: Final = refuse(
    "E1",
    "NOT_AGREED",
    "Two have to agree that it is opened, by !hold open, each for themselves. That holds for a day.",
)


def are_alike(one: str, other: str) -> bool:
    """Whether two members' names may be those of one person with two accounts."""
    return looks_like(one, other)


def is_quiet_about(person: Person, member: str | None, *, quiet: bool) -> bool:
    """Whether somebody is told nothing of a hold, not even that there is one: it is about them, and quiet."""
    return quiet and member == person.user_id


def decide_asking(asker: Person, *, now: int, ends: int, since: int | None, until: int | None) -> Decision:
    """Decides whether somebody asks for a hold; times are seconds since 1970."""
    if not asker.roles & _MANAGES:
        return refuse("M2", "NOT_YOURS", "Only managers and operators can ask for a legal hold.")
    if ends <= now:
        return refuse("E1", "IS_OVER", "That day is over. Please name the day on which the hold ends.")
    if ends > now + MOST_DAYS * _DAY_S:
        return refuse(
            "E1", "TOO_LONG", f"A hold lasts {MOST_DAYS} days at most. Please name an earlier day, and renew it then."
        )
    if since is not None and until is not None and until <= since:
        return refuse("E1", "MALFORMED", "The time ends before it begins. Please write the earlier day first.")
    return _MAY


def decide_second(second: Person, first: Person, member: str | None, *, alike: bool) -> Decision:
    """Decides whether somebody confirms what another has asked for about a hold.

    Args:
        second: who confirms.
        first: who has asked, as they are now.
        member: whom the hold is about, by user id.
        alike: whether their names may be taken for each other: both accounts of one person.
    """
    if not second.roles & _MANAGES:
        return refuse("M2", "NOT_YOURS", "Only managers and operators can confirm this.")
    if second.user_id == first.user_id or alike:
        return refuse("M2", "TAKES_TWO", "It takes two people, and you have asked for it. Please ask another manager.")
    if member == second.user_id:
        return refuse("M2", "ABOUT_YOU", "This hold is about you, so others decide about it.")
    if not first.belongs or not first.roles & _MANAGES:
        return refuse("M2", "NOT_THEIRS", "Whoever asked for it may not any more. Please ask for it anew.")
    if "manager" not in first.roles | second.roles:
        return refuse("M2", "NEEDS_MANAGER", "One of the two has to be a manager. Please ask one.")
    return _MAY


def start_of(day: str) -> int | None:
    """When a day (`2027-06-30`, UTC) begins, in seconds since 1970; None where there is no such day."""
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def end_of(day: str) -> int | None:
    """When a day ends, in the same way."""
    start = start_of(day)
    return None if start is None else start + _DAY_S


def day_of(at: int) -> str:
    """The last day of what ends at a moment, as people read it."""
    return (datetime.fromtimestamp(at, UTC) - timedelta(seconds=1)).date().isoformat()
