"""Searches the messages of groups for a member, by Synapse's own index (rules P1 and P2).

Each hit is looked at anew: what the member cannot read at this moment is not there, and no number tells of it. What
named people say to each other, and what members write to the steward, is left to clients, which search it themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Room
from belisha.tlp import without_badge
from synapse_modules.hooks_reading import ReadingHooks
from synapse_modules.hooks_searching import SearchingHooks
from synapse_modules.parts import Parts
from synapse_modules.refusal import malformed
from synapse_modules.registry import Registry
from synapse_modules.snapshot import text_in

Json = dict[str, Any]

#: How many messages are told, and how many are looked at for them: edits of one message are hits of their own, and
#: some are not for who asks. That there are more is said of those alone which they can read.
_TOLD: Final = 20
_LOOKED_AT: Final = 300
#: The longest question, in characters, and how much of a message is told.
_LONGEST: Final = 200
_TEXT: Final = 4000
_GROUPS: Final = frozenset({Kind.OPEN, Kind.CLOSED})


class MessageSearch:
    """Finds messages, on behalf of one member at a time."""

    def __init__(self, parts: Parts) -> None:
        self._api: ModuleApi = parts.api
        self._readers = parts.readers
        self._registry: Registry = parts.registry
        self._reading = ReadingHooks(parts.api)
        self._searching = SearchingHooks(parts.api)
        self._searching.self_test()

    async def of(self, person: Person, words: object) -> Json:
        """The newest messages with all of the words or beginnings: `hits`, and whether there may be `more`.

        Where there is none, those with a letter wrong, with `misspelt`.

        Raises:
            SynapseError: 400 for what is no question.
        """
        if not isinstance(words, str) or not words.strip() or len(words) > _LONGEST or "\0" in words:
            raise malformed(f"`words` is what is looked for, at most {_LONGEST} characters.")
        if not person.belongs:
            return {"hits": [], "more": False, "misspelt": False}
        groups = await self._groups(person.user_id)
        hits, more = await self._hits(person.user_id, await self._searching.newest(words, groups, _LOOKED_AT))
        misspelt = not hits
        if misspelt:
            found = await self._searching.newest(words, groups, _LOOKED_AT, misspelt=True)
            hits, more = await self._hits(person.user_id, found)
        for event_id, edit in (await self._searching.edits(hits)).items():
            # An edit from while one was away is not for them, where the group shows newcomers nothing of the past.
            if edit is not None and await self._reading.visible_event(person.user_id, edit.room_id, edit.event_id):
                hits[event_id]["text"] = _text(edit.content.get("m.new_content"))
        names = {room_id: await self._name(room_id) for room_id in {hit["room_id"] for hit in hits.values()}}
        told = [hit | {"room_name": names[hit["room_id"]]} for hit in hits.values()]
        return {"hits": told, "more": more, "misspelt": misspelt and bool(told)}

    async def _hits(self, user_id: str, found: Sequence[tuple[str, str]]) -> tuple[dict[str, Json], bool]:
        """Those of the messages that the member can read now, and whether there may be more."""
        hits: dict[str, Json] = {}
        for room_id, event_id in found:
            hit = await self._hit(user_id, room_id, event_id)
            if hit is not None and hit["event_id"] not in hits:
                if len(hits) == _TOLD:
                    return hits, True
                hits[hit["event_id"]] = hit
        return hits, False

    async def _groups(self, user_id: str) -> dict[str, Room]:
        room_ids = await self._api.run_db_interaction("belisha_search_rooms", _joined, user_id)
        rooms = {room_id: await self._readers.room(user_id, room_id) for room_id in room_ids}
        return {room_id: room for room_id, room in rooms.items() if room is not None and room.kind in _GROUPS}

    async def _hit(self, user_id: str, room_id: str, event_id: str) -> Json | None:
        item = await self._readers.item(user_id, room_id, event_id)
        event = None if item is None else await self._reading.visible_event(user_id, room_id, item.event_id)
        if item is None or event is None:
            return None
        member = (await self._registry.members()).get(event.sender[1:].partition(":")[0])
        return {
            "room_id": room_id,
            "event_id": item.event_id,
            "sender": event.sender,
            "sender_name": event.sender if member is None else self._registry.display_name(member),
            "at": event.origin_server_ts,
            "label": str(item.label),
            "text": _text(event.content),
        }

    async def _name(self, room_id: str) -> str | None:
        return text_in(await self._api.get_room_state(room_id, [("m.room.name", "")]), "m.room.name", "name")


def _joined(txn: LoggingTransaction, user_id: str) -> list[str]:
    txn.execute("SELECT room_id FROM local_current_membership WHERE user_id = ? AND membership = 'join'", (user_id,))
    return [str(row[0]) for row in txn.fetchall()]


def _text(content: Any) -> str:
    body = content.get("body") if hasattr(content, "get") else None
    return without_badge(body)[:_TEXT] if isinstance(body, str) else ""
