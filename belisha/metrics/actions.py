"""What members do, as data: the actions that facts are about, and the classes in which they are counted together.

A class is rolled up like an action, so that "active on that day" is one set and not a union of many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Members of whom anything at all is known.
KNOWN: Final = "known"
#: Members who did something themselves.
ACTIVE: Final = "active"
#: Members who wrote something that others can use.
CONTRIBUTED: Final = "contributed"
CLASSES: Final = (KNOWN, ACTIVE, CONTRIBUTED)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that members do.

    Attributes:
        name: as it stands in facts.
        means: when a fact of it is made, for docs/metrics.md.
        active: whether who did it counts as active on that day.
        contributes: whether it is a contribution; then it is activity as well.
    """

    name: str
    means: str
    active: bool = True
    contributes: bool = False

    @property
    def counted_as(self) -> tuple[str, ...]:
        """The action itself and its classes: under each of these names a fact of it is rolled up."""
        active = (ACTIVE,) if self.active else ()
        contributed = (CONTRIBUTED,) if self.contributes else ()
        return (self.name, KNOWN, *active, *contributed)


ACTIONS: Final = {
    action.name: action
    for action in (
        Action("invited", "an account was made for the member", active=False),
        Action("signed_in", "a session began, in a client or on the portal; the first on a day"),
        Action("completed_profile", "the member's profile says for the first time what they do"),
        Action("joined", "the member joined a group for the first time"),
        Action("read", "a read receipt that others can see; the first on a day in a group"),
        Action("posted", "a message, file or poll in a group", contributes=True),
        Action("answered", "a reply, or a message in a thread, to somebody else", contributes=True),
        Action("reacted", "a reaction to an item"),
        Action("voted", "a vote in a poll; not for what, and not in anonymous polls"),
        Action("downloaded", "a file above GREEN of a group was opened; once a day each"),
        Action("viewed", "a page of the portal was opened; the first on a day"),
        Action("searched", "a search on the portal, whatever for; the first on a day", active=False),
        Action("found_nothing", "a search there that nothing was found by; the first on a day", active=False),
        Action("reported", "a report of which the stewards were told; not of what", active=False),
        Action("acknowledged", "a steward first looked after what the member had reported", active=False),
        Action("left", "the member's right to be in the community ended, as is seen the night after", active=False),
    )
}


def counted_as(name: str) -> tuple[str, ...]:
    """Under which names an action is rolled up.

    Raises:
        ValueError: there is no such action.
    """
    if (action := ACTIONS.get(name)) is None:
        raise ValueError(f"There is no action called {name}; belisha/metrics/actions.py lists them.")
    return action.counted_as
