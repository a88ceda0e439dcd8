"""The private parts of Synapse by which the module reads as a member would, and tries what it does not send."""

from __future__ import annotations

from typing import Any

from synapse.api.errors import AuthError
from synapse.api.ratelimiting import Ratelimiter
from synapse.api.room_versions import RoomVersions
from synapse.config.ratelimiting import RatelimitSettings
from synapse.event_auth import get_named_level, get_user_power_level
from synapse.events import EventBase
from synapse.events.builder import EventBuilder
from synapse.events.validator import EventValidator
from synapse.module_api import ModuleApi
from synapse.types import StateMap, UserID

from synapse_modules.guards import require
from synapse_modules.hooks import NO_TEXT
from synapse_modules.refusal import malformed


class ReadingHooks:
    """What reading and trying need of one running Synapse process."""

    def __init__(self, api: ModuleApi) -> None:
        self._store: Any = api._store
        self._clock: Any = api._hs.get_clock()
        self._events: Any = api._hs.get_event_handler()
        self._builders: Any = api._hs.get_event_builder_factory()
        self._config: Any = api._hs.config

    def self_test(self) -> None:
        """Checks that everything is there, and takes what it is given.

        Raises:
            HookMissing: naming what is missing.
        """
        require(
            (self._events, "get_event", {"user", "room_id", "event_id"}),
            (self._builders, "for_room_version", {"room_version", "key_values"}),
            (EventBuilder, "build", {"prev_event_ids", "auth_event_ids", "depth"}),
            (EventValidator, "validate_new", {"event", "config"}),
            (Ratelimiter, "ratelimit", {"requester"}),
        )

    async def visible_event(self, user_id: str, room_id: str, event_id: str) -> EventBase | None:
        """An event of a room as an account can read it; None where it cannot, or there is none."""
        try:
            found = await self._events.get_event(UserID.from_string(user_id), room_id, event_id)
        except AuthError:
            return None
        return None if found is None else found.event

    async def draft_event(self, event: dict[str, Any]) -> EventBase:
        """An event as a client's request would make it, without a place in its room; it is stored nowhere.

        Raises:
            SynapseError: where Synapse would refuse it as malformed.
        """
        try:
            builder = self._builders.for_room_version(RoomVersions.V11, event)
            draft: EventBase = await builder.build(prev_event_ids=[], auth_event_ids=[], depth=1)
        except UnicodeEncodeError:
            raise malformed(NO_TEXT) from None
        EventValidator().validate_new(draft, self._config)
        return draft

    @staticmethod
    def may_invite(user_id: str, state: StateMap[EventBase]) -> bool:
        """Whether an account has the power to let others into a room; `state` holds its power levels."""
        return get_user_power_level(user_id, state) >= get_named_level(state, "invite", 0)

    def limiter(self, name: str, per_second: float, burst_count: int) -> Ratelimiter:
        """A limit for what Synapse has none for, in requests of each account."""
        settings = RatelimitSettings(name, per_second=per_second, burst_count=burst_count)
        return Ratelimiter(self._store, self._clock, settings)
