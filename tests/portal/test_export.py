"""What leaves as a file is harmless, whatever is in it: for every text that Hypothesis thinks of."""

from __future__ import annotations

import csv
import email
import email.header
import io
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.export import cell, disposition, file_name, one_line, table
from belisha.tlp import Label
from bots.portal.export import Entry, calendar, mail_header

#: Texts in which what matters is frequent.
WORDS = st.text(
    st.one_of(st.sampled_from("=+-@\t\r\n;,|\"' :\u2028\u2029\x85\x0b\x0c\x00\uff1d\u202e\ud800"), st.characters()),
    max_size=30,
)
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def _read(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


@given(st.lists(st.lists(WORDS, min_size=2, max_size=2), max_size=4))
def test_no_cell_is_a_formula_and_no_row_becomes_two(rows: list[list[str]]) -> None:
    data = table(Label.AMBER, ["Name", "=Topic"], rows)
    read = _read(data)
    assert len(read) == len(rows) + 2 and all(len(row) == 2 for row in read[1:])
    assert read[:2] == [["TLP:AMBER"], ["Name", "'=Topic"]]
    for delimiter in ",;|":  # as a spreadsheet of another country reads it
        for row in _read(data, delimiter):
            for found in row:
                assert found.lstrip()[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20"), found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("\t=1", "'=1"),
        ("\r\n@SUM(A1)", "'@SUM(A1)"),
        ("a;=cmd", "a;'=cmd"),
        ("well-known", "well-known"),
        ("two\nlines", "two lines"),
        (-3, "-3"),
        (2.5, "2.5"),
        (True, "yes"),
        (None, ""),
        (NOW, "2026-03-29T00:30:00+00:00"),
    ],
)
def test_what_stands_in_a_cell(value: object, shown: str) -> None:
    assert cell(value) == shown  # type: ignore[arg-type]


@given(WORDS, WORDS, WORDS)
def test_an_entry_stays_one_entry(title: str, description: str, place: str) -> None:
    entry = Entry("one@belisha", title, NOW, NOW + timedelta(hours=1), Label.GREEN, description, place)
    data = calendar("Dates\r\nEND:VCALENDAR", [entry, entry])
    read = icalendar.Calendar.from_ical(data)
    assert [part.name for part in read.walk()] == ["VCALENDAR", "VEVENT", "VEVENT"]
    (event, _) = read.walk("VEVENT")
    assert set(event) == {
        "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "LOCATION", "CATEGORIES", "CLASS",
    }  # fmt: skip
    assert event["SUMMARY"].startswith("[TLP:GREEN] ") and event.decoded("DTSTART") == NOW
    assert data.count(b"BEGIN:") == 3 or b"BEGIN:" in title.encode(errors="replace")


def test_a_time_without_a_zone_is_refused() -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        calendar("Dates", [Entry("x", "x", naive, naive, Label.GREEN)])


@given(WORDS)
def test_a_header_stays_one_header(text: str) -> None:
    value = mail_header(text)
    assert value.isascii() and "\r" not in value and "\n" not in value
    message = email.message_from_string(f"Subject: {value}\r\nTo: a@belisha\r\n\r\nbody")
    assert message.keys() == ["Subject", "To"]
    decoded = str(email.header.make_header(email.header.decode_header(message["Subject"])))
    if "=?" not in text:  # what looks encoded is read so
        assert decoded.split() == one_line(text).split()


@given(WORDS)
def test_a_file_has_a_plain_name(text: str) -> None:
    name = file_name(text, Label.AMBER_STRICT, "csv")
    assert name.endswith(".TLP-AMBER-STRICT.csv") and name.isascii() and "/" not in name and name[0] not in ".-"
    header = disposition(text)
    assert header.isascii() and header.isprintable() and header.count('"') == 2
