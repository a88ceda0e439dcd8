"""What the module tells of people for the directory, as frozen values; bots and portal read the same answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody as the registry has them.

    Attributes:
        user_id: the account.
        name: the name, without the organisation.
        organisation: the organisation's id.
        organisation_name: its name.
        category: its category, such as `charity`.
    """

    user_id: str
    name: str
    organisation: str
    organisation_name: str
    category: str


@dataclass(frozen=True, slots=True)
class Sight:
    """Whom a member may find, and by what, at this moment.

    Attributes:
        asker: who asks.
        shares: the members with whom they share a group now.
        absent: members who must not be found now.
        about: those who were named, in that order; None for who is not there.
    """

    asker: Listed
    shares: frozenset[str]
    absent: frozenset[str]
    about: tuple[Listed | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Entered:
    """A member in the registry.

    Attributes:
        listed: who it is.
        standing: `active`, `frozen` or `removed`.
        service_room: their own room with the steward, where they may act.
    """

    listed: Listed
    standing: str
    service_room: str | None


@dataclass(frozen=True, slots=True)
class RegistryPage:
    """A page of the registry.

    Attributes:
        revision: which state of it that was.
        members: in the order of the accounts' names.
        onward: from where on to ask for the others; None where these were all.
    """

    revision: str
    members: Sequence[Entered]
    onward: str | None


def sight_of(answer: Mapping[str, Any]) -> Sight | None:
    """Reads what the module tells of a member's sight; None where the member may not act."""
    asker, about = listed_of(answer.get("asker")), answer.get("about")
    if asker is None:
        return None
    named = tuple(listed_of(one) for one in about) if isinstance(about, list) else ()
    return Sight(asker, _ids(answer.get("shares")), _ids(answer.get("absent")), named)


def page_of(answer: Mapping[str, Any]) -> RegistryPage | None:
    """Reads a page of the registry; None where it is none."""
    revision, members, onward = (answer.get(key) for key in ("revision", "members", "next"))
    if not isinstance(revision, str) or not isinstance(members, list):
        return None
    found: list[Entered] = []
    for one in members:
        listed = listed_of(one)
        if listed is None:
            return None
        room = one.get("service_room")
        found.append(Entered(listed, str(one.get("standing")), room if isinstance(room, str) else None))
    return RegistryPage(revision, tuple(found), onward if isinstance(onward, str) else None)


def listed_of(value: object) -> Listed | None:
    """Reads one member; None where it is none."""
    if not isinstance(value, dict):
        return None
    keys = ("user_id", "name", "organisation", "organisation_name", "category")
    texts = [value.get(key) for key in keys]
    return Listed(*(str(one) for one in texts)) if all(isinstance(one, str) for one in texts) else None


def _ids(value: object) -> frozenset[str]:
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()
