"""The members' API about items: what label one has, and what would become of one that is not sent yet."""

from __future__ import annotations

from typing import Any, Final

from synapse.api.errors import LimitExceededError
from synapse.events import EventBase
from synapse.http.site import SynapseRequest
from synapse.module_api import StateMap, parse_json_object_from_request
from synapse.module_api.errors import SynapseError

from belisha.policy.types import CONTENT
from synapse_modules.api_resource import Handler
from synapse_modules.event_check import EventCheck
from synapse_modules.hooks_reading import ReadingHooks
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed, not_found

#: A person who types and looks on asks about once a second; nobody tries texts by the thousand.
_EXPLAIN_PER_SECOND: Final = 1.0
_EXPLAIN_BURST: Final = 20


class ItemHandlers:
    """Handlers of a `Resource`, for the requester's own rights only."""

    def __init__(self, parts: Parts, check: EventCheck) -> None:
        self._api = parts.api
        self._hooks = parts.hooks
        self._readers = parts.readers
        self._check = check
        self._reading = ReadingHooks(parts.api)
        self._limit = self._reading.limiter("org.belisha.explain", _EXPLAIN_PER_SECOND, _EXPLAIN_BURST)

    def handlers(self) -> dict[str, Handler]:
        """The handlers by method and address."""
        return {"GET label": self.label, "POST explain": self.explain}

    async def label(self, request: SynapseRequest, path: list[str]) -> dict[str, Any]:
        """`GET label/{room}/{event}`: an item's label, where it is from, and what the asker may make of it."""
        requester = await self._api.get_user_by_req(request)
        user_id = requester.user.to_string()
        item = await self._readers.item(user_id, *path) if len(path) == 2 else None
        if item is None:
            raise not_found()
        return {
            "room_id": path[0],
            "event_id": item.event_id,
            "label": str(item.label),
            "by": item.by.value,
            "source": item.source,
            "may_become": [str(label) for label in await self._readers.may_become(user_id, item)],
        }

    async def explain(self, request: SynapseRequest, _path: list[str]) -> dict[str, Any]:
        """`POST explain` with `room_id`, `type`, `content`: what would be decided; nothing is sent or kept.

        Raises:
            SynapseError: 404 where the asker is not in the room, 400 for what is no content, 429 where asked too often.
        """
        requester = await self._api.get_user_by_req(request)
        await self._limit.ratelimit(requester)
        body = parse_json_object_from_request(request)
        room_id, event_type, content = body.get("room_id"), body.get("type", "m.room.message"), body.get("content")
        if not isinstance(room_id, str) or event_type not in CONTENT or not isinstance(content, dict):
            raise malformed("`room_id` names a room, `type` a kind of message, and `content` is what would be sent.")
        user_id = requester.user.to_string()
        if await self._readers.room(user_id, room_id) is None:
            raise not_found()
        draft = {"type": event_type, "room_id": room_id, "sender": user_id, "content": content}
        event = await self._reading.draft_event(draft)
        state = await self._api.get_room_state(room_id)
        self._hooks.check_may_send(event, state)
        return await self._explained(event, state)

    async def message(self, user_id: str, room_id: str, content: dict[str, Any]) -> dict[str, Any] | None:
        """The same for a message of a member who is in that room, for the portal; None where they asked too often."""
        try:
            await self._limit.ratelimit(None, key=user_id)
        except LimitExceededError:
            return None
        draft = {"type": "m.room.message", "room_id": room_id, "sender": user_id, "content": content}
        event = await self._reading.draft_event(draft)
        state = await self._api.get_room_state(room_id)
        try:
            self._hooks.check_may_send(event, state)
        except SynapseError as refusal:
            return {"allowed": False, **refusal.error_dict(None)}
        return await self._explained(event, state)

    async def _explained(self, event: EventBase, state: StateMap[EventBase]) -> dict[str, Any]:
        try:
            decision = await self._check.explain(event, state)
        except SynapseError as refusal:
            return {"allowed": False, **refusal.error_dict(None)}
        by = None if decision.by is None else decision.by.value
        return {"allowed": True, "label": str(decision.label), "by": by, "reason": decision.reason}
