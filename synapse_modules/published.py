"""What members show the whole community of their profiles, as Matrix profile fields that clients read (rule M3).

The directory's own store is the bots'. What stands here is a copy of what everybody may read of it; the server alone
writes it, and takes it away when it is hidden, or when the member's right ends.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from synapse.module_api import ModuleApi

from belisha.directory.fields import FIELDS
from belisha.directory.written import is_so
from belisha.markers import MarkerReader
from synapse_modules.guards import HookMissing
from synapse_modules.hooks_profiles import ProfileHooks
from synapse_modules.registry import Registry

logger = logging.getLogger(__name__)

PREFIX: Final = "org.belisha."


class Published:
    """The fields of all members."""

    def __init__(self, api: ModuleApi, registry: Registry) -> None:
        self._hooks = ProfileHooks(api)
        self._registry = registry
        self._lacks = ""
        try:
            self._hooks.self_test()
            self._hooks.allow_many_changes()
        except HookMissing as error:  # no right hangs on this, and what members show stands in the directory too
            self._lacks = str(error)
            logger.error("What members show of their profiles is not written into Matrix profiles: %s", error)

    async def put(self, user_id: str, fields: Mapping[str, object], markers: MarkerReader) -> list[str]:
        """Makes a member's fields these; which of them stand there then.

        Whoever may not act has none. A value that no member could have written into that field is left out.
        """
        if self._lacks:
            return []
        if not await self._may_act(user_id):
            await self.clear(user_id)
            return []
        wanted: dict[str, object] = {}
        for key, value in fields.items():
            if is_so(key, value, markers) and isinstance(value, list | tuple):
                wanted[PREFIX + key] = list(value) if FIELDS[key].tags else value[0]
        now = await self._hooks.fields(user_id)
        for name in sorted(name for name in now if name.startswith(PREFIX) and name not in wanted):
            await self._hooks.delete(user_id, name)
        for name, value in wanted.items():
            if now.get(name) != value:
                await self._hooks.put(user_id, name, value)
        self._registry.look_again()
        if not await self._may_act(user_id):  # the right has ended in between, and its review may be over already
            await self.clear(user_id)
            return []
        return sorted(name.removeprefix(PREFIX) for name in wanted)

    async def clear(self, user_id: str) -> None:
        """Takes all of them away."""
        if self._lacks:
            return
        for name in await self._hooks.fields(user_id):
            if name.startswith(PREFIX):
                await self._hooks.delete(user_id, name)

    async def _may_act(self, user_id: str) -> bool:
        person = await self._registry.person(user_id)
        return person.belongs and not person.is_bot
