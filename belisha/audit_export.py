"""Writes records of the audit log for other programs: JSON lines, CSV, a STIX 2.1 bundle, a MISP event."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from belisha.audit import Record
from belisha.tlp import Label, misp_tag, stix_id

#: Of all ids made here: the same record has the same id in every export.
_NAMESPACE: Final = uuid.UUID("5a2f4f5e-7c1d-5b0e-9a49-2f6d0a3f8c11")
_COLUMNS: Final = ("time", "writer", "number", "kind", "what", "phase", "rule", "who", "room", "item", "file", "count")
#: The log says who did what: it stays with those who run the community.
_LABEL: Final = Label.AMBER_STRICT


def jsonl(records: Sequence[Record]) -> str:
    """One object a line, seals included."""
    return "".join(f"{json.dumps(_about(record) | {'mac': record.mac}, ensure_ascii=False)}\n" for record in records)


def as_csv(records: Sequence[Record]) -> str:
    """A table; what a spreadsheet would calculate is made text."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for record in records:
        about = _about(record)
        writer.writerow([_harmless(str(about.get(column, ""))) for column in _COLUMNS])
    return out.getvalue()


def stix(records: Sequence[Record]) -> str:
    """A bundle of notes about the platform (STIX 2.1, 4.14), marked for those who run the community."""
    marking = stix_id(_LABEL)
    identity = f"identity--{uuid.uuid5(_NAMESPACE, 'belisha')}"
    objects: list[dict[str, Any]] = [
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": identity,
            "created": _time(0),
            "modified": _time(0),
            "name": "Belisha",
            "identity_class": "system",
        }
    ]
    objects += [
        {
            "type": "note",
            "spec_version": "2.1",
            "id": f"note--{_uuid(record)}",
            "created": _time(record.at),
            "modified": _time(record.at),
            "abstract": f"{record.writer} {record.number}",
            "content": record.entry,
            "object_refs": [identity],
            "object_marking_refs": [marking],
        }
        for record in records
    ]
    return json.dumps({"type": "bundle", "id": f"bundle--{_uuids(records)}", "objects": objects}, indent=2) + "\n"


def misp(records: Sequence[Record]) -> str:
    """An event with a comment for each record (MISP core format), of this organisation only."""
    attributes = [
        {
            "uuid": str(_uuid(record)),
            "type": "comment",
            "category": "Other",
            "to_ids": False,
            "timestamp": str(record.at),
            "comment": f"{record.writer} {record.number}",
            "value": record.entry,
        }
        for record in records
    ]
    day = datetime.fromtimestamp(records[-1].at if records else 0, UTC).date().isoformat()
    event = {
        "uuid": str(_uuids(records)),
        "info": "Audit log",
        "date": day,
        "distribution": "0",
        "threat_level_id": "4",
        "analysis": "2",
        "Tag": [{"name": misp_tag(_LABEL)}],
        "Attribute": attributes,
    }
    return json.dumps({"Event": event}, indent=2) + "\n"


FORMATS: Final[Mapping[str, Callable[[Sequence[Record]], str]]] = {
    "jsonl": jsonl,
    "csv": as_csv,
    "stix": stix,
    "misp": misp,
}


def _about(record: Record) -> dict[str, Any]:
    return {"time": _time(record.at), "writer": record.writer, "number": record.number} | record.said


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _uuid(record: Record) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{record.writer}/{record.number}/{record.mac}")


def _uuids(records: Sequence[Record]) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, "/".join(record.mac for record in records))
