"""The module in a process that is killed in the middle of a command, once; the product has no switch for it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from synapse.module_api import ModuleApi

from synapse_modules.config import Config
from synapse_modules.module import BelishaModule

#: Before and after these transactions it can be killed.
PLACES = (
    "belisha_decided",
    "belisha_policy_end",
    "belisha_relabelled",
    "belisha_moderated",
    "belisha_introducing_agree",
    "belisha_export_page",
    "belisha_export_ready",
    "belisha_making_begin",
    "belisha_making_made",
    "belisha_making_end",
    "belisha_announced",
    "belisha_report_number",
    "belisha_report_told",
    "belisha_alert_told",
)


class Dying(BelishaModule):
    """Ends as with kill -9 at the place that a file `die` in the data folder names, and takes that file away."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        wait_for_sends, run = self.hooks.wait_for_sends, api.run_db_interaction
        take, invite = self.check._own.take, self.hooks._room_member.update_membership_locked

        async def wait_and_die(room_id: str) -> None:
            await wait_for_sends(room_id)
            _die_at("between the steps")

        async def run_and_die(desc: str, *arguments: Any, **named: Any) -> Any:
            if desc in PLACES:
                _die_at(f"before {desc}")
            found = await run(desc, *arguments, **named)
            if desc in PLACES:
                _die_at(f"after {desc}")
            return found

        def take_and_die(*arguments: Any) -> bool:
            taken = take(*arguments)
            if taken:
                _die_at("amid the room")
            return taken

        async def die_and_invite(*arguments: Any, **named: Any) -> Any:
            if "invite" in arguments:
                _die_at("before the invitation")
            return await invite(*arguments, **named)

        self.check._own.take = take_and_die  # type: ignore[method-assign]  # a test's
        self.hooks._room_member.update_membership_locked = die_and_invite
        self.hooks.wait_for_sends = wait_and_die  # type: ignore[method-assign]  # a test's
        api.run_db_interaction = run_and_die  # type: ignore[method-assign]  # a test's


def _die_at(place: str) -> None:
    file = Path("die")
    if file.exists() and file.read_text() == place:
        file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
