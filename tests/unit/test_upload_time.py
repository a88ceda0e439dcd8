"""An upload is answered within one time, whatever it is spent on (rules F1, L2)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from synapse.media._base import FileInfo
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock

from synapse_modules import inspection, media
from synapse_modules.inspection import WAIT_S, Inspection
from synapse_modules.media import Media
from synapse_modules.scan_rows import ScanRows
from tests.support.tables import Tables


class Slow(Tables):
    """The module's API with a thread that reads a file and does not end."""

    _hs = SimpleNamespace(config=SimpleNamespace(media=SimpleNamespace(can_load_media_repo=False)))

    def run_as_background_process(self, _: str, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Begins it."""
        return ensureDeferred(work(*arguments))

    async def defer_to_thread(self, *_: Any) -> None:
        """Does not end."""
        await Deferred()


@pytest.mark.parametrize(("screened_s", "rest_s"), [(0, WAIT_S), (30, WAIT_S - 30), (90, 1)])
def test_what_screening_took_is_taken_from_the_wait(
    screened_s: float, rest_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So both together stay under the minute of a web server in front, where screening alone does."""
    clock = Clock()
    monkeypatch.setattr(inspection, "reactor", clock)
    monkeypatch.setattr(media, "now", clock.seconds)
    (tmp_path / "file").write_bytes(b"Tides")

    async def screen(*_: str) -> None:
        clock.advance(screened_s)

    api: Any = Slow()
    none: Any = None
    screening: Any = SimpleNamespace(screen=screen)
    scanner: Any = SimpleNamespace(scan=None)
    here = Media(api, none, none, none, none, screening, Inspection(api, ScanRows(api), scanner), none, none)
    file: Any = SimpleNamespace(path=str(tmp_path / "file"))
    answered = ensureDeferred(here.arrived(file, FileInfo(server_name=None, file_id="slow")))
    clock.advance(rest_s - 0.1)
    assert not answered.called
    clock.advance(0.2)
    assert answered.called
