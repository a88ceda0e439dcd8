"""Reads the text of files that groups share, so that they are found by it, in the process that has the files.

What is to be read is in the table: a file is due when an event comes to share it or does so no more, and all of a room
when its policy changes, those from before an upgrade among them. So a crash costs nothing but another reading.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from synapse.module_api import ModuleApi

from synapse_modules import text_rows as rows
from synapse_modules.leftovers import Leftovers
from synapse_modules.refusal import FAILURES, where
from synapse_modules.scan.scanner import ScanFailed, Scanner

logger = logging.getLogger(__name__)

EVERY_MS: Final = 5_000
#: Files and rooms that are looked at in one turn; a file takes a second at most, and most take far less.
_IN_A_TURN: Final = 50


class Texts:
    """What one Synapse process that serves files does about the text in them."""

    def __init__(self, api: ModuleApi, scanner: Scanner) -> None:
        self._api = api
        self._scanner = scanner
        self._leftovers = Leftovers(api)
        self._path_of: Callable[[str], str] | None = None
        self._busy = False

    def start(self, path_of: Callable[[str], str]) -> None:
        """Begins to look for what is due; `path_of` tells where the bytes of a file are."""
        self._path_of = path_of
        self._api.looping_background_call(self.run, EVERY_MS, desc="belisha_texts", run_on_all_instances=True)

    async def run(self) -> None:
        """Reads what is due, one after the other; where the reader does not run, the next turn goes on."""
        if self._busy or self._path_of is None:
            return
        self._busy = True
        try:
            await self._api.run_db_interaction("belisha_text_policies", rows.follow_policies, _IN_A_TURN)
            for one in await self._api.run_db_interaction("belisha_text_due", rows.due, _IN_A_TURN):
                if await self._api.run_db_interaction("belisha_text_settle", rows.settle, one):
                    text, index = await self._read(self._path_of(one.media_id))
                    await self._api.run_db_interaction("belisha_text_keep", rows.keep, one, text, index)
                else:
                    self._leftovers.note()
            await self._leftovers.clear()
        except (ScanFailed, *FAILURES) as error:
            logger.error("Texts of files are still to be read: %s", where(error))
        finally:
            self._busy = False

    async def _read(self, path: str) -> tuple[str, str]:
        try:
            return await self._api.defer_to_thread(self._scanner.text, path)
        except OSError:
            return "", ""  # it is gone, or nobody can open it
