"""The module beside what goes wrong now and then just where Synapse stores what it is about to deliver."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from synapse.appservice import ApplicationServiceState
from synapse.module_api import ModuleApi

from synapse_modules.config import Config
from synapse_modules.module import BelishaModule


class Losing(BelishaModule):
    """Every second delivery with a question in it fails to be stored; its events are in no memory any more."""

    failure: ClassVar[type[BaseException]] = RuntimeError

    def __init__(self, config: Config, api: ModuleApi) -> None:
        store: Any = api._store
        create, asked = store.create_appservice_txn, 0

        async def create_some(service: Any, events: Any, *arguments: Any, **named: Any) -> Any:
            nonlocal asked
            asked += any("!help" in event.content.get("body", "") for event in events)
            if asked % 2:
                raise self.failure("the database is gone")
            return await create(service, events, *arguments, **named)

        store.create_appservice_txn = create_some
        super().__init__(config, api)


class Cancelled(Losing):
    """The same, by what is no Exception."""

    failure = asyncio.CancelledError


class Overtaken(BelishaModule):
    """Every third delivery is left lying, as where the bots were found to be up while it was being stored."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        store: Any = api._store
        get_state, asked = store.get_appservice_state, 0

        async def get_some_state(service: Any) -> Any:
            nonlocal asked
            asked += 1
            state = await get_state(service)
            return ApplicationServiceState.DOWN if asked % 3 == 0 else state

        store.get_appservice_state = get_some_state
        super().__init__(config, api)
