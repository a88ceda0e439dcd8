"""The module in a Synapse that writes down who visited it when a test says so; it does that every five minutes else.

What it asks is written every few seconds; a look each second would miss who was seen just before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from synapse.module_api import ModuleApi
from synapse.util.duration import Duration

from synapse_modules.config import Config
from synapse_modules.module import BelishaModule

#: The file in Synapse's folder that says so.
NOW: Final = Path("write_visits_down")


class Visiting(BelishaModule):
    """Has Synapse's own function called at a moment that a test chooses; it is not changed."""

    def __init__(self, config: Config, api: ModuleApi) -> None:
        super().__init__(config, api)
        self._store = api._hs.get_datastores().main
        api._hs.get_clock().looping_call(self._when_told, Duration(milliseconds=200))

    async def _when_told(self) -> None:
        if NOW.exists():
            NOW.unlink()
            await self._store.generate_user_daily_visits()
