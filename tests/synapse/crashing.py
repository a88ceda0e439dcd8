"""The module with a kill -9 at one step of an upgrade; the product has no switch for it.

The file `crash_at` in Synapse's folder names the step and how many of its kind come before.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from synapse.module_api import ModuleApi

from synapse_modules.config import Config
from synapse_modules.module import BelishaModule

#: Each step, and after how many of its kind, in an upgrade of a closed group of two members and the bot, with one ban.
STEPS: Final = {
    "begin": (0,),
    "_put": (0, 1, 2, 3),  # closed, tombstone, address in the new room, address in the old room
    "wait_for_sends": (0,),
    "_create": (0,),
    "record": (0,),
    "set_membership": (0, 2, 4),  # the ban, an invitation, the last join
    "carry_addresses": (0,),
    "finish": (0,),
    "take": (0, 1),  # what the module expects of itself: closed, and the new room's policy, amid its making
}
CRASH_AT: Final = Path("crash_at")


class Crashing(BelishaModule):
    """Dies right after the step that `crash_at` names."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        upgrades = self.upgrades
        for owner, name in (
            (upgrades._rows, "begin"),
            (upgrades, "_put"),
            (self.hooks, "wait_for_sends"),
            (upgrades, "_create"),
            (upgrades._rows, "record"),
            (self.hooks, "set_membership"),
            (upgrades._private, "carry_addresses"),
            (upgrades._rows, "finish"),
        ):
            setattr(owner, name, dying_after(name, getattr(owner, name)))
        take = upgrades._own.take

        def take_or_die(*arguments: Any) -> bool:
            taken = take(*arguments)
            if taken:
                die_at("take")
            return taken

        setattr(upgrades._own, "take", take_or_die)  # noqa: B010 - mypy lets no method be assigned


def dying_after(name: str, step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The step, after which the process is gone where `crash_at` says so."""

    async def take(*arguments: Any, **named: Any) -> Any:
        answer = await step(*arguments, **named)
        die_at(name)
        return answer

    return take


def die_at(name: str) -> None:
    """Ends the process where `crash_at` says so."""
    wanted, _, before = CRASH_AT.read_text().partition(" ") if CRASH_AT.exists() else ("", "", "")
    if wanted == name:
        CRASH_AT.write_text(f"{name} {int(before) - 1}")
        if int(before) == 0:
            CRASH_AT.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
