"""Who acts: a member with exactly one organisation, a bot, or an account that is neither."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

ROLES: Final = ("member", "lead", "steward", "manager", "operator")
CATEGORIES: Final = ("government", "academia", "industry", "charity")

#: How the localparts of the community's bots begin; nobody else's does (their application service's namespace).
BOT_PREFIX: Final = "belisha_"

#: Roles that may list organisations other than their own when they make a room.
MAY_LIST_ORGANISATIONS: Final = frozenset({"steward", "manager"})


class Standing(StrEnum):
    """Whether what the registry says of a member or an organisation is in force."""

    ACTIVE = "active"
    FROZEN = "frozen"
    #: For good: the id stays in the registry, so that nobody is ever given it again.
    REMOVED = "removed"


class Person(NamedTuple):
    """An account as the registry knows it; `organisation` is None for bots and for accounts without one.

    `frozen` is an account that may do nothing now: itself or its organisation is frozen, or it was removed.
    """

    user_id: str
    organisation: str | None = None
    roles: frozenset[str] = frozenset()
    is_bot: bool = False
    frozen: bool = False

    @property
    def localpart(self) -> str:
        """The part of the user id between `@` and `:`."""
        return self.user_id[1:].partition(":")[0]

    @property
    def belongs(self) -> bool:
        """Whether this is a member with an organisation who may act, or one of the community's bots."""
        return self.is_bot or (self.organisation is not None and not self.frozen)
