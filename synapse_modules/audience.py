"""Who reads a room at this moment, in numbers (rule P2): by organisation, and never by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from belisha.policy.rooms import Kind, Room
from synapse_modules.registry import Registry


async def audience_of(registry: Registry, room: Room, joined: Iterable[str]) -> dict[str, Any]:
    """How many people read what stands in a room, by organisation; of an open group everyone, who could join.

    Args:
        registry: Who belongs to which organisation.
        room: Its policy.
        joined: The accounts that are in it now.

    Returns:
        `total`, `organisations` (each `id`, `name`, `category`, `count`; the largest first), `bots`, `could_join`.
    """
    people = [await registry.person(user_id) for user_id in joined]
    could_join = room.kind is Kind.OPEN and not (room.replaced or room.archived)
    if could_join:
        counts = Counter(member.organisation for member in (await registry.active_members()).values())
    else:
        counts = Counter(person.organisation for person in people if person.organisation is not None)
    organisations = await registry.organisations()
    return {
        "total": sum(counts.values()),
        "organisations": [
            {"id": key, "name": organisations[key].name, "category": organisations[key].category, "count": count}
            for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ],
        "bots": sum(person.is_bot for person in people),
        "could_join": could_join,
    }
