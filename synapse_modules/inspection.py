"""Has files read for the markers inside them (rule L2), in the process that has the files; a thread waits meanwhile.

An upload is answered when it has been read, so that what names it is accepted at once. Where that takes too long, or
the reader does not run, the upload is kept, cannot be shared, and is read later: the table says which those are.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from typing import Final

from synapse.logging.context import make_deferred_yieldable
from synapse.module_api import ModuleApi
from synapse.util.async_helpers import stop_cancellation
from twisted.internet import reactor
from twisted.internet.defer import TimeoutError

from belisha.inside import Finding, Reason
from synapse_modules.refusal import FAILURES, asked, where
from synapse_modules.scan.scanner import ScanFailed, Scanner
from synapse_modules.scan_rows import ScanRows
from synapse_modules.turns import Turns

logger = logging.getLogger(__name__)

#: How many files are read at the same time: each may take 768 MiB.
AT_ONCE: Final = 2
#: How long an upload waits to be looked at and read, in seconds: longer than any file takes to be read by itself, and
#: shorter than the minute after which a web server in front gives up.
WAIT_S: Final = 50.0
#: How long it waits to be read at least, whatever was done before, in seconds.
_LEAST_S: Final = 1.0
EVERY_MS: Final = 2_000
#: For how many turns of the loop the reader is left alone at most, where it does not run.
_LONGEST_REST: Final = 16
_IN_A_TURN: Final = 100
_LATER: Final = ""
#: What keeps every file from being opened, and passes.
_FOR_NOW: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})

#: After how many seconds the doctor tells of uploads that are not read.
_LONG_S: Final = 300
_UNREAD: Final = (
    "Files that were uploaded over five minutes ago have not been read for markings, and cannot be shared until then: "
    "{} in all. If the number does not fall, the reader does not start: look for “Uploads cannot be read now” in "
    "synapse.log."
)


class Inspection:
    """What one Synapse process that serves files does about what is inside them."""

    def __init__(self, api: ModuleApi, rows: ScanRows, scanner: Scanner, wait_s: float = WAIT_S) -> None:
        self._api = api
        self._rows = rows
        self._scanner = scanner
        self._wait_s = wait_s
        self._turns = Turns(AT_ONCE)
        self._under_way: set[str] = set()
        self._path_of: Callable[[str], str] | None = None
        self._busy = False
        #: How many turns of the loop are still left out, and how many were after the last failure.
        self._rest = self._rested = 0

    def start(self, path_of: Callable[[str], str]) -> None:
        """Begins to read what was left over; `path_of` tells where the bytes of a file are."""
        self._path_of = path_of
        self._api.looping_background_call(self.catch_up, EVERY_MS, desc="belisha_unread", run_on_all_instances=True)

    async def arrived(self, media_id: str, path: str, kind: str, spent_s: float = 0.0) -> bool:
        """Notes bytes that have arrived, and has them read; False where the file was withdrawn meanwhile.

        Args:
            media_id: its id.
            path: where its bytes lie.
            kind: its media type.
            spent_s: for how long who uploads has waited already, in seconds: it waits here for the rest.

        Raises:
            RuntimeError: where something fails that is no failure of the reader's.
        """
        arrival = await self._rows.arrived(media_id, kind)
        if arrival is None:
            return False
        who = asked.get().user_id or media_id
        done = self._api.run_as_background_process(
            "belisha_inspection", self._try_inspecting, media_id, arrival, path, who
        )
        try:
            is_read = await make_deferred_yieldable(stop_cancellation(done).addTimeout(self._rest_s(spent_s), reactor))
        except TimeoutError:
            logger.info("An upload is answered before it has been read")
        else:
            if is_read is None:
                raise RuntimeError("an upload could not be looked at")
        return True

    def _rest_s(self, spent_s: float) -> float:
        """How long an upload still waits, in seconds: most files are read in less than the least."""
        return max(min(_LEAST_S, self._wait_s), self._wait_s - spent_s)

    async def catch_up(self) -> None:
        """Reads uploads that were not read: the reader did not run, or Synapse was killed, or they are from before."""
        if self._busy or self._path_of is None:
            return
        if self._rest:
            self._rest -= 1
            return
        self._busy = True
        try:
            for media_id, arrival, _ in await self._rows.unread(_IN_A_TURN):
                if media_id not in self._under_way and not await self._inspect(
                    media_id, arrival, self._path_of(media_id), _LATER
                ):
                    break
        except FAILURES as error:
            logger.error("Files are still to be read: %s", where(error))
        finally:
            self._busy = False

    async def problems(self) -> list[str]:
        """A sentence where uploads are not read: the reader does not start, or does not keep up."""
        count = await self._rows.count_unread(_LONG_S)
        return [_UNREAD.format(count)] if count else []

    async def _try_inspecting(self, media_id: str, arrival: int, path: str, who: str) -> bool | None:
        """The same as `_inspect`; None where that fails, and nothing in the log of what failed but its place."""
        try:
            return await self._inspect(media_id, arrival, path, who)
        except FAILURES as error:
            logger.error("An upload could not be looked at: %s", where(error))
            return None

    async def _inspect(self, media_id: str, arrival: int, path: str, who: str) -> bool:
        """Reads one file and writes down what is in it; False where none can be read at present."""
        self._under_way.add(media_id)
        try:
            async with self._turns.of(who):
                finding = await self._read(path)
            if finding is not None:
                await self._rows.finished(media_id, arrival, finding)
        finally:
            self._under_way.discard(media_id)
        return finding is not None

    async def _read(self, path: str) -> Finding | None:
        try:
            report = await self._api.defer_to_thread(self._scanner.scan, path)
        except (ScanFailed, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _FOR_NOW:
                return Finding(not_checked=Reason.BROKEN)  # Synapse cannot open it for anybody either
            self._rested = self._rest = min(2 * self._rested or 1, _LONGEST_REST)
            logger.error("Uploads cannot be read now, and so not be shared; trying again: %s", where(error))
            return None
        self._rest = self._rested = 0
        return report.finding
