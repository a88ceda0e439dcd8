"""Nobody's uploads hold up another member's, nor what tells that the scanner hangs (rules F1, X1)."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from belisha.screening import Known, Scan
from synapse_modules.audit import Audit
from synapse_modules.refusal import Asked, asked
from synapse_modules.screening.screener import Rules, Screener, Seen, now
from synapse_modules.screening.screening import Screening
from synapse_modules.screening.watch import Watch
from tests.support.tables import Tables

NOBODY = Rules("/nobody/clamd.ctl", False, 20, None, None, None, 5)


class Uploads:
    """Uploads that are looked at for as long as the test likes."""

    def __init__(self) -> None:
        api: Any = Tables()
        self.screening = Screening(api, NOBODY, Audit(api, "key"), "key")
        self.screening.in_thread = self._look  # type: ignore[method-assign, assignment]  # a test's
        self.running: list[str] = []
        self.since: dict[str, float] = {}
        self._ends: dict[str, Deferred[None]] = {}

    async def _look(self, _: Callable[..., Any], path: str, asked_at: float) -> Seen:
        self.since[path] = asked_at
        self._ends[path] = Deferred()
        self.running.append(path)
        await self._ends[path]
        self.running.remove(path)
        return Seen(Known.NO, Scan.CLEAN, "")

    def begin(self, who: str, name: str) -> None:
        """An upload of that member's."""
        token = asked.set(Asked(f"@{who}:belisha.example", None, None))
        try:
            ensureDeferred(self.screening.screen(name, name))
        finally:
            asked.reset(token)

    def end(self, name: str) -> None:
        """Ends what runs."""
        self._ends[name].callback(None)

    def end_all(self) -> None:
        """Ends what runs, and what it held up."""
        while self.running:
            self.end(self.running[0])


def test_one_member_takes_no_more_than_one_turn() -> None:
    uploads = Uploads()
    for number in range(20):
        uploads.begin("ana", f"a{number}")
    begun = now()
    uploads.begin("ben", "b")
    assert uploads.running == ["a0", "b"]
    uploads.end("a0")
    assert uploads.running == ["b", "a1"]
    assert uploads.since["a1"] <= begun, "the time that it waits for its turn counts"
    uploads.end_all()
    assert len(uploads.since) == 21


def test_eight_are_looked_at_together() -> None:
    uploads = Uploads()
    for number in range(9):
        uploads.begin(f"m{number}", f"f{number}")
    assert len(uploads.running) == 8
    uploads.end("f3")
    assert len(uploads.running) == 8 and "f8" in uploads.running
    uploads.end_all()


def test_no_matcher_is_asked_when_the_time_is_over(tmp_path: Path) -> None:
    """What the list knows is refused all the same, and the scanner is not asked either."""
    file, known = tmp_path / "file", tmp_path / "known.txt"
    file.write_bytes(b"Tides")
    known.write_text("# nothing yet\n")
    digest = hashlib.sha256(b"Tides").hexdigest()
    screener = Screener(Rules("/nobody/clamd.ctl", False, 20, known, "http://127.0.0.1:9/", None, 5))
    questions = []
    matcher: Any = SimpleNamespace(knows=lambda sha256: bool(questions.append(sha256)))
    screener._matcher = matcher
    assert screener.look(str(file), now()) == (Known.NO, Scan.UNREACHABLE, digest) and questions == [digest]
    assert screener.look(str(file), now() - 21) == (Known.UNREACHABLE, Scan.OFF, digest) and questions == [digest]
    known.write_text(f"{digest}\n")
    assert screener.look(str(file), now() - 21) == (Known.BY_LIST, Scan.OFF, digest)


async def test_what_hangs_does_not_hold_up_who_tells_of_it() -> None:
    loop = asyncio.get_running_loop()
    reactor = SimpleNamespace(callFromThread=lambda work, *given: loop.call_soon_threadsafe(work, *given))
    api: Any = Tables()
    api._hs = SimpleNamespace(get_reactor=lambda: reactor)
    screening = Screening(api, NOBODY, Audit(api, "key"), "key")
    rooms: Any = None
    watch, go_on = Watch(api, screening, rooms), threading.Event()
    hanging = [ensureDeferred(screening.in_thread(go_on.wait)) for _ in range(40)]
    try:
        said = await asyncio.wait_for(ensureDeferred(watch.look()).asFuture(loop), 60)
        assert ["clamd" in one for one in said] == [True]
    finally:
        go_on.set()
    for one in hanging:
        assert await one.asFuture(loop)
