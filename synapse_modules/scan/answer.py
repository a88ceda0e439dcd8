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
#: What is asked of a file that is handed over: what is inside it, or what everyone may see of a picture.
INSIDE: Final = b"\0"
PORTRAIT: Final = b"\1"
#: How the pictures begin that are drawn.
_BEGINS: Final = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png"}


def as_line(finding: Finding, kib: int) -> bytes:
    """What the process answers: the finding, and the most memory that it used, in KiB."""
    answer: dict[str, Any] = {**finding.as_json(), "kib": kib}
    return json.dumps(answer).encode() + b"\n"


def picture_in(answer: bytes) -> tuple[str, bytes]:
    """The media type and the bytes of a picture that was drawn.

    Raises:
        ValueError: where it is none: the process ended early, or something else speaks in its place.
    """
    line, _, data = answer.partition(b"\n")
    try:
        said = json.loads(line)
    except RecursionError:
        raise ValueError("no answer") from None
    kind = _BEGINS.get(data[:2])
    if not isinstance(said, dict) or said.get("size") != len(data) or kind is None or said.get("kind") != kind:
        raise ValueError("no answer")
    return kind, data


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
