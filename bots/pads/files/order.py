"""What is asked of a pad's file, and which kinds there are; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from belisha.tlp import Label

#: What no file has: control characters, what turns the direction of writing, halves of surrogate pairs, and what XML
#: (1.0, 2.2) has no place for.
_NOWHERE: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


class Kind(StrEnum):
    """The kinds of files, by how their names end."""

    MARKDOWN = "md"
    HTML = "html"
    WORD = "docx"
    PDF = "pdf"


#: What each is called.
NAMES: Final[Mapping[Kind, str]] = {
    Kind.PDF: "PDF",
    Kind.WORD: "a Word document",
    Kind.HTML: "a web page",
    Kind.MARKDOWN: "Markdown",
}
#: The media type of each.
MEDIA_TYPES: Final[Mapping[Kind, str]] = {
    Kind.MARKDOWN: "text/markdown",
    Kind.HTML: "text/html",
    Kind.WORD: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Kind.PDF: "application/pdf",
}
#: How each begins, by which a process that has written something else is found out.
BEGINS: Final[Mapping[Kind, bytes]] = {
    Kind.HTML: b"<!DOCTYPE html>",
    Kind.WORD: b"PK\x03\x04",
    Kind.PDF: b"%PDF-",
}


class Order(NamedTuple):
    """A file that is to be written.

    Attributes:
        kind: of which kind.
        title: what the pad is called.
        text: what stands in it, as Markdown.
        label: the strictest of the pad's and its text's.
        community: the community's name.
        at: when, in ISO 8601 with its zone.
        by: the name of who takes it away; empty where the label does not ask for that.
        user_id: their user id; empty likewise.
    """

    kind: Kind
    title: str
    text: str
    label: Label
    community: str
    at: str
    by: str = ""
    user_id: str = ""

    @property
    def note(self) -> str:
        """Who has taken it away and when; empty where the label does not ask for that."""
        return f"Downloaded by {self.by}, {self.user_id}, {self.moment}" if self.user_id else ""

    @property
    def moment(self) -> str:
        """When, as it is printed."""
        return f"{datetime.fromisoformat(self.at).astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    def as_json(self) -> dict[str, str]:
        """The order as a JSON object."""
        return {**self._asdict(), "label": str(self.label), "kind": self.kind.value}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Order:
        """The order that a JSON object holds.

        Raises:
            ValueError: it holds none.
        """
        label = Label.parse(raw.get("label"))
        texts = {name: raw.get(name) for name in ("title", "text", "community", "at", "by", "user_id")}
        if label is None or not all(isinstance(one, str) for one in texts.values()):
            raise ValueError("no order")
        return cls(kind=Kind(str(raw.get("kind"))), label=label, **{name: str(one) for name, one in texts.items()})


def tidy(text: str) -> str:
    """The text without what no file has, and with one kind of line's end."""
    return _NOWHERE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def as_markdown(order: Order) -> bytes:
    """The text as it was written, with its label before and behind it."""
    foot = f"{order.label}\n\n{order.note}".strip() if order.note else str(order.label)
    return f"{order.label}\n\n{tidy(order.text).strip()}\n\n{foot}\n".encode()
