"""The record of upgrades, `belisha_upgrade`: what is under way, and for good which room took the place of which.

A row is written before anything is done. Without `new` the upgrade is undone after a crash, with it finished.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_modules import moderation_tables, registry_tables
from synapse_modules.registry import Settle


class Upgrade(NamedTuple):
    """One upgrade: in whose name, the old room's policy as it was, and the new room once it is whole."""

    old: str
    new: str | None
    sender: str
    policy: dict[str, Any]
    since: int
    done: bool


class UpgradeRows:
    """Reads and writes the record, and what Synapse's own tables say of the rooms in it."""

    def __init__(self, api: ModuleApi) -> None:
        self._api = api

    async def begin(self, upgrade: Upgrade) -> bool:
        """Writes a new upgrade down; whether it may begin: there is none of this room, nor a change of its policy."""

        def write(txn: LoggingTransaction) -> bool:
            txn.execute("SELECT 1 FROM belisha_room WHERE room_id = ?", (upgrade.old,))
            if txn.fetchone() is not None:
                return False
            txn.execute(
                "INSERT INTO belisha_upgrade (old_room_id, sender, policy, since, done) VALUES (?, ?, ?, ?, 0)"
                " ON CONFLICT (old_room_id) DO NOTHING",
                (upgrade.old, upgrade.sender, json.dumps(upgrade.policy), upgrade.since),
            )
            return int(txn.rowcount) == 1

        return bool(await self._api.run_db_interaction("belisha_upgrade_begin", write))

    async def record(self, old: str, new: str, settle: Settle | None = None) -> bool:
        """Writes down the new room, which is whole, and `settle` with it; False where the upgrade was given up."""

        def write(txn: LoggingTransaction) -> bool:
            txn.execute(
                "UPDATE belisha_upgrade SET new_room_id = ? WHERE old_room_id = ? AND new_room_id IS NULL", (new, old)
            )
            is_written = int(txn.rowcount) == 1
            if is_written:
                moderation_tables.carry_over(txn, old, new)
                registry_tables.raise_revision(txn)
            if is_written and settle is not None:
                settle(txn)
            return is_written

        return bool(await self._api.run_db_interaction("belisha_upgrade_record", write))

    async def give_up(self, old: str) -> None:
        """Strikes an upgrade out that has no new room."""
        await self._write("DELETE FROM belisha_upgrade WHERE old_room_id = ? AND new_room_id IS NULL", (old,))

    async def finish(self, old: str) -> None:
        """Notes that everything has gone over."""
        await self._write("UPDATE belisha_upgrade SET done = 1 WHERE old_room_id = ?", (old,))

    async def forget(self, old: str) -> None:
        """Strikes an upgrade out whose new room nobody can be brought into."""
        await self._write("DELETE FROM belisha_upgrade WHERE old_room_id = ?", (old,))

    async def of(self, old: str) -> Upgrade | None:
        """The upgrade of a room."""
        found = await self._read("WHERE old_room_id = ?", (old,))
        return found[0] if found else None

    async def into(self, new: str) -> Upgrade | None:
        """The upgrade that a room came from."""
        found = await self._read("WHERE new_room_id = ?", (new,))
        return found[0] if found else None

    async def under_way(self) -> list[Upgrade]:
        """Every upgrade that is not done."""
        return await self._read("WHERE done = 0 ORDER BY since", ())

    async def left_behind(self) -> list[str]:
        """The user ids of who is in a room that was replaced, and not in the one that took its place."""

        def read(txn: LoggingTransaction) -> list[str]:
            txn.execute(
                "SELECT DISTINCT old.user_id FROM belisha_upgrade"
                " JOIN local_current_membership AS old ON old.room_id = belisha_upgrade.old_room_id"
                " LEFT JOIN local_current_membership AS new"
                " ON new.room_id = belisha_upgrade.new_room_id AND new.user_id = old.user_id"
                " WHERE done = 1 AND old.membership IN ('join', 'invite', 'knock')"
                " AND (new.membership IS NULL OR new.membership <> 'join')"
            )
            return [row[0] for row in txn.fetchall()]

        found: list[str] = await self._api.run_db_interaction("belisha_left_behind", read)
        return found

    async def memberships(self, room_id: str) -> dict[str, str]:
        """Every account of this server that has to do with a room, and how: join, invite, knock, leave, ban."""

        def read(txn: LoggingTransaction) -> dict[str, str]:
            txn.execute("SELECT user_id, membership FROM local_current_membership WHERE room_id = ?", (room_id,))
            return {row[0]: row[1] for row in txn.fetchall()}

        found: dict[str, str] = await self._api.run_db_interaction("belisha_memberships", read)
        return found

    async def naming(self, event_type: str, room_id: str) -> list[str]:
        """The rooms whose state of a type names another room by its key."""

        def read(txn: LoggingTransaction) -> list[str]:
            txn.execute(
                "SELECT room_id FROM current_state_events WHERE type = ? AND state_key = ?", (event_type, room_id)
            )
            return [row[0] for row in txn.fetchall()]

        found: list[str] = await self._api.run_db_interaction("belisha_naming", read)
        return found

    async def made_for(self, upgrade: Upgrade) -> list[str]:
        """The rooms that an upgrade which was cut short has made, whole or not."""

        def read(txn: LoggingTransaction) -> list[str]:
            txn.execute(
                "SELECT events.room_id, event_json.json FROM events"
                " JOIN event_json ON event_json.event_id = events.event_id"
                " WHERE events.type = 'm.room.create' AND events.sender = ?",
                (upgrade.sender,),
            )
            return [row[0] for row in txn.fetchall() if _predecessor(row[1]) == upgrade.old]

        found: list[str] = await self._api.run_db_interaction("belisha_upgrade_made", read)
        return found

    async def _read(self, which: str, arguments: tuple[Any, ...]) -> list[Upgrade]:
        def read(txn: LoggingTransaction) -> list[Upgrade]:
            txn.execute(
                "SELECT old_room_id, new_room_id, sender, policy, since, done"  # noqa: S608 - constants of this file
                f" FROM belisha_upgrade {which}",
                arguments,
            )
            return [
                Upgrade(row[0], row[1], row[2], json.loads(row[3]), int(row[4]), bool(row[5])) for row in txn.fetchall()
            ]

        found: list[Upgrade] = await self._api.run_db_interaction("belisha_upgrades", read)
        return found

    async def _write(self, statement: str, arguments: tuple[Any, ...]) -> bool:
        def write(txn: LoggingTransaction) -> bool:
            txn.execute(statement, arguments)
            return int(txn.rowcount) == 1

        return bool(await self._api.run_db_interaction("belisha_upgrade_write", write))


def _predecessor(event: str) -> object:
    content = json.loads(event).get("content", {})
    predecessor = content.get("predecessor")
    return predecessor.get("room_id") if isinstance(predecessor, dict) else None
