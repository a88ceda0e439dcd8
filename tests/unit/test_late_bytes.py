"""The bytes of a withdrawn file are looked for once more when no upload of it can be under way any longer (rule E1)."""

from __future__ import annotations

from typing import Any

from synapse_modules.audit import Audit
from synapse_modules.file_rows import FileRows
from synapse_modules.inspection import WAIT_S
from synapse_modules.scan_rows import ScanRows
from tests.support.tables import Tables


async def test_they_are_looked_for_after_the_longest_upload() -> None:
    start = now = 1_000_000.0
    api: Any = Tables()
    files = FileRows(api, Audit(api, "key"), lambda: now)
    await ScanRows(api).arrived("late", "text/plain")
    assert await files.withdraw("late")
    for after in (1, WAIT_S - 1, WAIT_S + 10):
        now = start + after
        for media_id in await files.to_erase(10):
            await files.erased(media_id)
    now = start + 600
    assert await files.to_erase(10) == ["late"], "an upload that took its time may have ended since it was erased"
    await files.erased("late")
    assert await files.to_erase(10) == []
