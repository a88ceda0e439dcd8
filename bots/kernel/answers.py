"""Answers of bots: written once, sent as plain text and as HTML, where the question was asked."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from bots.kernel.events import Event

#: From so many characters on an answer is too long to stand in the middle of a group's conversation.
_LONG = 700


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that stand out."""

    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Words to be typed as they stand."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to an address; where only plain text is shown, it stands behind them."""

    text: str
    address: str


Words = str | Strong | Typed | Link


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """A list, a line for each."""

    lines: tuple[tuple[Words, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under heads; each row begins with what it is about."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Paragraph | Points | Table


def paragraph(*words: Words) -> Paragraph:
    """A paragraph of these words."""
    return Paragraph(words)


def say(template: str, **words: Words | tuple[Words, ...] | int) -> Paragraph:
    """A paragraph of a sentence with `{places}`, into which whole words are put as they are; for translation."""
    found: list[Words] = []
    for text, name, _spec, _conversion in Formatter().parse(template):
        if text:
            found.append(text)
        if name is not None:
            word = words[name]
            found += word if isinstance(word, tuple) else (str(word) if isinstance(word, int) else word,)
    return Paragraph(tuple(found))


def points(lines: Sequence[Sequence[Words]]) -> Points:
    """A list of these lines."""
    return Points(tuple(tuple(line) for line in lines))


def plain(blocks: Sequence[Block]) -> str:
    """An answer as plain text."""
    return "\n\n".join(_plain(block) for block in blocks)


def in_html(blocks: Sequence[Block]) -> str:
    """An answer as HTML; everything in it is escaped."""
    return "".join(_html(block) for block in blocks)


def notice(blocks: Sequence[Block]) -> dict[str, Any]:
    """The content of a message that answers nothing in particular."""
    return {
        "msgtype": "m.notice",
        "body": plain(blocks),
        "format": "org.matrix.custom.html",
        "formatted_body": in_html(blocks),
        "m.mentions": {},
    }


def frame_of(event: Event) -> dict[str, Any]:
    """What ties an answer to the message it answers, in its thread if there is one (specification, Threading)."""
    relation: dict[str, Any] = {"m.in_reply_to": {"event_id": event.event_id}}
    if event.thread is not None:
        relation |= {"rel_type": "m.thread", "event_id": event.thread, "is_falling_back": False}
    return {"m.relates_to": relation, "m.mentions": {"user_ids": [event.sender]}}


def framed(blocks: Sequence[Block], frame: Mapping[str, Any], *, in_group: bool = False) -> dict[str, Any]:
    """The content of an answer; in a group a long one opens a thread, so that it does not push everything else away."""
    content = notice(blocks) | dict(frame)
    relation = frame.get("m.relates_to")
    if in_group and relation and "rel_type" not in relation and len(content["body"]) > _LONG:
        root = relation["m.in_reply_to"]["event_id"]
        content["m.relates_to"] = {**relation, "rel_type": "m.thread", "event_id": root, "is_falling_back": False}
    return content


def reply(event: Event, blocks: Sequence[Block]) -> dict[str, Any]:
    """The content of an answer to a message."""
    return framed(blocks, frame_of(event))


def _plain(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _plain_line(block.words)
    if isinstance(block, Table):
        return "\n".join(" | ".join(row) for row in (block.heads, *block.rows))
    return "\n".join(f"• {_plain_line(line)}" for line in block.lines)


def _plain_line(words: Sequence[Words]) -> str:
    return "".join(_plain_word(word) for word in words)


def _plain_word(word: Words) -> str:
    if isinstance(word, Link):
        return f"{word.text} ({word.address})"
    return word if isinstance(word, str) else word.text


def _html(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{_html_line(block.words)}</p>"
    if isinstance(block, Table):
        heads = "".join(f"<th>{html.escape(one)}</th>" for one in block.heads)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(one)}</td>' for one in row)}</tr>" for row in block.rows)
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<ul>{''.join(f'<li>{_html_line(line)}</li>' for line in block.lines)}</ul>"


def _html_line(words: Sequence[Words]) -> str:
    return "".join(_html_word(word) for word in words)


def _html_word(word: Words) -> str:
    if isinstance(word, str):
        return html.escape(word)
    if isinstance(word, Link):
        return f'<a href="{html.escape(word.address)}">{html.escape(word.text)}</a>'
    tag = "strong" if isinstance(word, Strong) else "code"
    return f"<{tag}>{html.escape(word.text)}</{tag}>"
