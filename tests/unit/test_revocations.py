"""The journal of revocations: one line each, the newest counts, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from belisha.revocations import BrokenJournal, Revocation, What, read
from synapse_modules.journal import _append

SAMPLES = (
    Revocation(What.FILE, ("AbC",)),
    Revocation(What.ITEM, ("$event",)),
    Revocation(What.LABEL, ("$event",), "TLP:AMBER+STRICT"),
    Revocation(What.MEMBERSHIP, ("!room:x", "@ana:x"), "left"),
    Revocation(What.STANDING, ("members", "ana"), "frozen"),
    Revocation(What.PSEUDONYM, ("p-one",)),
    Revocation(What.ROLES, ("ana",), "lead,steward"),
    Revocation(What.SESSION, ("@ana:x", "DEVICE")),
    Revocation(What.HOLD, ("1f2e3d4c",)),
)


def lines(*revocations: Revocation) -> list[str]:
    return [f"{one.line()}\n" for one in revocations]


def test_each_is_read_as_it_was_written() -> None:
    assert {one.what for one in SAMPLES} == set(What)
    assert read(lines(*SAMPLES)) == list(SAMPLES)


def test_of_the_same_thing_the_newest_counts() -> None:
    left, joined = SAMPLES[3], SAMPLES[3]._replace(now="joined")
    assert read(lines(left, SAMPLES[0], joined)) == [SAMPLES[0], joined]
    assert read(lines(left, joined, left)) == [left]


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "[]",
        "x",
        '{"what": "room", "ids": ["a"]}',
        '{"what": "file", "ids": []}',
        '{"what": "file", "ids": ["a", "b"]}',
        '{"what": "file", "ids": [7]}',
        '{"what": "file", "ids": [""]}',
        '{"what": "file", "ids": ["a"], "now": "gone"}',
        '{"what": "label", "ids": ["$a"], "now": "TLP:PURPLE"}',
        '{"what": "standing", "ids": ["members", "ana"], "now": ""}',
        '{"what": "roles", "ids": ["ana"], "now": "king"}',
        '{"what": "roles", "ids": ["ana"], "now": "steward,lead"}',
        '{"what": "roles", "ids": ["ana"], "now": "member"}',
    ],
)
def test_what_is_none_stops_it(line: str) -> None:
    with pytest.raises(BrokenJournal, match="Line 2 "):
        read([*lines(SAMPLES[0]), f"{line}\n", *lines(SAMPLES[1])])


def test_a_line_that_a_crash_cut_short_is_left_out_and_written_over(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    _append(journal, list(SAMPLES[:2]))
    whole = journal.read_text()
    journal.write_text(whole + SAMPLES[2].line()[:-5])
    assert read(journal.read_text().splitlines(keepends=True)) == list(SAMPLES[:2])
    _append(journal, [SAMPLES[3]])
    assert journal.read_text() == whole + f"{SAMPLES[3].line()}\n"
    _append(journal, [])
    assert journal.stat().st_mode & 0o777 == 0o600


def test_a_journal_that_is_one_broken_line_begins_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text("x" * 10_000)
    _append(journal, [SAMPLES[0]])
    assert read(journal.read_text().splitlines(keepends=True)) == [SAMPLES[0]]
