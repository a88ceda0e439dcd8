"""Whom and what an act was about, by name, with the address or id behind it where that is to be written again.

The module tells names with how an act ended (`names`); where it tells none, the address or id stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from belisha.translation import _
from bots.kernel.answers import Typed, Words
from bots.steward.groups import link_to


def member(done: Mapping[str, Any], address: object) -> tuple[Words, ...]:
    """A member: Anna Keller (@anna)."""
    return with_id(_names(done).get("member"), str(address))


def organisation(done: Mapping[str, Any], key: object) -> tuple[Words, ...]:
    """An organisation: Harbour Trust (harbour)."""
    return with_id(_names(done).get("organisation"), str(key))


def room(done: Mapping[str, Any], room_id: str) -> Words:
    """A link to a group that reads as its name."""
    name = (_names(done).get("rooms") or {}).get(room_id)
    return link_to(room_id, str(name) if name else _("a group without a name"))


def _names(done: Mapping[str, Any]) -> Mapping[str, Any]:
    found = done.get("names")
    return found if isinstance(found, Mapping) else {}


def with_id(name: object, key: str) -> tuple[Words, ...]:
    """A name with what is written for it."""
    return (f"{name} (", Typed(key), ")") if isinstance(name, str) and name else (Typed(key),)
