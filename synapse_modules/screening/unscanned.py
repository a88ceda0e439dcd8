"""Scans later what could not be scanned at its upload, and removes bytes that a crash left lying (rules F1, E1).

In each process that has the files. What is found then is withdrawn in one transaction with the alert.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.screening import Scan
from synapse_modules import metrics
from synapse_modules.audit import Audit
from synapse_modules.file_rows import close_for_good
from synapse_modules.guards import require
from synapse_modules.hold_tables import keep_never
from synapse_modules.refusal import FAILURES, where
from synapse_modules.screening import rows
from synapse_modules.screening.rows import Waiting
from synapse_modules.screening.screener import SCANNER, now
from synapse_modules.screening.screening import FOUND_LATER, Screening

logger = logging.getLogger(__name__)

EVERY_MS: Final = 5_000
_AT_ONCE: Final = 20
#: Between two tries with a file that cannot be read, or that the scanner, which is there, does not scan, in seconds: at
#: first, and at most.
_FIRST: Final = 60
_LAST: Final = 6 * 3600


class Unscanned:
    """What one process that serves files does about them."""

    def __init__(
        self,
        api: ModuleApi,
        screening: Screening,
        audit: Audit,
        repository: Any,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._screening = screening
        self._audit = audit
        self._paths = repository.filepaths
        self._clock = clock
        self._busy = False

    def start(self) -> None:
        """Begins to look for them.

        Raises:
            HookMissing: this Synapse keeps files in another way.
        """
        require((self._paths, "local_media_filepath", {"media_id"}))
        self._api.looping_background_call(self.run, EVERY_MS, desc="belisha_unscanned", run_on_all_instances=True)

    async def run(self) -> None:
        """Scans what is due; what cannot be scanned now is tried again."""
        if self._busy:
            return
        self._busy = True
        try:
            await self._remove_left()
            due = await self._in_database(rows.waiting, int(self._clock()), _AT_ONCE)
            for one in due:
                if not await self._scan(one):
                    break
            metrics.unscanned(await self._in_database(rows.count_waiting))
        except FAILURES as error:
            logger.error("Files are still to be scanned: %s", where(error))
        finally:
            self._busy = False

    async def _remove_left(self) -> None:
        for media_id in await self._in_database(rows.cut_short, int(self._clock()), _AT_ONCE):
            self._path(media_id).unlink(missing_ok=True)
            await self._in_database(rows.end, media_id)

    async def _scan(self, one: Waiting) -> bool:
        """Scans one file; False where the scanner cannot be reached."""
        path = self._path(one.media_id)
        if not path.exists():
            # It was taken back, or its upload failed afterwards; or it is on its way still.
            if self._clock() - one.since > rows.CUT_SHORT:
                await self._in_database(rows.end, one.media_id)
            else:
                await self._again(one, _FIRST)
            return True
        found = await self._look(path)
        if found is Scan.UNREACHABLE and not await self._screening.in_thread(self._screening.screener.scanner_answers):
            # Behind the others that are due: should it be this file at which the scanner breaks, they come first.
            await self._in_database(rows.again, one.media_id, one.tries, int(self._clock()))
            return False
        if found is Scan.MALWARE:
            await self._in_database(self._withdraw, one)
        elif found in (Scan.TOO_LARGE, Scan.UNREACHABLE):
            await self._again(one, min(_FIRST * 2**one.tries, _LAST))
        else:
            await self._in_database(rows.settle, one.media_id, int(self._clock()))
        metrics.screened("malware" if found is Scan.MALWARE else "clean" if found is Scan.CLEAN else "not_scanned")
        return True

    async def _look(self, path: Path) -> Scan:
        try:
            return await self._screening.in_thread(self._screening.screener.scan, str(path), now())
        except OSError as error:
            logger.error("A file that is still to be scanned cannot be read; trying again: %s", where(error))
            return Scan.UNREACHABLE

    async def _again(self, one: Waiting, seconds: int) -> None:
        await self._in_database(rows.again, one.media_id, min(one.tries + 1, 20), int(self._clock()) + seconds)

    def _withdraw(self, txn: LoggingTransaction, one: Waiting) -> None:
        at = int(self._clock())
        # Its upload may not have ended yet, and then neither Synapse nor we have a row that could be closed.
        keep_never(txn, one.media_id)
        if close_for_good(txn, one.media_id, at, under_way=True):
            self._audit.append(
                txn, one.uploader, kind="act", what="withdraw", phase="done", rule="E1", file=one.media_id
            )
        self._audit.append(txn, one.uploader, kind="alert", what=FOUND_LATER, by=SCANNER, rule="F1", file=one.media_id)
        rows.alert(txn, FOUND_LATER, SCANNER, one.uploader, at)
        rows.end(txn, one.media_id)

    def _path(self, media_id: str) -> Path:
        return Path(self._paths.local_media_filepath(media_id))

    async def _in_database(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await self._api.run_db_interaction("belisha_unscanned", work, *arguments)
