"""What Synapse and the process that reads files say to each other; loads nothing that reads files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from belisha.inside import Finding
from belisha.tlp import Label

Markings = Mapping[str, Label | None]
#: Of a message, in bytes; the first one has the markings.
LARGEST: Final = 64 * 1024


def as_line(finding: Finding, kib: int) -> bytes:
    """What the process answers: the finding, and the most memory that it used, in KiB."""
    answer: dict[str, Any] = {**finding.as_json(), "kib": kib}
    return json.dumps(answer).encode() + b"\n"


def from_line(line: bytes) -> tuple[Finding, int]:
    """The finding and the memory that a line holds.

    Raises:
        ValueError: where it is none: the process ended early, or something else speaks in its place.
    """
    try:
        answer = json.loads(line)
    except RecursionError:
        raise ValueError("no answer") from None
    if not isinstance(answer, dict) or not isinstance(kib := answer.pop("kib", None), int):
        raise ValueError("no answer")
    return Finding.from_json(answer), kib
