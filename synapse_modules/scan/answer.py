"""What Synapse and the process that reads files say to each other; loads nothing that reads files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from belisha.directory.text import storable
from belisha.inside import Finding
from belisha.stamping import Copy, Order
from belisha.tlp import Label

Markings = Mapping[str, Label | None]
#: Of a message, in bytes; the first one has the markings.
LARGEST: Final = 64 * 1024
#: What is asked of a file that is handed over: what is inside it, what everyone may see of a picture, or its text; or,
#: before an order, a preview. Any other message is the order of a stamped copy, as JSON.
INSIDE: Final = b"\0"
PORTRAIT: Final = b"\1"
PREVIEW: Final = b"\2"
TEXT: Final = b"\3"
#: How the pictures begin that are drawn.
_BEGINS: Final = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png"}


def as_line(finding: Finding, kib: int) -> bytes:
    """What the process answers: the finding, and the most memory that it used, in KiB."""
    answer: dict[str, Any] = {**finding.as_json(), "kib": kib}
    return json.dumps(answer).encode() + b"\n"


def as_picture(kind: str, data: bytes) -> bytes:
    """What the process answers with a picture: its media type and length as one line of JSON, and its bytes."""
    return json.dumps({"kind": kind, "size": len(data)}).encode() + b"\n" + data


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


def as_text(text: str, index: str) -> bytes:
    """What the process answers with a file's text: that, and its words as they are looked for."""
    return json.dumps({"text": text, "index": index}, ensure_ascii=False).encode("utf-8", "replace")


def text_in(answer: bytes) -> tuple[str, str]:
    """The text and the words of a file, as both databases take them.

    Raises:
        ValueError: where there are none: the process ended early, or something else speaks in its place.
    """
    try:
        said = json.loads(answer)
    except RecursionError:
        raise ValueError("no answer") from None
    if not isinstance(said, dict) or not isinstance(text := said.get("text"), str):
        raise ValueError("no answer")
    if not isinstance(index := said.get("index"), str):
        raise ValueError("no answer")
    return storable(text), storable(index)


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


def as_order(order: Order) -> bytes:
    """The message that asks for a stamped copy."""
    return json.dumps(order.as_json()).encode()


def from_order(message: bytes) -> Order:
    """The order that a message holds.

    Raises:
        ValueError: where it holds none.
    """
    return Order.from_json(json.loads(message))


def as_copy(copy: Copy) -> bytes:
    """What the process answers to an order: one line about the copy; then come its bytes before and after."""
    return json.dumps(copy.as_json()).encode() + b"\n"


def from_copy(answer: bytes) -> Copy:
    """The copy that an answer holds.

    Raises:
        ValueError: where it is none: the process ended early, or something else speaks in its place.
    """
    line, _, data = answer.partition(b"\n")
    try:
        about = json.loads(line)
    except RecursionError:
        raise ValueError("no answer") from None
    if not isinstance(about, dict):
        raise ValueError("no answer")
    return Copy.from_json(about, data)
