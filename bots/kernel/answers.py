"""Answers of bots: written once, sent as plain text and as HTML, where the question was asked."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bots.kernel.events import Event


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Words to be typed as they stand."""

    text: str


Words = str | Strong | Typed


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """A list, a line for each."""

    lines: tuple[tuple[Words, ...], ...]


Block = Paragraph | Points


def paragraph(*words: Words) -> Paragraph:
    """A paragraph of these words."""
    return Paragraph(words)


def points(lines: Sequence[Sequence[Words]]) -> Points:
    """A list of these lines."""
    return Points(tuple(tuple(line) for line in lines))


def notice(blocks: Sequence[Block]) -> dict[str, Any]:
    """The content of a message that answers nothing in particular."""
    return {
        "msgtype": "m.notice",
        "body": "\n\n".join(_plain(block) for block in blocks),
        "format": "org.matrix.custom.html",
        "formatted_body": "".join(_html(block) for block in blocks),
        "m.mentions": {},
    }


def reply(event: Event, blocks: Sequence[Block]) -> dict[str, Any]:
    """The content of an answer to a message, in the thread where that stands in one (specification, Threading)."""
    relation: dict[str, Any] = {"m.in_reply_to": {"event_id": event.event_id}}
    if event.thread is not None:
        relation |= {"rel_type": "m.thread", "event_id": event.thread, "is_falling_back": False}
    return notice(blocks) | {"m.relates_to": relation, "m.mentions": {"user_ids": [event.sender]}}


def _plain(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _plain_line(block.words)
    return "\n".join(f"• {_plain_line(line)}" for line in block.lines)


def _plain_line(words: Sequence[Words]) -> str:
    return "".join(word if isinstance(word, str) else word.text for word in words)


def _html(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{_html_line(block.words)}</p>"
    return f"<ul>{''.join(f'<li>{_html_line(line)}</li>' for line in block.lines)}</ul>"


def _html_line(words: Sequence[Words]) -> str:
    return "".join(_html_word(word) for word in words)


def _html_word(word: Words) -> str:
    if isinstance(word, str):
        return html.escape(word)
    tag = "strong" if isinstance(word, Strong) else "code"
    return f"<{tag}>{html.escape(word.text)}</{tag}>"
