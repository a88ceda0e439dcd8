"""Erases the bytes of withdrawn files, and their thumbnails, in the process that has them (rule E1).

A withdrawn file is closed at once by its row; what is here only makes it gone. The row says how far that is, so a crash
costs nothing. What a legal hold covers is kept, sealed, before its bytes go; while that fails, they stay.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from synapse.module_api import ModuleApi

from synapse_modules.file_rows import FileRows
from synapse_modules.guards import require
from synapse_modules.held_files import HeldFiles
from synapse_modules.leftovers import Leftovers
from synapse_modules.refusal import FAILURES, where

logger = logging.getLogger(__name__)

_EVERY_MS: Final = 2_000
_AT_ONCE: Final = 50


class Erasure:
    """What one Synapse process that serves files does about those that are withdrawn."""

    def __init__(self, api: ModuleApi, rows: FileRows, repository: Any, held: HeldFiles) -> None:
        self._api = api
        self._rows = rows
        self._repository = repository
        self._leftovers = Leftovers(api)
        self._held = held
        self._busy = False

    def start(self) -> None:
        """Begins to look for what is withdrawn.

        Raises:
            HookMissing: this Synapse erases files in another way.
        """
        require(
            (self._repository, "delete_local_media_ids", {"media_ids"}),
            (self._repository.filepaths, "local_media_filepath", {"media_id"}),
            (self._repository.filepaths, "local_media_thumbnail_dir", {"media_id"}),
        )
        self._api.looping_background_call(self.run, _EVERY_MS, desc="belisha_erasure", run_on_all_instances=True)

    async def run(self) -> None:
        """Erases what is withdrawn; what cannot be erased now is tried again."""
        if self._busy:
            return
        self._busy = True
        try:
            for media_id in await self._rows.to_erase(_AT_ONCE):
                try:
                    await self._erase(media_id)
                except FAILURES as error:  # the others are erased all the same
                    logger.error("A withdrawn file is still to be erased: %s", where(error))
            await self._leftovers.clear()
        except FAILURES as error:
            logger.error("Withdrawn files are still to be erased: %s", where(error))
        finally:
            self._busy = False

    async def _erase(self, media_id: str) -> None:
        await self._held.keep(media_id, Path(self._repository.filepaths.local_media_filepath(media_id)))
        await self._repository.delete_local_media_ids([media_id])
        if self._is_gone(media_id):
            await self._rows.erased(media_id)
            self._leftovers.note()  # its text was deleted when it was withdrawn
        else:
            logger.error("A withdrawn file could not be erased yet; trying again")

    def _is_gone(self, media_id: str) -> bool:
        paths = self._repository.filepaths
        return not any(
            Path(path).exists()
            for path in (paths.local_media_filepath(media_id), paths.local_media_thumbnail_dir(media_id))
        )
