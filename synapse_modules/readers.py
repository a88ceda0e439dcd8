"""Decides what a member may read at this moment, from Synapse's present membership and no copy of it (rule P2)."""

from __future__ import annotations

from typing import NamedTuple

from synapse.module_api import ModuleApi

from belisha.events import LABEL_KEY, relation_of
from belisha.policy.creation import POLICY_TYPE
from belisha.policy.decision import By
from belisha.policy.relabel import decide_relabel
from belisha.policy.rooms import Room
from belisha.policy.types import CONTENT
from belisha.tlp import Label
from synapse_modules.hooks import Hooks
from synapse_modules.hooks_reading import ReadingHooks
from synapse_modules.ledger import Ledger
from synapse_modules.registry import Registry
from synapse_modules.snapshot import room_of

_POLICY = [(POLICY_TYPE, ""), ("m.room.encryption", "")]


class Item(NamedTuple):
    """An item as a member may read it now; of an edit, the original."""

    event_id: str
    room: Room
    source: str
    label: Label
    by: By
    raised_from: Label | None


class Readers:
    """What a member may read; whatever is unknown or forbidden is the same None."""

    def __init__(self, api: ModuleApi, hooks: Hooks, registry: Registry, ledger: Ledger) -> None:
        self._api = api
        self._hooks = hooks
        self._registry = registry
        self._ledger = ledger
        self._reading = ReadingHooks(api)
        self._reading.self_test()

    async def room(self, user_id: str, room_id: str) -> Room | None:
        """The policy of a room that the account is in, and may be."""
        if not room_id.startswith("!") or not (await self._registry.person(user_id)).belongs:
            return None
        if user_id not in await self._hooks.joined(room_id):
            return None
        return room_of(await self._api.get_room_state(room_id, _POLICY))

    async def item(self, user_id: str, room_id: str, event_id: str) -> Item | None:
        """An item that the account can read in that room; what was redacted is there no more."""
        room = await self.room(user_id, room_id)
        if room is None:
            return None
        event = await self._reading.visible_event(user_id, room_id, event_id)
        if event is not None and event.type in CONTENT and (original := relation_of(event.content).replaces):
            event = await self._reading.visible_event(user_id, room_id, original)
        if event is None or event.type not in CONTENT or event.internal_metadata.is_redacted():
            return None
        row = await self._ledger.row_for(event)
        if row is None:  # a label that cannot be read counts as the ceiling (rule L2)
            return Item(event.event_id, room, event.sender, room.ceiling, By.ROOM, None)
        by = By.RELABEL if row.acts_until else _written_by(event.content.get(LABEL_KEY))
        return Item(event.event_id, room, row.source, row.effective, by, row.raised_from)

    async def may_become(self, user_id: str, item: Item) -> list[Label]:
        """The labels that a relabel act of this account would give the item now, most open first (rule L4)."""
        is_steward = "steward" in (await self._registry.person(user_id)).roles
        return [
            asked
            for asked in sorted(Label)
            if decide_relabel(
                item.room,
                item.label,
                asked,
                is_source=user_id == item.source,
                is_steward=is_steward,
                raised_from=item.raised_from,
            ).allowed
        ]


def _written_by(written: object) -> By:
    by = written.get("by") if isinstance(written, dict) else None
    return next((one for one in By if one.value == by), By.ROOM)
