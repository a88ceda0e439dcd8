"""Has pictures of members and rooms drawn anew before anybody sees them, in the process that has the files (rule F1).

What a client uploads as one may say where it was taken. So a file becomes a picture that everyone sees only when its
bytes are those of `scan.portrait`, and its thumbnails are made of those. The row says how far that is; each step can be
repeated, so a crash costs nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
from pathlib import Path
from typing import Any, Final

from synapse.module_api import ModuleApi

from synapse_modules.guards import require
from synapse_modules.portrait_rows import Portrait, PortraitRows
from synapse_modules.refusal import FAILURES, where
from synapse_modules.scan.scanner import NoPicture, ScanFailed, Scanner
from synapse_modules.turns import Turns

logger = logging.getLogger(__name__)

_EVERY_MS: Final = 1_000
_AT_ONCE: Final = 20
#: How long whoever shows a picture waits for it, in seconds, and how often that is looked for.
_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.25


class Portraits:
    """What one Synapse process does about pictures that everyone sees; only one that serves files draws them."""

    def __init__(self, api: ModuleApi, scanner: Scanner) -> None:
        self._api = api
        self._rows = PortraitRows(api)
        self._scanner = scanner
        self._repository: Any = None
        self._turns = Turns(1)
        self._busy = False

    def start(self, repository: Any) -> None:
        """Begins to draw what is wanted, in the process that has the files.

        Raises:
            HookMissing: this Synapse keeps files or thumbnails in another way.
        """
        require(
            (repository, "_generate_thumbnails", {"server_name", "media_id", "file_id", "media_type"}),
            (repository.filepaths, "local_media_filepath", {"media_id"}),
            (repository.filepaths, "local_media_thumbnail_dir", {"media_id"}),
        )
        self._repository = repository
        self._api.looping_background_call(self.catch_up, _EVERY_MS, desc="belisha_portraits", run_on_all_instances=True)

    async def drawn(self, media_id: str) -> Portrait:
        """Has a pending file drawn anew, here or in the process that has the files; waits for that for a while."""
        await self._rows.want(media_id)
        if self._repository is not None:
            await self._draw(media_id)
        waited = 0.0
        while (found := await self._rows.state(media_id)) is Portrait.WANTED and waited < _WAIT_S:
            await self._api.sleep(_LOOK_S)
            waited += _LOOK_S
        return found

    async def catch_up(self) -> None:
        """Draws what other processes want, what a crash has cut short, and what was a picture before this was so."""
        if self._busy:
            return
        self._busy = True
        try:
            for media_id in await self._rows.wanted(_AT_ONCE):
                await self._draw(media_id)
        except FAILURES as error:
            logger.error("Pictures are still to be drawn: %s", where(error))
        finally:
            self._busy = False

    async def _draw(self, media_id: str) -> None:
        async with self._turns.of(media_id):
            if await self._rows.state(media_id) is not Portrait.WANTED:
                return
            path = Path(self._repository.filepaths.local_media_filepath(media_id))
            try:
                kind, data = await self._api.defer_to_thread(self._scanner.portrait, str(path))
            except (NoPicture, FileNotFoundError):
                await self._rows.impossible(media_id)
                return
            except (ScanFailed, OSError) as error:
                logger.error("Pictures cannot be drawn now; trying again: %s", where(error))
                return
            if await self._rows.state(media_id) is not Portrait.WANTED:
                return  # it was shared or withdrawn meanwhile
            thumbnails = Path(self._repository.filepaths.local_media_thumbnail_dir(media_id))
            await self._api.defer_to_thread(_replace, path, data, thumbnails)
            await self._rows.replaced(media_id, kind, len(data), hashlib.sha256(data).hexdigest())
            await self._api.defer_to_thread(_remove, thumbnails)
            await self._repository._generate_thumbnails(None, media_id, media_id, kind)
            await self._rows.drawn(media_id)


def _replace(path: Path, data: bytes, beside: Path) -> None:
    """Puts bytes in a file's place, whole or not at all; what a crash leaves in `beside` goes with the thumbnails."""
    beside.mkdir(parents=True, exist_ok=True)
    new = beside / "portrait"
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.chmod(path.stat().st_mode & 0o777)
    new.replace(path)


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
