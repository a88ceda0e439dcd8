"""What stands around a message or a room is told to whom the message or the room itself would be (rule M1).

Synapse decides who may see an event, and then hangs on it the newest edit of it and the newest answer in its thread,
whoever may see those: somebody who left a room and came back would read there what was written meanwhile. And it gives
the receipts and the typing of every room of a sliding sync, of those too that one is only invited to or knocks at: so
anybody could have watched who reads in a closed group, and when. Its search counts what it then leaves out (rule P2):
whoever has just come into a room could have asked, word by word, what was said there before.

Like `hooks`, this touches private parts of Synapse. Nothing starts without them: they are what M1 stands on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attr
from synapse.events import EventBase
from synapse.module_api import ModuleApi
from synapse.synapse_rust.events import BundledAggregations
from synapse.visibility import filter_and_transform_events_for_client

from synapse_modules.guards import require

#: What of sliding sync tells of other people in a room, message or not (MSC3960, MSC3961).
_OF_OTHERS: Final = ("get_receipts_extension_response", "get_typing_extension_response")


class Around:
    """What is wrapped in one Synapse process; to be closed before the listeners start, as Synapse does with modules."""

    def __init__(self, api: ModuleApi) -> None:
        self._store: Any = api._store
        self._storage: Any = api._hs.get_storage_controllers()
        self._relations: Any = api._hs.get_relations_handler()
        self._extensions: Any = api._hs.get_sliding_sync_handler().extensions
        self._search: Any = api._hs.get_search_handler()

    def close(self) -> None:
        """Closes all of them.

        Raises:
            HookMissing: this Synapse has one of them elsewhere.
        """
        require(
            (self._relations, "get_bundled_aggregations", {"user_id"}),
            (self._store, "get_rooms_for_user", {"user_id"}),
            (self._search, "search", {"requester", "content"}),
            *((self._extensions, name, {"sync_config", "actual_lists", "actual_room_ids"}) for name in _OF_OTHERS),
        )
        self._close_bundles()
        self._close_search()
        for name in _OF_OTHERS:
            setattr(self._extensions, name, self._for_the_joined(getattr(self._extensions, name)))

    def _close_bundles(self) -> None:
        bundle = self._relations.get_bundled_aggregations

        async def bundle_visible(filtered_events: Iterable[Any], user_id: str) -> dict[str, Any]:
            bundles: dict[str, Any] = await bundle(filtered_events, user_id)
            return _without_unseen(bundles, await self._seen(user_id, _bundled(bundles)))

        self._relations.get_bundled_aggregations = bundle_visible

    def _close_search(self) -> None:
        search = self._search.search

        async def search_visible(requester: Any, content: Any, *arguments: Any, **named: Any) -> Any:
            answer = await search(requester, content, *arguments, **named)
            found = answer.get("search_categories", {}).get("room_events")
            if found is not None:
                found |= _of_results(found)
            return answer

        self._search.search = search_visible

    async def _seen(self, user_id: str, events: list[EventBase]) -> frozenset[str]:
        """The ids of those events that an account can see."""
        if not events:
            return frozenset()
        seen = await filter_and_transform_events_for_client(self._storage, user_id, events)
        return frozenset(one.event.event_id for one in seen)

    def _for_the_joined(self, extension: Any) -> Any:
        async def answer(*, sync_config: Any, actual_lists: Any, actual_room_ids: Any, **named: Any) -> Any:
            joined = await self._store.get_rooms_for_user(sync_config.user.to_string())
            return await extension(
                sync_config=sync_config,
                actual_lists=_lists_of(actual_lists, joined),
                actual_room_ids=set(actual_room_ids) & joined,
                **named,
            )

        return answer


def _of_results(found: Mapping[str, Any]) -> dict[str, Any]:
    """What a search says of its results, from those that it shows; Synapse says it of those that it left out too."""
    shown = str(found["results"]).casefold()
    highlights = [word for word in found["highlights"] if word.casefold() in shown]
    return {"count": len(found["results"]), "highlights": highlights}


def _bundled(bundles: Mapping[str, Any]) -> list[EventBase]:
    """Every event that is shown as a part of another one, once."""
    found: dict[str, EventBase] = {}
    for bundle in bundles.values():
        for event in (bundle.replace, None if bundle.thread is None else bundle.thread.latest_event):
            if event is not None:
                found[event.event_id] = event
    return list(found.values())


def _without_unseen(bundles: Mapping[str, Any], seen: frozenset[str]) -> dict[str, Any]:
    """The bundles without the events that are not seen; of a thread with such an end, its count is left out too."""
    return {event_id: _only_seen(bundle, seen) for event_id, bundle in bundles.items()}


def _only_seen(bundle: Any, seen: frozenset[str]) -> Any:
    replace = bundle.replace is None or bundle.replace.event_id in seen
    thread = bundle.thread is None or bundle.thread.latest_event.event_id in seen
    if replace and thread:
        return bundle
    return BundledAggregations(
        references=bundle.references,
        replace=bundle.replace if replace else None,
        thread=bundle.thread if thread else None,
    )


def _lists_of(lists: Mapping[str, Any], joined: frozenset[str]) -> dict[str, Any]:
    """The lists of a sliding sync, with the joined rooms alone."""
    return {name: attr.evolve(one, ops=[_of_joined(op, joined) for op in one.ops]) for name, one in lists.items()}


def _of_joined(operation: Any, joined: frozenset[str]) -> Any:
    return attr.evolve(operation, room_ids=[room_id for room_id in operation.room_ids if room_id in joined])
