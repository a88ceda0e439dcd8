"""Has each upload decided about before Synapse knows of it, in the process that takes it (rules F1, X1).

The bytes lie at their place on the disk meanwhile, where no row leads to them, so nobody can open them; Synapse removes
them where this refuses. A row of ours is written first, so that what a crash leaves lying is found and removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi

from belisha.audit import hidden
from belisha.policy.screening import decide_upload
from belisha.screening import Known, Scan
from synapse_modules import metrics
from synapse_modules.audit import Audit
from synapse_modules.refusal import asked, raise_if_refused
from synapse_modules.screening import rows
from synapse_modules.screening.screener import SCANNER, Rules, Screener, Seen, now
from synapse_modules.screening.threads import Threads
from synapse_modules.turns import Turns

#: How many files are looked at together, of any member one: the others wait, and their time passes meanwhile.
_AT_ONCE: Final = 8
#: The sorts of matches, for stewards and the audit log.
MALWARE: Final = "malware"
KNOWN_FILE: Final = "known file"
FOUND_LATER: Final = "malware found later"


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
        # One more thread than turns: for what is scanned later.
        self.in_thread = Threads(api, _AT_ONCE + 1, "belisha-screening").do
        self._turns = Turns(_AT_ONCE)
        #: Which matches the audit log has of the last hour: uploader, sort, what stands for the hash; and since when.
        self._logged: dict[tuple[str, str, str], int] = {}

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
        asked_at = now()
        async with self._turns.of(uploader or media_id):
            seen = await self.in_thread(self.screener.look, path, asked_at)
        decision = decide_upload(seen.known, seen.scan, required=self._rules.required)
        metrics.screened(_outcome(seen, is_taken=decision.allowed))
        if seen.scan is Scan.MALWARE:
            await self._matched(MALWARE, SCANNER, uploader, seen.sha256)
        elif seen.known in (Known.BY_LIST, Known.BY_MATCHER):
            await self._matched(KNOWN_FILE, seen.known.value, uploader, seen.sha256)
        raise_if_refused(decision)
        if seen.scan in (Scan.UNREACHABLE, Scan.TOO_LARGE):
            await self._in_database(rows.wait, media_id, 0, int(self._clock()))

    async def _matched(self, sort: str, matcher: str, uploader: str, sha256: str) -> None:
        """Writes a match down; the same file of the same member within an hour is counted, not logged again."""
        at, digest = int(self._clock()), hidden(self._key, sha256)
        self._logged = {match: since for match, since in self._logged.items() if since > at - rows.TOGETHER}
        is_logged = (uploader, sort, digest) in self._logged

        def matched(txn: LoggingTransaction) -> bool:
            is_first = rows.alert(txn, sort, matcher, uploader, at)
            if is_first or not is_logged:
                self._audit.append(txn, uploader, kind="alert", what=sort, by=matcher, rule="F1", digest=digest)
            return is_first or not is_logged

        if await self._in_database(matched):
            self._logged[uploader, sort, digest] = at

    async def _in_database(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await self._api.run_db_interaction("belisha_screening", work, *arguments)


def _outcome(seen: Seen, *, is_taken: bool) -> str:
    if seen.known in (Known.BY_LIST, Known.BY_MATCHER):
        return "known"
    if seen.scan is Scan.MALWARE:
        return "malware"
    if not is_taken:
        return "not_checked"
    return "not_scanned" if seen.scan in (Scan.UNREACHABLE, Scan.TOO_LARGE) else "clean"
