"""Writes down who opened which file above GREEN (`belisha_download`), in batches, in the process that served it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.tlp import Label

#: How often the batch is written, in milliseconds: what a crash can lose.
WRITE_EVERY_MS: Final = 500
FILE: Final = "file"
THUMBNAIL: Final = "thumbnail"
#: A copy with its label on it.
COPY: Final = "copy"
#: A small picture of its first page, with its label on it.
PREVIEW: Final = "preview"
#: A line of its text, around words that were looked for.
EXCERPT: Final = "excerpt"


class Download(NamedTuple):
    """One file that was given out; `at` is in seconds since 1970."""

    media_id: str
    user_id: str
    part: str
    label: str
    at: int


class Downloads:
    """What was given out in this process since the last batch."""

    def __init__(self, api: ModuleApi, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._clock = clock
        self._waiting: list[Download] = []

    def note(self, media_id: str, user_id: str, part: str, label: Label) -> None:
        """Notes one file that is being given out."""
        self._waiting.append(Download(media_id, user_id, part, str(label), int(self._clock())))

    async def write(self) -> None:
        """Writes the batch; where that fails, it goes with the next one."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            await self._api.run_db_interaction("belisha_downloads", _write, batch)
        except BaseException:
            self._waiting = batch + self._waiting
            raise


def _write(txn: LoggingTransaction, batch: list[Download]) -> None:
    txn.execute_batch("INSERT INTO belisha_download (media_id, user_id, part, label, at) VALUES (?, ?, ?, ?, ?)", batch)
