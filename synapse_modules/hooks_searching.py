"""The private parts of Synapse by which the module searches as a member would."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from synapse.events import EventBase
from synapse.module_api import ModuleApi
from synapse.types import create_requester

from synapse_modules.guards import require

_WORD: Final = re.compile(r"\w+")


class SearchingHooks:
    """What searching needs of one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        self._search: Any = api._hs.get_search_handler()
        self._store: Any = api._store
        self._is_on: bool = api._hs.config.server.enable_search

    def self_test(self) -> None:
        """Checks that everything is there, and takes what it is given.

        Raises:
            HookMissing: naming what is missing.
        """
        require(
            (self._search, "search", {"requester", "content"}),
            (self._store, "get_applicable_edits", {"event_ids"}),
        )

    async def newest(self, user_id: str, words: str, room_ids: Collection[str], most: int) -> list[tuple[str, str]]:
        """Room and id of the newest messages with all of those words that an account can read in some rooms."""
        # Each by itself in quotation marks: on SQLite, Synapse fails at what it takes for an operator without operands.
        each = [f'"{word}"' for word in _WORD.findall(words)]
        if not room_ids or not each or not self._is_on:
            return []
        sought = {
            "search_term": " ".join(each),
            "keys": ["content.body"],
            "filter": {"rooms": sorted(room_ids), "types": ["m.room.message"], "limit": most},
            "order_by": "recent",
        }
        found = await self._search.search(create_requester(user_id), {"search_categories": {"room_events": sought}})
        hits = found["search_categories"]["room_events"]["results"]
        return [(hit["result"]["room_id"], hit["result"]["event_id"]) for hit in hits]

    async def edits(self, event_ids: Collection[str]) -> Mapping[str, EventBase | None]:
        """The newest edit of each event that has one."""
        edits: Mapping[str, EventBase | None] = await self._store.get_applicable_edits(event_ids)
        return edits
