"""The audit log's chains: whatever is altered, moved, taken out or cut off is found and named (rule A1)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from belisha.audit import (
    NOTHING,
    WRITERS,
    Head,
    Problem,
    Record,
    hidden,
    mac_of,
    open_acts,
    seal_of,
    verify,
    written,
)
from belisha.audit_export import FORMATS

KEY = b"a sample key"
Log = dict[str, list[Record]]


def chain(writer: str, *entries: dict[str, object], start: int = 100) -> list[Record]:
    found: list[Record] = []
    before = NOTHING
    for number, entry in enumerate(entries):
        text = written(entry)
        before = mac_of(KEY, writer, number, start + number, text, before)
        found.append(Record(writer, number, start + number, text, before))
    return found


def log() -> Log:
    main = chain("main", {"kind": "start"}, *({"kind": "refusal", "count": number} for number in range(1, 9)))
    client = chain("client", {"kind": "start"}, *({"kind": "denial", "count": number} for number in range(1, 5)))
    writers = chain(
        WRITERS,
        *({"kind": "writer", "writer": one[0].writer, "start": one[0].mac} for one in (main, client)),
    )
    return {"main": main, "client": client, WRITERS: writers}


def heads_of(given: Log) -> list[Head]:
    return [
        Head(writer, records[-1].number, records[-1].mac, seal_of(KEY, writer, records[-1].number, records[-1].mac))
        for writer, records in given.items()
    ]


def found(given: Log, heads: list[Head], known: tuple[Head, ...] = ()) -> list[Problem]:
    return verify(KEY, [record for records in given.values() for record in records], heads, known)


def test_what_is_as_it_was_written_has_no_problem() -> None:
    whole = log()
    assert found(whole, heads_of(whole), tuple(heads_of(whole))) == []
    assert verify(KEY, [], []) == []


@pytest.mark.parametrize("writer", ["main", "client", WRITERS])
@pytest.mark.parametrize("field", ["at", "entry", "mac"])
def test_an_altered_record_is_named(writer: str, field: str) -> None:
    for number in range(len(log()[writer])):
        broken = log()
        record = broken[writer][number]
        value: object = record.at + 1 if field == "at" else record.entry + " " if field == "entry" else "0" * 64
        broken[writer][number] = record._replace(**{field: value})
        problems = found(broken, heads_of(log()))
        assert any(one.writer == writer and one.number == number for one in problems), (number, problems)
        assert any("altered" in one.what or "head" in one.what for one in problems), problems


@pytest.mark.parametrize("writer", ["main", "client", WRITERS])
def test_a_deleted_record_is_named(writer: str) -> None:
    for number in range(len(log()[writer]) - 1):
        broken = log()
        del broken[writer][number]
        problems = found(broken, heads_of(log()))
        assert Problem(writer, number, f"Record {number} is missing.") in problems
        assert not any("altered" in one.what for one in problems if one.writer == writer), problems


def test_reordered_records_are_named() -> None:
    for one, other in ((1, 2), (2, 7), (3, 8)):
        broken = log()
        main = broken["main"]
        main[one], main[other] = main[other]._replace(number=one), main[one]._replace(number=other)
        problems = found(broken, heads_of(log()))
        assert Problem("main", one, f"Record {one} was moved: it stands at {other}.") in problems
        assert Problem("main", other, f"Record {other} was moved: it stands at {one}.") in problems


def test_renumbering_hides_no_gap() -> None:
    broken = log()
    del broken["main"][3]
    broken["main"] = [record._replace(number=number) for number, record in enumerate(broken["main"])]
    assert any(one.writer == "main" for one in found(broken, heads_of(log())))


def test_a_cut_off_end_is_named() -> None:
    for lost in (1, 3, 8):
        broken = log()
        broken["main"] = broken["main"][:-lost]
        assert found(broken, heads_of(log())) == [
            Problem("main", 8, f"The last {lost} records of this chain are missing.")
        ]


def test_a_head_cannot_be_put_back_unseen() -> None:
    broken = log()
    broken["main"] = broken["main"][:-2]
    forged = [
        head._replace(number=6, mac=broken["main"][-1].mac) if head.writer == "main" else head
        for head in heads_of(log())
    ]
    assert found(broken, forged) == [Problem("main", 6, "The head of this chain was altered.")]
    # A real head of then, out of a copy of the database: what was kept elsewhere meanwhile tells.
    problems = found(broken, heads_of(broken), tuple(heads_of(log())))
    assert [(one.writer, one.number) for one in problems] == [("main", 8)]
    assert "rewritten" in problems[0].what


def test_a_chain_that_is_gone_as_a_whole_is_named() -> None:
    broken = log()
    del broken["client"]
    whole = heads_of(log())
    assert found(broken, whole) == [Problem("client", 0, "All 5 records of this chain are missing."),
                                    Problem("client", 0, "This chain is gone as a whole.")]  # fmt: skip
    assert found(broken, heads_of(broken)) == [Problem("client", 0, "This chain is gone as a whole.")]
    # With its registration gone too, the registry's own end is missing.
    broken[WRITERS] = broken[WRITERS][:-1]
    assert any(one.writer == WRITERS for one in found(broken, [head for head in whole if head.writer != "client"]))


def test_a_chain_that_was_never_begun_is_named() -> None:
    broken = log() | {"stranger": chain("stranger", {"kind": "start"})}
    assert found(broken, heads_of(broken)) == [Problem("stranger", 0, "This chain was never registered.")]


def test_another_key_fits_nothing() -> None:
    whole = log()
    records = [record for records in whole.values() for record in records]
    assert len(verify(b"another", records, heads_of(whole))) >= len(records)


def _act(phase: str, act: str) -> dict[str, object]:
    return {"kind": "act", "what": "policy", "phase": phase, "act": act}


@pytest.mark.parametrize("end", ["done", "failed", "cut short"])
def test_open_acts_are_those_that_have_no_end(end: str) -> None:
    records = chain("main", {"kind": "start"}, _act("intended", "a"), _act("intended", "b"), _act(end, "a"))
    other = chain("client", {"kind": "start"}, _act(end, "c"), start=200)
    assert [record.said["act"] for record in open_acts([*records, *other])] == ["b"]


def test_an_act_that_ends_in_another_process_in_the_same_second_is_not_open() -> None:
    """Chains have no order among each other: of one second, beginnings count before ends."""
    begun = chain("z-client", {"kind": "start"}, _act("intended", "a"))
    ended = [one._replace(at=begun[1].at) for one in chain("main", {"kind": "start"}, _act("done", "a"))]
    assert open_acts([*begun, *ended]) == []


def test_an_act_that_begins_again_is_open_again() -> None:
    """A relabel act has its item's id: of two, each needs its own end."""
    records = chain("main", {"kind": "start"}, *(_act(phase, "a") for phase in ("intended", "done", "intended")))
    assert [record.number for record in open_acts(records)] == [3]
    together = [record._replace(at=7) for record in records]
    assert len(open_acts(together)) == 1


def test_what_a_member_wrote_is_hidden() -> None:
    text = "com.example.the-pump-is-off"
    assert "pump" not in hidden(KEY, text) and hidden(KEY, text) == hidden(KEY, text) != hidden(KEY, text + "x")
    assert hidden(KEY, text).endswith(f":{len(text)}")


def _lines(text: str) -> int:
    return len([json.loads(line) for line in text.splitlines()])


def _rows(text: str) -> int:
    rows = list(csv.reader(io.StringIO(text)))
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    return len(rows) - 1


def _notes(text: str) -> int:
    bundle = json.loads(text)
    assert bundle["type"] == "bundle"
    notes = [one for one in bundle["objects"] if one["type"] == "note"]
    assert all(
        one["object_marking_refs"] == ["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"] for one in notes
    )
    assert len({one["id"] for one in notes}) == len(notes)
    return len(notes)


def _attributes(text: str) -> int:
    event = json.loads(text)["Event"]
    assert event["Tag"] == [{"name": "tlp:amber+strict"}] and event["distribution"] == "0"
    return len(event["Attribute"])


COUNTS: dict[str, Callable[[str], int]] = {"jsonl": _lines, "csv": _rows, "stix": _notes, "misp": _attributes}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_every_record(name: str) -> None:
    records = [*log()["main"], *chain("x", {"kind": "refusal", "what": "=1+1", "who": "@x"})]
    assert COUNTS[name](FORMATS[name](records)) == len(records)
    assert COUNTS[name](FORMATS[name]([])) == 0
