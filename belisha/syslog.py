"""Records of the audit log as syslog messages (RFC 5424), framed for TLS (RFC 5425). Knows no socket.

The message's text is the record's entry, letter by letter as it was sealed. With the structured data beside it a
collector has all that `belisha.audit.verify` reads, so that it proves by itself that no record is missing or altered.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final

from belisha.audit import Record

#: The enterprise number is the one for examples and documentation (RFC 5612).
DATA_ID: Final = "belisha@32473"
#: The kind of record that tells of sessions and passwords.
SESSION: Final = "session"
_NIL: Final = "-"
#: What of an entry stands in the structured data, too; a collector sorts by it.
_TOLD: Final = ("kind", "what", "phase", "rule", "who", "account", "method", "count")
_ENDED_BADLY: Final = frozenset({"failed", "cut short"})


class Facility(IntEnum):
    """Of RFC 5424, table 1."""

    AUTHORISATION = 10
    LOG_AUDIT = 13


class Severity(IntEnum):
    """Of RFC 5424, table 2; those that are used."""

    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6


def facility(said: dict[str, Any]) -> Facility:
    """Sessions and passwords are matters of authorisation, all else is of the audit log."""
    return Facility.AUTHORISATION if said.get("kind") == SESSION else Facility.LOG_AUDIT


def severity(said: dict[str, Any]) -> Severity:
    """How much somebody should look at a record."""
    kind, what = said.get("kind"), said.get("what")
    if kind == "alert" or said.get("phase") in _ENDED_BADLY or what == "wrong_codes":
        return Severity.WARNING
    if kind in ("refusal", "denial") or (kind == SESSION and what in ("refused", "limited")):
        return Severity.NOTICE
    return Severity.INFORMATIONAL


def message(record: Record, community: str) -> bytes:
    """One record as a message; the same record gives the same bytes, so that a collector knows what came twice.

    Args:
        record: of any chain.
        community: the server's name, which stands as the host's.
    """
    said = record.said
    priority = facility(said) * 8 + severity(said)
    time = datetime.fromtimestamp(record.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told: dict[str, Any] = {"writer": record.writer, "number": record.number, "seal": record.mac, "at": record.at}
    told |= {name: said[name] for name in _TOLD if name in said}
    data = " ".join(f'{name}="{_escaped(str(value))}"' for name, value in told.items())
    header = (
        f"<{priority}>1 {time} {_word(community, 255)} belisha {_word(record.writer, 128)}"
        f" {_word(str(said.get('kind', '')), 32)}"
    )
    return f"{header} [{DATA_ID} {data}] {record.entry}".encode()


def framed(text: bytes) -> bytes:
    """A message with its length in octets before it (RFC 5425, 4.3)."""
    return b"%d %s" % (len(text), text)


def _word(text: str, longest: int) -> str:
    """A field of the header: printable ASCII without spaces, "-" for nothing (RFC 5424, 6)."""
    return "".join(letter if "!" <= letter <= "~" else "_" for letter in text)[:longest] or _NIL


def _escaped(value: str) -> str:
    """A value of the structured data (RFC 5424, 6.3.3); a control character would end the line of many collectors."""
    printable = "".join(letter if letter.isprintable() else "_" for letter in value)
    return printable.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
