"""What the page for writing is told of a group: what it may carry, who reads it now, what a draft would get (rule P2).

Of groups alone: what is written in a room of named people passes no bot, and the portal runs beside them (rule P1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from belisha.commands.declaration import GROUPS
from belisha.policy.archived import ARCHIVED
from belisha.policy.decide import Claims, decide
from belisha.policy.decision import Decision
from belisha.policy.frozen import FROZEN_GROUP
from belisha.policy.people import Person
from belisha.policy.rooms import Room, to_state
from belisha.policy.upgrade import REPLACED
from belisha.tlp import Label
from synapse_modules.api_items import ItemHandlers
from synapse_modules.audience import audience_of
from synapse_modules.hooks_reading import ReadingHooks
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed, not_found
from synapse_modules.snapshot import text_in

Json = dict[str, Any]


class Composer:
    """Answers for one member, from what is so at this moment."""

    def __init__(self, parts: Parts, items: ItemHandlers) -> None:
        """Takes what it asks.

        Args:
            parts: What the module's parts share.
            items: What explains a message that is not sent yet.
        """
        self._api = parts.api
        self._hooks = parts.hooks
        self._registry = parts.registry
        self._readers = parts.readers
        self._reading = ReadingHooks(parts.api)
        self._items = items

    async def of(self, person: Person, body: Json) -> Json:
        """A group as its member writes into it.

        Args:
            person: Who would write.
            body: `room_id`; `answers`, the message that is answered; `content`, a draft. The last two may be missing.

        Returns:
            `name`, the policy, `labels` (that the group carries, most open first), `closed` (why nothing can be written
            in it now, or null), `audience`, `answered` (`event_id`, `label`, `thread`: the message that its thread
            began with; null where the member cannot read it), and `draft` (as `explain` says; null without `content`,
            or where that was asked too often).

        Raises:
            SynapseError: 404 where the member is not in such a group, 400 for another body.
        """
        room_id, answers, content = body.get("room_id"), body.get("answers"), body.get("content")
        is_draft = content is None or isinstance(content, dict)
        if not isinstance(room_id, str) or not isinstance(answers, str | None) or not is_draft:
            raise malformed("`room_id` names a group, `answers` a message in it, and `content` is what would be sent.")
        room = None if "\0" in room_id + (answers or "") else await self._readers.room(person.user_id, room_id)
        if room is None or room.kind not in GROUPS:
            raise not_found()
        closed = next((told.reason for is_so, told in _closed(room) if is_so), None)
        state = await self._api.get_room_state(room_id, [("m.room.name", "")])
        return {
            "room_id": room_id,
            "name": text_in(state, "m.room.name", "name"),
            **to_state(room),
            "labels": [str(label) for label in sorted(Label) if _carries(room, label)],
            "closed": closed,
            "audience": await audience_of(self._registry, room, await self._hooks.joined(room_id)),
            "answered": await self._answered(person.user_id, room_id, answers) if answers else None,
            "draft": None if content is None else await self._items.message(person.user_id, room_id, content),
        }

    async def _answered(self, user_id: str, room_id: str, event_id: str) -> Json | None:
        item = await self._readers.item(user_id, room_id, event_id)
        event = None if item is None else await self._reading.visible_event(user_id, room_id, item.event_id)
        if item is None or event is None:
            return None
        relates = event.content.get("m.relates_to")
        relates = relates if isinstance(relates, Mapping) else {}
        root = relates.get("event_id") if relates.get("rel_type") == "m.thread" else None
        thread = root if isinstance(root, str) else item.event_id
        return {"event_id": item.event_id, "label": str(item.label), "thread": thread}


def _carries(room: Room, label: Label) -> bool:
    return decide(room, "m.room.message", Claims(explicit=label)).allowed


def _closed(room: Room) -> Sequence[tuple[bool, Decision]]:
    return (room.frozen, FROZEN_GROUP), (room.replaced, REPLACED), (room.archived, ARCHIVED)
