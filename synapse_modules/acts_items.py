"""Acts on items: a member's command changes a label, as a relabel act of theirs would (rules L4 and P3)."""

from __future__ import annotations

import time
from typing import Any, Final

from synapse.api.errors import AuthError
from synapse.module_api import LoggingTransaction

from belisha.policy.decision import refuse
from belisha.policy.people import Person
from belisha.policy.reasons import decide_reason
from belisha.policy.relabel import decide_only_raises
from belisha.policy.types import RELABEL
from belisha.tlp import Label
from synapse_modules import moderation_tables as tables
from synapse_modules.acts_kept import Json, Record
from synapse_modules.command_events import Command
from synapse_modules.event_check import EventCheck
from synapse_modules.hooks_reading import ReadingHooks
from synapse_modules.locks import alone
from synapse_modules.parts import Parts
from synapse_modules.readers import Item
from synapse_modules.refusal import raise_if_refused, refused

_LOCK: Final = "belisha_relabel"


class ItemActs:
    """What commands do to items.

    Synapse stores an event in a transaction of its own. So a call that is repeated after a crash looks first whether
    the act was stored, behind the command and as it asks.
    """

    acts = ("item_relabel", "item_raise")

    def __init__(self, parts: Parts, check: EventCheck) -> None:
        self._api = parts.api
        self._hooks = parts.hooks
        self._about = parts.about
        self._own = parts.own
        self._readers = parts.readers
        self._check = check
        self._reading = ReadingHooks(parts.api)

    async def carry_out(self, command: Command, record: Record) -> Json:
        """Carries out a command that is proved; how it ended."""
        label = Label.parse(command.asked.arguments["label"])
        item = await self._readers.item(command.sender.user_id, command.room_id, str(command.target))
        if item is None or label is None:
            raise refused(_NO_ITEM)
        async with alone(self._api, self._hooks, _LOCK, item.event_id):
            await self._api.run_db_interaction("belisha_act", record.not_ended)
            if not await self._is_stored(command, item, label):
                await self._send(command, item, label)

            def settle(txn: LoggingTransaction) -> Json:
                if command.sender.user_id != item.source and label >= item.label:
                    tables.add(txn, _raise_of(command, item))
                return record.done(txn, label=str(label))

            outcome: Json = await self._api.run_db_interaction("belisha_relabelled", settle)
            return outcome

    async def _is_stored(self, command: Command, item: Item, label: Label) -> bool:
        since = await self._hooks.related(item.event_id, RELABEL, after=command.place)
        asked = (command.sender.user_id, str(label))
        return any((event.sender, event.content.get("label")) == asked for _, event in since)

    async def _send(self, command: Command, item: Item, label: Label) -> None:
        """Sends the act in the member's name, as it was decided about: the check is that of an act sent by hand."""
        if command.asked.command.act == "item_raise":
            raise_if_refused(decide_only_raises(item.label, label, command.sender))
        content: dict[str, Any] = {
            "m.relates_to": {"rel_type": "m.reference", "event_id": item.event_id},
            "label": str(label),
        }
        if reason := command.asked.arguments.get("reason"):
            raise_if_refused(decide_reason(reason, self._about.markers))
            content["reason"] = reason
        sender, room_id = command.sender.user_id, command.room_id
        event = {"type": RELABEL, "room_id": room_id, "sender": sender, "content": content}
        state = await self._api.get_room_state(room_id)
        try:
            _, changed = await self._check.check(await self._reading.draft_event(event), state)
        except AuthError as error:
            raise refused(_NO_POWER) from error
        accepted = content if changed is None else changed["content"]
        with self._own.sending(sender, room_id, RELABEL, accepted):
            await self._api.create_and_send_event_into_room(event | {"content": accepted})


def _raise_of(command: Command, item: Item) -> tables.Entry:
    source, by = Person(item.source).localpart, command.sender.localpart
    return tables.Entry(
        command.events[0],
        "raise",
        source,
        by,
        "steward",
        command.room_id,
        int(time.time()),
        item=item.event_id,
        place=command.place,
    )


_NO_ITEM: Final = refuse(
    "L4", "NO_ITEM", "There is no such message here that you can read, or it was taken back. Please answer the message."
)
_NO_POWER: Final = refuse(
    "L4", "NOT_YOURS", "You may not write in this room, so you cannot change a label in it. Please ask its maintainers."
)
