"""Has each upload decided about before Synapse knows of it, in the process that takes it (rules F1, X1).

The bytes lie at their place on the disk meanwhile, where no row leads to them, so nobody can open them; Synapse removes
them where this refuses. A row of ours is written first, so that what a crash leaves lying is found and removed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from synapse.logging.context import defer_to_threadpool
from synapse.module_api import LoggingTransaction, ModuleApi
from twisted.python.threadpool import ThreadPool

from belisha.audit import hidden
from belisha.policy.screening import decide_upload
from belisha.screening import Known, Scan
from synapse_modules import metrics
from synapse_modules.audit import Audit
from synapse_modules.refusal import asked, raise_if_refused
from synapse_modules.screening import rows
from synapse_modules.screening.screener import SCANNER, Rules, Screener, Seen, now

#: How many files are looked at together; the others wait for as long as they may.
_AT_ONCE: Final = 8
#: The sorts of matches, for stewards and the audit log.
MALWARE: Final = "malware"
KNOWN_FILE: Final = "known file"
FOUND_LATER: Final = "malware found later"

_T = TypeVar("_T")


class Screening:
    """Looks at uploads, where that is configured; in each process that takes them."""

    def __init__(
        self,
        api: ModuleApi,
        rules: Rules,
        audit: Audit,
        key: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._audit = audit
        self._key = key.encode()
        self._clock = clock
        self._rules = rules
        self.screener = Screener(rules)
        self._pool: ThreadPool | None = None

    @property
    def is_on(self) -> bool:
        """Whether uploads are looked at by anybody."""
        return self._rules.any

    async def screen(self, media_id: str, path: str) -> None:
        """Decides about the bytes of an upload.

        Args:
            media_id: its id.
            path: where its bytes lie.

        Raises:
            SynapseError: 403, they are not taken; the stewards will be told where that is for what is in them.
        """
        if not self.is_on:
            return
        uploader = asked.get().user_id or ""
        await self._in_database(rows.begin, media_id, uploader, int(self._clock()))
        seen = await self.in_thread(self.screener.look, path, now())
        decision = decide_upload(seen.known, seen.scan, required=self._rules.required)
        metrics.screened(_outcome(seen, is_taken=decision.allowed))
        if seen.scan is Scan.MALWARE:
            await self._in_database(self._matched, MALWARE, SCANNER, uploader, seen.sha256)
        elif seen.known in (Known.BY_LIST, Known.BY_MATCHER):
            await self._in_database(self._matched, KNOWN_FILE, seen.known.value, uploader, seen.sha256)
        raise_if_refused(decision)
        if seen.scan in (Scan.UNREACHABLE, Scan.TOO_LARGE):
            await self._in_database(rows.wait, media_id, 0, int(self._clock()))

    def _matched(self, txn: LoggingTransaction, sort: str, matcher: str, uploader: str, sha256: str) -> None:
        at = int(self._clock())
        self._audit.append(
            txn, uploader, kind="alert", what=sort, by=matcher, rule="F1", digest=hidden(self._key, sha256)
        )
        rows.alert(txn, sort, matcher, uploader, at)

    async def in_thread(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Does what blocks, in a thread of our own: a scanner that hangs holds up nothing else of Synapse."""
        if self._pool is None:
            pool = ThreadPool(minthreads=0, maxthreads=_AT_ONCE, name="belisha-screening")
            # A process that ends does not wait for a scanner that hangs.
            pool.threadFactory = _daemon  # type: ignore[assignment]
            pool.start()
            self._pool = pool
        done: _T = await defer_to_threadpool(self._api._hs.get_reactor(), self._pool, work, *arguments)
        return done

    async def _in_database(self, work: Callable[..., Any], *arguments: Any) -> None:
        await self._api.run_db_interaction("belisha_screening", work, *arguments)


def _daemon(*arguments: Any, **named: Any) -> threading.Thread:
    return threading.Thread(*arguments, daemon=True, **named)


def _outcome(seen: Seen, *, is_taken: bool) -> str:
    if seen.known in (Known.BY_LIST, Known.BY_MATCHER):
        return "known"
    if seen.scan is Scan.MALWARE:
        return "malware"
    if not is_taken:
        return "not_checked"
    return "not_scanned" if seen.scan in (Scan.UNREACHABLE, Scan.TOO_LARGE) else "clean"
