"""Channels without labels: what goes from device to device, devices' names, and push (rules L1, M1 and P2)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from synapse.module_api import ModuleApi

from belisha.markers import MarkerReader
from belisha.policy.channels import decide_device_id, decide_pusher, decide_to_device, device_name, pusher_data
from belisha.policy.types import TO_DEVICE
from synapse_modules import metrics
from synapse_modules.channel_hooks import ChannelHooks, Checks
from synapse_modules.guards import Guard
from synapse_modules.refusal import FAILURES, or_no, or_no_now, raise_if_refused, where
from synapse_modules.registry import Registry
from synapse_modules.rooms import ANNOUNCEMENTS_ALIAS, COMMUNITY_ALIAS

logger = logging.getLogger(__name__)

_HOUR_MS: Final = 60 * 60 * 1000


class Channels:
    """Holds what has no label to a closed list."""

    def __init__(self, api: ModuleApi, registry: Registry, markers: MarkerReader, gateways: frozenset[str]) -> None:
        self._api = api
        self._hooks = ChannelHooks(api)
        self._registry = registry
        self._markers = markers
        self._gateways = gateways
        self._of_everybody: frozenset[str] = frozenset()

    def guards(self) -> tuple[Guard, ...]:
        """What is to be fitted into Synapse."""
        return self._hooks.guards(
            Checks(
                partial(or_no, self._to_device),
                partial(or_no_now, self._device),
                partial(or_no_now, self._pusher),
                self._may_push,
            )
        )

    def start(self) -> None:
        """Removes pushers whose gateway is not listed, now and every hour; in one process only."""
        self._api.delayed_background_call(0, self.remove_pushers, desc="belisha_pushers")
        self._api.looping_background_call(self.remove_pushers, _HOUR_MS, desc="belisha_pushers")

    async def remove_pushers(self) -> None:
        """Removes the pushers that may not run; one that cannot be removed does not run either."""
        try:
            for pusher in await self._hooks.pushers():
                if not self._may_push(pusher.kind, pusher.data):
                    await self._hooks.remove_pusher(pusher)
                    logger.warning("Removed a pusher: its gateway is not in push.gateways.")
        except FAILURES as error:
            logger.error("Pushers could not be checked, trying again in an hour: %s", type(error).__name__)

    async def _to_device(self, user_id: str, message_type: str, messages: object) -> None:
        sender = await self._registry.person(user_id)
        reachable: set[str] = set()
        if message_type in TO_DEVICE and isinstance(messages, Mapping):
            reachable = await self._reachable(user_id, messages)
        decision = decide_to_device(message_type, messages, sender, reachable, self._markers)
        metrics.decided(decision)
        raise_if_refused(decision)

    async def _reachable(self, user_id: str, messages: Mapping[str, Any]) -> set[str]:
        """The members addressed who share a room with the sender; the rooms that everybody is in do not count."""
        others = [other for other in messages if other != user_id]
        if not others:
            return set()
        rooms = await self._hooks.rooms_of(user_id) - await self._rooms_of_everybody()
        found = set()
        for other in others:
            person = await self._registry.person(other)
            if person.belongs and not person.is_bot and rooms & await self._hooks.rooms_of(other):
                found.add(other)
        return found

    async def _rooms_of_everybody(self) -> frozenset[str]:
        if not self._of_everybody:
            aliases = (COMMUNITY_ALIAS, ANNOUNCEMENTS_ALIAS)
            found = [await self._api.lookup_room_alias(f"#{alias}:{self._api.server_name}") for alias in aliases]
            self._of_everybody = frozenset(room_id for room_id, _ in found)
        return self._of_everybody

    def _device(self, device_id: str | None, proposed: object) -> str:
        decision = decide_device_id(device_id)
        metrics.decided(decision)
        raise_if_refused(decision)
        return device_name(proposed)

    def _pusher(self, kind: object, data: object) -> dict[str, Any]:
        decision = decide_pusher(kind, data, self._gateways)
        metrics.decided(decision)
        raise_if_refused(decision)
        if not isinstance(data, Mapping):
            raise TypeError("an allowed pusher has data")
        return pusher_data(data)

    def _may_push(self, kind: object, data: object) -> bool:
        try:
            return decide_pusher(kind, data, self._gateways).allowed
        except FAILURES as error:
            logger.error("Could not decide about a pusher: %s", where(error))
            return False
