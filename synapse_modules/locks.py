"""One caller at a time in all processes, by Synapse's lock in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from synapse.module_api import ModuleApi

from belisha.policy.decision import refuse
from synapse_modules.hooks import Hooks
from synapse_modules.refusal import refused

#: How often a lock that another has is asked for, and how long to wait in between, in seconds.
_TRIES: Final = 40
_PAUSE: Final = 0.25

BEING_CHANGED: Final = refuse("R1", "BEING_CHANGED", "This is being changed just now. Please try again in two minutes.")


@asynccontextmanager
async def alone(api: ModuleApi, hooks: Hooks, name: str, key: str) -> AsyncIterator[None]:
    """Waits some seconds for the lock of that name and key, and holds it.

    Raises:
        SynapseError: 403 where another keeps it; after a crash that is for two minutes.
    """
    for _ in range(_TRIES):
        lock = await hooks.try_lock(name, key)
        if lock is not None:
            break
        await api.sleep(_PAUSE)
    else:
        raise refused(BEING_CHANGED)
    async with lock:
        yield
