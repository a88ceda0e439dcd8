"""The one writer of what leaves the portal as a file or a mail: tables, calendars, headers.

Members' words go into programs that take some of them for commands: a spreadsheet for a formula, a calendar or a mail
server for a line of their own. Here they are made harmless, whatever they are, and nothing else writes such files.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.header import Header
from typing import Any, Final
from urllib.parse import quote

from icalendar import Calendar, Event

from belisha.tlp import Label

Cell = str | int | float | bool | date | datetime | None

#: What begins a formula in some spreadsheet, full-width signs too (OWASP, CSV injection).
_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\u2212"
#: At the start, or behind what a spreadsheet of another country takes for the end of a cell.
_STARTS_FORMULA: Final = re.compile(rf"(^|[,;|\"'])(\s*)(?=[{_FORMULA}])")
_LINES: Final = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
# Control characters, what turns the direction of writing, and halves of surrogate pairs.
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar."""

    uid: str
    title: str
    begins: datetime
    ends: datetime
    label: Label
    description: str = ""
    place: str = ""


def one_line(text: str) -> str:
    """The text on a single line, without characters that nobody sees."""
    return _INVISIBLE.sub("", _LINES.sub(" ", text).replace("\t", " "))


def cell(value: Cell) -> str:
    """What stands in a cell of a table: text that no spreadsheet calculates."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            return _STARTS_FORMULA.sub(r"\1\2'", one_line(value).strip())


def table(label: Label, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV file (RFC 4180) of UTF-8 with a mark that spreadsheets know it by; its first row is the label of it all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([str(label)])
    writer.writerow([cell(head) for head in heads])
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def document(label: Label, content: Mapping[str, Any]) -> bytes:
    """A JSON file of UTF-8; the label of it all comes first."""
    text = json.dumps({"label": str(label), **content}, ensure_ascii=True, indent=2)
    return f"{text}\n".encode()


def calendar(name: str, entries: Sequence[Entry]) -> bytes:
    """A calendar (RFC 5545); each entry's label stands in front of its title and among its categories.

    Raises:
        ValueError: An entry's time is of no time zone.
    """
    found = Calendar()
    found.add("prodid", "-//Belisha//Portal//EN")
    found.add("version", "2.0")
    found.add("x-wr-calname", one_line(name))
    for entry in entries:
        if entry.begins.tzinfo is None or entry.ends.tzinfo is None:
            raise ValueError("a time in a calendar needs its zone")
        event = Event()
        event.add("uid", one_line(entry.uid))
        event.add("dtstamp", entry.begins.astimezone(UTC))
        event.add("dtstart", entry.begins.astimezone(UTC))
        event.add("dtend", entry.ends.astimezone(UTC))
        event.add("summary", f"[{entry.label}] {one_line(entry.title)}")
        event.add("description", "\n".join(one_line(line) for line in _LINES.split(entry.description)))
        event.add("location", one_line(entry.place))
        event.add("categories", [str(entry.label)])
        event.add("class", "PUBLIC" if entry.label is Label.CLEAR else "CONFIDENTIAL")
        found.add_component(event)
    return bytes(found.to_ical())


def mail_header(text: str) -> str:
    """The value of a mail's header: ASCII (RFC 2047 where needed), on one line, never the beginning of another."""
    plain = one_line(text).strip()
    return plain if plain.isascii() else Header(plain, "utf-8", maxlinelen=10**6).encode(linesep="")


def file_name(title: str, label: Label, ending: str) -> str:
    """A name that says the file's label, of letters that every system takes: `members.TLP-AMBER.csv`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", title).strip("-")[:60] or "export"
    return f"{plain}.{str(label).replace(':', '-').replace('+', '-')}.{ending}"


def disposition(name: str, kind: str = "attachment") -> str:
    """The header by which a browser saves an answer, and never shows it unless it is `inline` (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(one_line(name), safe='')}"
