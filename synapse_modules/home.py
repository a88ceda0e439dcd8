"""What a member finds on the portal's first page: their groups, what waits for them, and who is new (rule P2).

Nothing in it is content: names and topics are fit for everybody (rule R3), the rest is counts and people.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.rooms import Kind, Room, to_state
from synapse_modules.hooks import Hooks
from synapse_modules.hooks_reading import ReadingHooks
from synapse_modules.registry import Member, Registry
from synapse_modules.snapshot import room_of, text_in

_GROUPS: Final = (Kind.OPEN, Kind.CLOSED)
#: How long somebody counts as new, in seconds, and how many are shown.
_NEW_FOR: Final = 30 * 86_400
_NEW_SHOWN: Final = 12
_NEEDED: Final = [
    (POLICY_TYPE, ""),
    ("m.room.encryption", ""),
    ("m.room.name", ""),
    ("m.room.topic", ""),
    ("m.room.power_levels", ""),
    ("m.room.create", ""),
]

Json = dict[str, Any]


class Home:
    """Gathers the first page for one member, from what is so at this moment."""

    def __init__(
        self, api: ModuleApi, hooks: Hooks, registry: Registry, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._reading = ReadingHooks(api)
        self._clock = clock

    async def of(self, user_id: str) -> Json:
        """The page of a member: `groups`, `invitations`, `knocks` and `new_members`; empty for who may not act."""
        groups: list[Json] = []
        invitations: list[Json] = []
        knocks: list[Json] = []
        if not (await self._registry.person(user_id)).belongs:
            return {"groups": groups, "invitations": invitations, "knocks": knocks, "new_members": []}
        for room_id, membership, sender in await self._api.run_db_interaction("belisha_home", _rooms, user_id):
            state = await self._api.get_room_state(room_id, _NEEDED)
            room = room_of(state)
            if room is None or room.kind not in (*_GROUPS, Kind.NAMED):
                continue
            named = [self._registry.organisation_name(one) or one for one in room.organisations]
            about = {
                "room_id": room_id,
                "name": text_in(state, "m.room.name", "name"),
                **to_state(room),
                "organisation_names": named,
            }
            if membership == "invite":
                invitations.append({**about, "by": await self._named(sender)})
            elif room.kind in _GROUPS:
                groups.append(
                    {**about, "topic": text_in(state, "m.room.topic", "topic"), **await self._size(room_id, room)}
                )
                if self._reading.may_invite(user_id, state):
                    waiting = await self._api.run_db_interaction("belisha_knocks", _knocking, room_id)
                    knocks += [{**about, "from": await self._named(each)} for each in waiting]
        groups.sort(key=lambda group: str(group["name"]).casefold())
        return {"groups": groups, "invitations": invitations, "knocks": knocks, "new_members": await self._new()}

    async def _size(self, room_id: str, room: Room) -> Json:
        people = [await self._registry.person(user_id) for user_id in await self._hooks.joined(room_id)]
        return {"members": sum(not person.is_bot for person in people), "could_join": room.kind is Kind.OPEN}

    async def _new(self) -> list[Json]:
        since = int(self._clock() - _NEW_FOR)
        active = await self._registry.active_members()
        recent = await self._api.run_db_interaction("belisha_new_members", _created_since, since)
        found = [(active[user_id[1:].partition(":")[0]], at) for user_id, at in recent if _localpart(user_id) in active]
        return [self._card(member) | {"since": at} for member, at in found[:_NEW_SHOWN]]

    async def _named(self, user_id: str) -> Json:
        member = (await self._registry.active_members()).get(_localpart(user_id))
        return {"user_id": user_id} if member is None else self._card(member)

    def _card(self, member: Member) -> Json:
        return {
            "user_id": self._registry.user_id(member.localpart),
            "name": self._registry.display_name(member),
            "organisation": member.organisation,
        }


def _localpart(user_id: str) -> str:
    return user_id[1:].partition(":")[0]


def _rooms(txn: LoggingTransaction, user_id: str) -> list[tuple[str, str, str]]:
    txn.execute(
        "SELECT current.room_id, current.membership, room_memberships.sender FROM local_current_membership AS current"
        " JOIN room_memberships ON room_memberships.event_id = current.event_id"
        " WHERE current.user_id = ? AND current.membership IN ('join', 'invite') ORDER BY current.room_id",
        (user_id,),
    )
    return [(row[0], row[1], row[2]) for row in txn.fetchall()]


def _knocking(txn: LoggingTransaction, room_id: str) -> list[str]:
    txn.execute(
        "SELECT user_id FROM local_current_membership WHERE room_id = ? AND membership = 'knock' ORDER BY user_id",
        (room_id,),
    )
    return [row[0] for row in txn.fetchall()]


def _created_since(txn: LoggingTransaction, since: int) -> list[tuple[str, int]]:
    txn.execute(
        "SELECT name, creation_ts FROM users WHERE creation_ts >= ? AND deactivated = 0"
        " AND appservice_id IS NULL ORDER BY creation_ts DESC, name LIMIT 200",
        (since,),
    )
    return [(row[0], int(row[1])) for row in txn.fetchall()]
