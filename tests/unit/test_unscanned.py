"""What is scanned later: what is found then is closed, amid an upload too; no file holds up another (rules F1, E1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from belisha.screening import Scan
from synapse_modules.audit import Audit
from synapse_modules.scan_rows import ScanRows
from synapse_modules.screening import rows
from synapse_modules.screening.screener import Rules, Screener
from synapse_modules.screening.unscanned import Unscanned
from synapse_modules.screening.watch import Watch
from tests.support import clamav
from tests.support.tables import Tables

ANA: Final = "@ana:belisha.example"
START: Final = 1_000_000


@pytest.fixture(scope="module")
def scanner() -> Iterator[clamav.Scanner]:
    here = clamav.Scanner()
    here.start()
    try:
        yield here
    finally:
        here.close()


class Later:
    """The part that scans later, with real tables and a real scanner, and a clock that the test sets."""

    def __init__(self, folder: Path, scanner: clamav.Scanner) -> None:
        self.now = START
        self.tables = Tables()
        self.folder = folder
        self.screener = Screener(Rules(str(scanner.socket), False, 20, None, None, None, 5))
        repository = SimpleNamespace(filepaths=SimpleNamespace(local_media_filepath=lambda name: str(folder / name)))
        api: Any = self.tables
        screening: Any = SimpleNamespace(screener=self.screener, in_thread=self._in_thread)
        self._unscanned = Unscanned(api, screening, Audit(api, "key"), repository, lambda: self.now)
        self.scan_rows = ScanRows(api)

    @staticmethod
    async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    async def taken(self, media_id: str, data: bytes | None, *, uploaded: bool = True) -> None:
        """A file that was taken without the scanner; None for bytes that are not there."""
        if data is not None:
            (self.folder / media_id).write_bytes(data)
        if uploaded:
            await self.scan_rows.arrived(media_id, "text/plain")
        await self.tables.run_db_interaction("", rows.begin, media_id, ANA, self.now)
        await self.tables.run_db_interaction("", rows.wait, media_id, 0, self.now)

    async def run(self, after: int = 5) -> None:
        """One turn of the loop, so many seconds later."""
        self.now += after
        await self._unscanned.run()

    def state(self, media_id: str) -> list[tuple[Any, ...]]:
        """The file's state."""
        return self.tables.all("SELECT state FROM belisha_file WHERE media_id = ?", media_id)

    def waiting(self) -> dict[str, tuple[int, int]]:
        """How often each was tried that waits, and in how many seconds it is due."""
        found = self.tables.all("SELECT media_id, tries, due FROM belisha_screening WHERE unscanned = 1")
        return {media_id: (tries, due - self.now) for media_id, tries, due in found}


@pytest.fixture
def later(tmp_path: Path, scanner: clamav.Scanner) -> Later:
    return Later(tmp_path, scanner)


async def test_malware_found_amid_its_upload_is_refused_at_its_end(later: Later) -> None:
    """Neither Synapse nor we have a row of it yet; what is told of as withdrawn is so."""
    await later.taken("early", clamav.MALWARE, uploaded=False)
    await later.run()
    assert later.state("early") == [("withdrawn",)] and later.waiting() == {}
    assert later.tables.all("SELECT sort, uploader FROM belisha_alert") == [("malware found later", ANA)]
    assert await later.scan_rows.arrived("early", "text/plain") is None, "so the upload is refused"


async def test_malware_found_after_its_upload_is_closed(later: Later) -> None:
    await later.taken("bad", clamav.MALWARE)
    await later.taken("good", b"Tides")
    await later.run()
    assert (later.state("bad"), later.state("good")) == ([("withdrawn",)], [("pending",)])
    assert later.waiting() == {}


async def test_a_file_that_the_scanner_fails_on_holds_up_no_other(
    later: Later, scanner: clamav.Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers, but not about this file: the file is put off for longer each time, and the others are scanned."""
    scan = later.screener.scan

    def fails(path: str, asked_at: float) -> Scan:
        return Scan.UNREACHABLE if path.endswith("odd") else scan(path, asked_at)

    monkeypatch.setattr(later.screener, "scan", fails)
    await later.taken("odd", b"Odd")
    later.now += 1
    await later.taken("bad", clamav.MALWARE)
    await later.run()
    assert later.state("bad") == [("withdrawn",)] and later.waiting() == {"odd": (1, 60)}
    await later.run(60)
    assert later.waiting() == {"odd": (2, 120)}


async def test_while_the_scanner_is_away_each_turn_begins_with_another(later: Later, scanner: clamav.Scanner) -> None:
    """So a file at which it breaks, each time that it is back, is not the first for ever."""
    await later.taken("first", b"One")
    later.now += 1
    await later.taken("second", b"Two")
    scanner.stop()
    try:
        await later.run()
        assert later.waiting() == {"first": (0, 0), "second": (0, -5)}
        await later.run()
        assert later.waiting() == {"first": (0, -5), "second": (0, 0)}
    finally:
        scanner.start()
    await later.run()
    assert later.waiting() == {}


async def test_what_is_not_there_or_cannot_be_read_holds_up_no_other(later: Later) -> None:
    await later.taken("gone", None)
    (later.folder / "broken").mkdir()  # which cannot be read as a file
    await later.taken("broken", None)
    later.now += 1
    await later.taken("good", b"Tides")
    await later.run()
    assert later.waiting() == {"gone": (1, 60), "broken": (1, 60)}
    await later.run(rows.CUT_SHORT)
    assert set(later.waiting()) == {"broken"}, "what never came is forgotten"


async def test_the_doctor_tells_of_what_waits_for_long(later: Later) -> None:
    await later.taken("odd", b"Odd")
    parts: Any = (later.tables, None, None)
    watch = Watch(*parts, lambda: later.now)
    later.now += 3600
    assert await watch.left() == []
    later.now += 1
    (said,) = await watch.left()
    assert "1 in all" in said
    await later.run()
    assert await watch.left() == []
