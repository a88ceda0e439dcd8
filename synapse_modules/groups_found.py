"""The groups that a member may join or ask for, decided for that member at this moment (rule P2).

Who is not in a closed group may not read it, so how much is written there takes no part. Its name, its topic and how
many are in it Matrix shows to everybody who may ask to be let in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.membership import decide_membership
from belisha.policy.people import BOT_PREFIX, Person
from belisha.policy.rooms import Kind, is_listed
from belisha.policy.types import CONTENT
from synapse_modules.hooks import Hooks
from synapse_modules.registry import Registry
from synapse_modules.rooms import Rooms
from synapse_modules.snapshot import room_of, text_in

#: How far back counts as lively, in seconds.
LIVELY: Final = 7 * 86_400
_CONTENT: Final = tuple(sorted(CONTENT))
_NEEDED: Final = [
    (POLICY_TYPE, ""),
    ("m.room.join_rules", ""),
    ("m.room.name", ""),
    ("m.room.topic", ""),
    ("m.room.canonical_alias", ""),
]

Json = dict[str, Any]


class FoundGroups:
    """Looks for groups on behalf of one member."""

    def __init__(
        self, api: ModuleApi, hooks: Hooks, registry: Registry, rooms: Rooms, clock: Callable[[], float] = time.time
    ) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._rooms = rooms
        self._clock = clock

    async def of(self, person: Person) -> list[Json]:
        """The groups, those with the most members first; none for who may not act.

        Each has `room_id`, `name`, `topic`, `address`, `kind`, `members`, `membership` (`invite`, `knock` or None) and
        `messages`: how many of the last seven days, None for closed groups.
        """
        if not person.belongs or person.is_bot:
            return []
        founding = await self._rooms.founding_rooms()
        found: list[Json] = []
        rows = await self._api.run_db_interaction("belisha_groups", _rooms_of, self._rooms.steward, person.user_id)
        for room_id, membership in rows:
            if room_id not in founding and (group := await self._group(person, room_id, membership)) is not None:
                found.append(group)
        is_open = [group["room_id"] for group in found if group["kind"] == Kind.OPEN.value]
        since_ms = int((self._clock() - LIVELY) * 1000)
        counts = await self._api.run_db_interaction("belisha_lively", _messages_in, is_open, since_ms)
        for group in found:
            group["messages"] = counts.get(group["room_id"], 0) if group["room_id"] in is_open else None
        return sorted(found, key=lambda group: (-group["members"], str(group["name"]).casefold()))

    async def _group(self, person: Person, room_id: str, membership: str | None) -> Json | None:
        state = await self._api.get_room_state(room_id, _NEEDED)
        room, rule = room_of(state), state.get(("m.room.join_rules", ""))
        if room is None or rule is None or room.frozen or not is_listed(room, rule.content.get("join_rule")):
            return None
        wanted = "join" if room.kind is Kind.OPEN or membership == "invite" else "knock"
        nobody: frozenset[str] = frozenset()
        fits = decide_membership(room, person, wanted, sender_id=person.user_id, named=nobody, present=nobody)
        if not fits.allowed:
            return None
        people = [await self._registry.person(user_id) for user_id in await self._hooks.joined(room_id)]
        if all(one.is_bot for one in people):
            return None  # nobody could let anybody in, or look after it
        return {
            "room_id": room_id,
            "name": text_in(state, "m.room.name", "name"),
            "topic": text_in(state, "m.room.topic", "topic"),
            "address": text_in(state, "m.room.canonical_alias", "alias"),
            "kind": room.kind.value,
            "members": sum(not one.is_bot for one in people),
            "membership": membership if membership in ("invite", "knock") else None,
        }


def _rooms_of(txn: LoggingTransaction, steward: str, user_id: str) -> list[tuple[str, str | None]]:
    """The rooms that a bot is in and an account is neither in nor banned from, with what it is to them."""
    txn.execute(
        "SELECT bot.room_id, mine.membership FROM local_current_membership AS bot"
        " LEFT JOIN local_current_membership AS mine ON mine.room_id = bot.room_id AND mine.user_id = ?"
        " WHERE bot.user_id = ? AND bot.membership = 'join'"
        " AND (mine.membership IS NULL OR mine.membership NOT IN ('join', 'ban')) ORDER BY bot.room_id",
        (user_id, steward),
    )
    return [(row[0], row[1]) for row in txn.fetchall()]


def _messages_in(txn: LoggingTransaction, rooms: Collection[str], since_ms: int) -> dict[str, int]:
    """How much members have written in each of some rooms since then."""
    if not rooms:
        return {}
    places, types = ", ".join("?" for _ in rooms), ", ".join("?" for _ in _CONTENT)
    txn.execute(
        "SELECT room_id, COUNT(*) FROM events"  # noqa: S608 - question marks only
        f" WHERE room_id IN ({places}) AND type IN ({types}) AND origin_server_ts > ?"
        " AND rejection_reason IS NULL AND sender NOT LIKE ? ESCAPE '!' GROUP BY room_id",
        (*rooms, *_CONTENT, since_ms, f"@{BOT_PREFIX.replace('_', '!_')}%"),
    )
    return {row[0]: int(row[1]) for row in txn.fetchall()}
