"""Carries out in Matrix what was decided about a member: removing, banning, unbanning, redacting.

It is written down first, together with how the command ended, and struck out when it is done. So a crash in between
loses nothing; and since Synapse may have stored the event already, it is looked for behind the command before.
It is done in the steward bot's name, who has the power for it in every group.
"""

from __future__ import annotations

import logging
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_modules import moderation_tables as tables
from synapse_modules.hooks import Hooks
from synapse_modules.moderation_tables import Entry
from synapse_modules.refusal import FAILURES, where
from synapse_modules.registry import Registry

logger = logging.getLogger(__name__)

_LOCK: Final = "belisha_moderation"
_ACTIONS: Final = {"kick": "leave", "ban": "ban", "unban": "unban"}
#: The memberships in which there is something to do.
_PRESENT: Final = {
    "kick": ("join", "invite", "knock"),
    "ban": ("join", "invite", "knock", "leave", None),
    "unban": ("ban",),
}


class Moderation:
    """What is still to be done."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry, steward: str) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._steward = steward

    async def catch_up(self) -> None:
        """Does what a crash or a failure left over."""
        for entry in await self._api.run_db_interaction("belisha_moderation_pending", tables.pending):
            try:
                await self._carry_out(entry)
            except FAILURES as error:
                logger.error("An act of moderation is still to be done, trying again soon: %s", where(error))

    async def carry_out(self, command_id: str, reason: str | None) -> None:
        """Does what one command asked for, where it is still to be done."""
        for entry in await self._api.run_db_interaction("belisha_moderation_pending", tables.pending, command_id):
            await self._carry_out(entry, reason)

    async def _carry_out(self, entry: Entry, reason: str | None = None) -> None:
        """Does one; the reason is kept nowhere, so what is done only after a crash has none."""
        # One message is taken back once, whoever has asked for it at the same moment.
        lock = await self._hooks.try_lock(_LOCK, str(entry.item) if entry.act == "redact" else entry.command_id)
        if lock is None:  # another process, or another command for the same, is at it
            return
        async with lock:
            if not await self._api.run_db_interaction("belisha_moderation_pending", tables.pending, entry.command_id):
                return
            if self._steward not in await self._hooks.joined(str(entry.room_id)):  # a group of this very moment
                await self._hooks.set_membership(self._steward, self._steward, str(entry.room_id), "join")
            if entry.act == "redact":
                await self._redact(entry, reason)
            else:
                await self._change_membership(entry, reason)
            await self._api.run_db_interaction("belisha_moderated", tables.is_done, entry.command_id)

    async def _redact(self, entry: Entry, reason: str | None) -> None:
        """Redacts an item; its edits follow it (see `relabelling`)."""
        target = await self._hooks.event(str(entry.item))
        if target is None or target.internal_metadata.is_redacted():
            return
        content = {"redacts": entry.item} | ({} if reason is None else {"reason": reason})
        await self._api.create_and_send_event_into_room(
            {"type": "m.room.redaction", "room_id": entry.room_id, "sender": self._steward, "content": content}
        )

    async def _change_membership(self, entry: Entry, reason: str | None) -> None:
        user_id, room_id = self._registry.user_id(entry.member), str(entry.room_id)

        def read(txn: LoggingTransaction) -> tuple[str | None, bool]:
            txn.execute(
                "SELECT membership FROM local_current_membership WHERE room_id = ? AND user_id = ?", (room_id, user_id)
            )
            row = txn.fetchone()
            txn.execute(
                "SELECT 1 FROM room_memberships JOIN events ON events.event_id = room_memberships.event_id"
                " WHERE room_memberships.room_id = ? AND room_memberships.user_id = ?"
                " AND room_memberships.sender = ? AND room_memberships.membership IN ('leave', 'ban')"
                " AND events.stream_ordering > ?",
                (room_id, user_id, self._steward, entry.place),
            )
            return (None if row is None else str(row[0])), txn.fetchone() is not None

        async def is_to_be_done() -> bool:
            membership, is_done = await self._api.run_db_interaction("belisha_moderated_membership", read)
            return not is_done and membership in _PRESENT[entry.act]

        if not await is_to_be_done():
            return
        try:
            await self._hooks.set_membership(self._steward, user_id, room_id, _ACTIONS[entry.act], reason)
        except SynapseError:
            # Two who moderate may have asked for it at once: then it is as both have asked.
            if await is_to_be_done():
                raise
