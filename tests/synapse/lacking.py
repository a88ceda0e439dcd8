"""The module as it finds a Synapse that lacks parts; the product has no switch for it.

The parts are hidden while the module starts and there again afterwards, so that a closed route is closed by the module
and not by what Synapse itself misses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final
from unittest.mock import patch

from synapse.module_api import ModuleApi

from synapse_modules.config import Config
from synapse_modules.module import BelishaModule

#: What is hidden, by the name of the guard that it belongs to; `enforcement` belongs to none.
PARTS: Final[Mapping[str, tuple[Callable[[Any], object], str]]] = {
    "tokens": (lambda api: api._auth, "get_access_token_from_request"),
    "profiles": (lambda api: api._hs.get_profile_handler(), "dispatch_set_profile_field"),
    "aliases": (lambda api: api._hs.get_directory_handler(), "create_association"),
    "past": (lambda api: api._hs.get_room_context_handler(), "get_event_context"),
    "to_device": (lambda api: api._hs.get_device_message_handler(), "send_device_message"),
    "device_names": (lambda api: api._hs.get_device_handler(), "check_device_registered"),
    "pushers": (lambda api: api._hs.get_pusherpool(), "add_or_update_pusher"),
    "upgrades": (lambda api: api._hs.get_room_member_handler(), "transfer_room_state_on_room_upgrade"),
    "files": (lambda api: api._hs.get_media_repository(), "get_local_media_info"),
    "registration": (lambda api: api._registration_handler, "check_registration_ratelimit"),
    "enforcement": (lambda api: api._store, "get_event"),
}


class Lacking(BelishaModule):
    """Starts without the parts that its configuration names in `lacks`."""

    lacks: tuple[str, ...] = ()

    def __init__(self, config: Config, api: ModuleApi) -> None:
        with ExitStack() as hidden:
            for name in self.lacks:
                owner, attribute = PARTS[name]
                hidden.enter_context(patch.object(type(owner(api)), attribute, None))
            super().__init__(config, api)

    @staticmethod
    def parse_config(raw: dict[str, Any]) -> Config:
        """As the module's own."""
        Lacking.lacks = tuple(raw["lacks"])
        return BelishaModule.parse_config(raw)
