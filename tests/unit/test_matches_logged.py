"""A match is in the audit log once an hour for each member and file, and is counted for the stewards (rules F1, A1)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from synapse.module_api.errors import SynapseError

from belisha.audit import hidden
from belisha.screening import Known, Scan
from synapse_modules.audit import Audit
from synapse_modules.refusal import Asked, asked
from synapse_modules.screening import rows
from synapse_modules.screening.screener import Rules, Seen
from synapse_modules.screening.screening import Screening
from tests.support.tables import Tables

NOBODY = Rules("/nobody/clamd.ctl", False, 20, None, None, None, 5)


async def test_who_sends_the_same_file_a_thousand_times_does_not_fill_the_log() -> None:
    now = 1_000_000.0
    tables: Any = Tables()
    screening: Any = Screening(tables, NOBODY, Audit(tables, "key"), "key", lambda: now)
    found = Seen(Known.BY_LIST, Scan.OFF, "a" * 64)

    async def look(*_: Any) -> Seen:
        return found

    screening.in_thread = look

    async def offer(who: str, times: int = 1) -> None:
        token = asked.set(Asked(f"@{who}:belisha.example"))
        for _ in range(times):
            with pytest.raises(SynapseError):
                await screening.screen("file", "file")
        asked.reset(token)

    def logged() -> list[str]:
        entries = (json.loads(row[0]) for row in tables.all("SELECT entry FROM belisha_audit_waiting ORDER BY id"))
        return [one["digest"] for one in entries]

    first, second = hidden(b"key", "a" * 64), hidden(b"key", "b" * 64)
    await offer("ana", 5)
    assert logged() == [first]
    await offer("ben", 2)
    assert logged() == [first] * 2, "each member has their own"
    found = Seen(Known.BY_LIST, Scan.OFF, "b" * 64)
    await offer("ana", 2)
    assert logged() == [first, first, second], "and each file"
    counts = "SELECT uploader, count FROM belisha_alert ORDER BY uploader"
    assert tables.all(counts) == [("@ana:belisha.example", 7), ("@ben:belisha.example", 2)]
    now += rows.TOGETHER
    await offer("ana", 2)
    assert logged() == [first, first, second, second], "and each hour"
