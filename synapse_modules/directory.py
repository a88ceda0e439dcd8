"""What the directory must know at the moment of a question (rule P2): who is listed, and who shares a group with whom.

Profiles are not here, but in the bots' store. What may be shown of them follows from the registry and from Synapse's
present memberships, and is asked for with every question.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.commands.declaration import GROUPS
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.people import Person, Standing
from belisha.policy.rooms import Purpose
from synapse_modules.refusal import malformed
from synapse_modules.registry import Member, Registry
from synapse_modules.registry_tables import is_active

#: How many members one question may name, and how many a page of the registry has.
AT_MOST: Final = 200
PAGE: Final = 200
_ROOMS_AT_ONCE: Final = 500

Json = dict[str, Any]


class Directory:
    """Answers about who may be found by whom."""

    def __init__(self, api: ModuleApi, registry: Registry) -> None:
        self._api = api
        self._registry = registry

    async def of(self, person: Person, addresses: Sequence[str]) -> Json:
        """What the directory may go by for who asks, and how those are listed whom they name.

        Nobody who may not act is told anything, and whoever is named and may not act is not there.
        """
        active = await self._registry.active_members()
        if person.localpart not in active or not person.belongs:
            return {"asker": None, "shares": [], "absent": [], "about": [None for _ in addresses]}
        shared = await self._api.run_db_interaction("belisha_shares", _shares, person.user_id)
        here = {self._registry.user_id(localpart) for localpart in active}
        absent = [self._registry.user_id(one) for one in await self._registry.members() if one not in active]
        return {
            "asker": await self._listed(active[person.localpart]),
            "shares": sorted((shared & here) - {person.user_id}),
            "absent": sorted(absent),
            "about": [await self._named(one, active) for one in addresses],
        }

    async def registry(self, after: str, known: str) -> Json:
        """A page of the registry, for the directory's own list; nobody on it where the caller knows this revision."""
        members, active = await self._registry.members(), await self._registry.active_members()
        revision = str(self._registry.revision)
        if known == revision and not after:
            return {"revision": revision, "members": [], "next": None}
        following = sorted(one for one in members if one > after)
        page = following[:PAGE]
        return {
            "revision": revision,
            "members": [
                {
                    **await self._listed(members[one]),
                    "standing": await self._standing(members[one]),
                    "service_room": members[one].service_room if one in active else None,
                }
                for one in page
            ],
            "next": page[-1] if len(following) > PAGE else None,
        }

    async def _standing(self, member: Member) -> str:
        """`active`, `frozen` for who may come back, or `removed`."""
        if is_active(member, await self._registry.organisations()):
            return Standing.ACTIVE.value
        gone = member.standing is Standing.REMOVED or member.organisation not in await self._registry.organisations()
        return Standing.REMOVED.value if gone else Standing.FROZEN.value

    async def _named(self, address: str, active: dict[str, Member]) -> Json | None:
        user_id = self._registry.address(address)
        member = active.get(user_id[1:].partition(":")[0])
        is_ours = member is not None and self._registry.user_id(member.localpart) == user_id
        return await self._listed(member) if member is not None and is_ours else None

    async def _listed(self, member: Member) -> Json:
        organisation = (await self._registry.organisations()).get(member.organisation)
        return {
            "user_id": self._registry.user_id(member.localpart),
            "name": member.name,
            "organisation": member.organisation,
            "organisation_name": organisation.name if organisation else member.organisation,
            "category": organisation.category if organisation else "",
        }


def addresses_in(value: object) -> list[str]:
    """The addresses that a question names.

    Raises:
        SynapseError: 400 where it is something else, or too much.
    """
    found = value or []
    if not isinstance(found, list) or len(found) > AT_MOST or not all(isinstance(one, str) for one in found):
        raise malformed(f"`about` is a list of at most {AT_MOST} addresses of members.")
    return found


def _shares(txn: LoggingTransaction, user_id: str) -> set[str]:
    """Who is in a group with an account now. Announcements are no such group: everybody is in them."""
    txn.execute(
        "SELECT mine.room_id, policy.json FROM local_current_membership AS mine"
        " JOIN current_state_events AS one ON one.room_id = mine.room_id AND one.type = ? AND one.state_key = ''"
        " JOIN event_json AS policy ON policy.event_id = one.event_id"
        " WHERE mine.user_id = ? AND mine.membership = 'join'",
        (POLICY_TYPE, user_id),
    )
    rooms: list[str] = []
    for room_id, text in txn.fetchall():
        content = json.loads(text).get("content", {})
        if content.get("kind") in GROUPS and content.get("purpose") != Purpose.ANNOUNCEMENTS.value:
            rooms.append(room_id)
    found: set[str] = set()
    for start in range(0, len(rooms), _ROOMS_AT_ONCE):
        some = rooms[start : start + _ROOMS_AT_ONCE]
        places = ", ".join("?" for _ in some)
        txn.execute(
            "SELECT DISTINCT user_id FROM local_current_membership"  # noqa: S608 - question marks only
            f" WHERE membership = 'join' AND room_id IN ({places})",
            some,
        )
        found.update(row[0] for row in txn.fetchall())
    return found
