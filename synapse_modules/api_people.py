"""What the portal and the bots are told of who asks them for something."""

from __future__ import annotations

import json
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person
from belisha.policy.rooms import Kind
from belisha.policy.state import MAINTAINER_POWER
from synapse_modules.registry import Registry

_GROUPS: Final = (Kind.OPEN.value, Kind.CLOSED.value)


class AboutPeople:
    """Looks people up, as they are at this moment."""

    def __init__(self, api: ModuleApi, registry: Registry) -> None:
        self._api = api
        self._registry = registry

    async def of(self, person: Person) -> dict[str, Any]:
        """Who somebody is, where their own room with the steward is, and whether they maintain any group."""
        member = (await self._registry.members()).get(person.localpart) if person.belongs else None
        maintains = member is not None and await self._api.run_db_interaction(
            "belisha_maintains", _maintains, person.user_id
        )
        return {
            "belongs": person.belongs,
            "organisation": person.organisation,
            "roles": sorted(person.roles),
            "service_room": None if member is None else member.service_room,
            "maintains": maintains,
        }


def _maintains(txn: LoggingTransaction, user_id: str) -> bool:
    """Whether a member has a maintainer's power in a group that they are in; rooms of named people are none."""
    txn.execute(
        "SELECT levels.json, policy.json FROM local_current_membership AS mine"
        " JOIN current_state_events AS one ON one.room_id = mine.room_id AND one.type = 'm.room.power_levels'"
        "  AND one.state_key = ''"
        " JOIN current_state_events AS other ON other.room_id = mine.room_id AND other.type = ?"
        "  AND other.state_key = ''"
        " JOIN event_json AS levels ON levels.event_id = one.event_id"
        " JOIN event_json AS policy ON policy.event_id = other.event_id"
        " WHERE mine.user_id = ? AND mine.membership = 'join'",
        (POLICY_TYPE, user_id),
    )
    for levels, policy in txn:
        power = (json.loads(levels).get("content", {}).get("users") or {}).get(user_id)
        if json.loads(policy).get("content", {}).get("kind") in _GROUPS and _is_enough(power):
            return True
    return False


def _is_enough(power: object) -> bool:
    try:
        return isinstance(power, int | str) and int(power) >= MAINTAINER_POWER
    except ValueError:
        return False
