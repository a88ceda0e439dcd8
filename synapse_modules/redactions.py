"""Redacts items in somebody's name who may: for what is kept no longer, and for what a restore brought back (E1)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

from synapse.events import EventBase
from synapse.module_api import ModuleApi
from synapse.module_api.errors import SynapseError

from belisha.events import GIVEN_KEY
from belisha.policy.types import NEVER_REDACTED
from synapse_modules.hooks import Hooks
from synapse_modules.ledger import Ledger
from synapse_modules.own_events import OwnEvents

logger = logging.getLogger(__name__)

_REDACTION: Final = "m.room.redaction"
_POWER: Final = ("m.room.power_levels", "")


class Redactions:
    """The module's own redactions; what follows from them is that of any other."""

    def __init__(self, api: ModuleApi, hooks: Hooks, ledger: Ledger, own: OwnEvents, steward: str) -> None:
        self._api = api
        self._hooks = hooks
        self._ledger = ledger
        self._own = own
        self._steward = steward

    async def redact(self, event_id: str) -> bool:
        """Redacts an item; whether it is redacted now, or was never here.

        Raises:
            SynapseError: where Synapse fails, so that it is to be tried again.
        """
        event = await self._hooks.event(event_id)
        if event is None or event.type in NEVER_REDACTED or event.internal_metadata.is_redacted():
            return True
        content: dict[str, Any] = {"redacts": event_id}
        row = await self._ledger.row_for(event)
        if row is not None:
            await self._ledger.open([row])
            content[GIVEN_KEY] = str(row.given)
        joined = await self._hooks.joined(event.room_id)
        for sender in dict.fromkeys([event.sender, self._steward, *await self._powerful(event)]):
            if sender in joined and await self._send(sender, event.room_id, content):
                return True
        logger.warning("An item could not be redacted: nobody in its room may")
        return False

    async def _powerful(self, event: EventBase) -> Iterator[str]:
        levels = (await self._api.get_room_state(event.room_id, [_POWER])).get(_POWER)
        users = {} if levels is None else dict(levels.content.get("users", {}))
        return iter(sorted(users, key=lambda user: -int(users[user])))

    async def _send(self, sender: str, room_id: str, content: dict[str, Any]) -> bool:
        try:
            with self._own.sending(sender, room_id, _REDACTION, content):
                await self._api.create_and_send_event_into_room(
                    {"type": _REDACTION, "room_id": room_id, "sender": sender, "content": content}
                )
        except SynapseError as error:
            if error.code >= 500 or error.code == 429:
                raise
            return False
        return True
