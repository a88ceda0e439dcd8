"""The groups that members were in when they were frozen: so that a thaw can invite them again (rule M1).

Freezing ends a right, so it ends memberships too. Whoever is thawed gets them offered again, and not given: the group
may have another purpose by then.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.policy.creation import POLICY_TYPE
from belisha.policy.rooms import Kind
from synapse_modules.snapshot import room_of

logger = logging.getLogger(__name__)

_NEEDED = [(POLICY_TYPE, ""), ("m.room.encryption", "")]


class FrozenOut:
    """Keeps them, and invites."""

    def __init__(
        self, api: ModuleApi, steward: str, set_membership: Callable[[str, str, str, str], Awaitable[None]]
    ) -> None:
        """Takes what it needs.

        Args:
            api: Synapse.
            steward: the bot's user id, in whose name is invited: it is in every group.
            set_membership: changes one (sender, whose, room, membership).
        """
        self._api = api
        self._steward = steward
        self._set_membership = set_membership

    async def remember(self, user_id: str, room_id: str) -> None:
        """Keeps a group that somebody is about to be taken out of, where they have joined it.

        Nothing is kept of rooms of named people: nobody could invite there but who is in them.
        """
        if not await self._is_group(room_id):
            return

        def write(txn: LoggingTransaction) -> None:
            txn.execute(
                "INSERT INTO belisha_frozen_out (user_id, room_id) SELECT user_id, room_id"
                " FROM local_current_membership WHERE user_id = ? AND room_id = ? AND membership = 'join'"
                " ON CONFLICT (user_id, room_id) DO NOTHING",
                (user_id, room_id),
            )

        await self._api.run_db_interaction("belisha_frozen_out", write)

    async def forget(self, user_id: str) -> None:
        """Drops what is kept of somebody who is gone for good."""

        def write(txn: LoggingTransaction) -> None:
            txn.execute("DELETE FROM belisha_frozen_out WHERE user_id = ?", (user_id,))

        await self._api.run_db_interaction("belisha_frozen_out_gone", write)

    async def invite_back(self, user_id: str) -> None:
        """Invites whoever was thawed to each group that they were in, where they may come in as things are now."""

        def read(txn: LoggingTransaction) -> list[tuple[str, bool]]:
            txn.execute(
                "SELECT kept.room_id, mine.membership FROM belisha_frozen_out AS kept"
                " LEFT JOIN local_current_membership AS mine"
                "  ON mine.user_id = kept.user_id AND mine.room_id = kept.room_id"
                " WHERE kept.user_id = ? ORDER BY kept.room_id",
                (user_id,),
            )
            return [(row[0], row[1] in ("join", "invite", "ban")) for row in txn.fetchall()]

        for room_id, is_settled in await self._api.run_db_interaction("belisha_frozen_out_of", read):
            if not is_settled and await self._is_group(room_id):
                await self._invite(user_id, room_id)
            await self._api.run_db_interaction("belisha_frozen_out_done", _is_done, user_id, room_id)

    async def _is_group(self, room_id: str) -> bool:
        room = room_of(await self._api.get_room_state(room_id, _NEEDED))
        return room is not None and room.kind in (Kind.OPEN, Kind.CLOSED) and not room.replaced

    async def _invite(self, user_id: str, room_id: str) -> None:
        try:
            await self._set_membership(self._steward, user_id, room_id, "invite")
        except SynapseError as error:
            # What could not be decided at this moment is asked again (rule X1).
            if error.code >= 500 or error.errcode.endswith("CANNOT_DECIDE"):
                raise
            logger.info("Whoever was thawed is not invited to a group again: %s", error.errcode)


def _is_done(txn: LoggingTransaction, user_id: str, room_id: str) -> None:
    txn.execute("DELETE FROM belisha_frozen_out WHERE user_id = ? AND room_id = ?", (user_id, room_id))
