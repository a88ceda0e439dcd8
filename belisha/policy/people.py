"""Who acts: a member with exactly one organisation, a bot, or an account that is neither."""

from __future__ import annotations

from typing import Final, NamedTuple

ROLES: Final = ("member", "lead", "steward", "manager", "operator")
CATEGORIES: Final = ("government", "academia", "industry", "charity")

#: How the localparts of the community's bots begin; nobody else's does (their application service's namespace).
BOT_PREFIX: Final = "belisha_"

#: Roles that may list organisations other than their own when they make a room.
MAY_LIST_ORGANISATIONS: Final = frozenset({"steward", "manager"})


class Person(NamedTuple):
    """An account as the registry knows it; `organisation` is None for bots and for accounts without one."""

    user_id: str
    organisation: str | None = None
    roles: frozenset[str] = frozenset()
    is_bot: bool = False

    @property
    def localpart(self) -> str:
        """The part of the user id between `@` and `:`."""
        return self.user_id[1:].partition(":")[0]

    @property
    def belongs(self) -> bool:
        """Whether this is a member with an organisation, or one of the community's bots."""
        return self.is_bot or self.organisation is not None
