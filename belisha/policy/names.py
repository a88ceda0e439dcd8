"""What names and ids in the registry may be; each check gives the sentence that says what is wrong, or None."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from belisha.policy.people import BOT_PREFIX, CATEGORIES, ROLES

NAME_LENGTH: Final = 80
_ID_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


def problem_of_name(name: str) -> str | None:
    """A person's or an organisation's name, as people read it."""
    if not name.strip() or len(name) > NAME_LENGTH or not name.isprintable():
        return f"A name has 1 to {NAME_LENGTH} visible characters."
    return None


def problem_of_id(value: str, what: str) -> str | None:
    """An id that can never change: `what` names it in the sentence."""
    if not value or len(value) > NAME_LENGTH or not set(value) <= _ID_CHARACTERS:
        return f"The {what} has small letters, digits, “.”, “_” and “-” only, for example “sea-rescue”."
    return None


def problem_of_organisation(organisation_id: str, name: str, category: str) -> str | None:
    """The first thing wrong with an organisation."""
    problem = problem_of_id(organisation_id, "id of an organisation") or problem_of_name(name)
    if problem is None and category not in CATEGORIES:
        return f"The category of an organisation is one of {', '.join(CATEGORIES)}."
    return problem


def problem_of_member(localpart: str, name: str, roles: Iterable[str]) -> str | None:
    """The first thing wrong with a member."""
    problem = problem_of_id(localpart, "user name of a member") or problem_of_name(name)
    if problem is not None:
        return problem
    if localpart.startswith(BOT_PREFIX):
        return f"User names that begin with “{BOT_PREFIX}” belong to the community's bots."
    unknown = [role for role in roles if role not in ROLES]
    return f"“{unknown[0]}” is no role; the roles are {', '.join(ROLES)}." if unknown else None
