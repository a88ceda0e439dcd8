"""What leaves the portal as a calendar or a mail's header; tables and documents are written by `belisha.export`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header

from icalendar import Calendar, Event

from belisha.export import LINES, one_line
from belisha.tlp import Label


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
        event.add("description", "\n".join(one_line(line) for line in LINES.split(entry.description)))
        event.add("location", one_line(entry.place))
        event.add("categories", [str(entry.label)])
        event.add("class", "PUBLIC" if entry.label is Label.CLEAR else "CONFIDENTIAL")
        found.add_component(event)
    return bytes(found.to_ical())


def mail_header(text: str) -> str:
    """The value of a mail's header: ASCII (RFC 2047 where needed), on one line, never the beginning of another."""
    plain = one_line(text).strip()
    return plain if plain.isascii() else Header(plain, "utf-8", maxlinelen=10**6).encode(linesep="")
