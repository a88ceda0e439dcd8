"""Poll events: raw Matrix JSON becomes frozen values, or a typed error (MSC3381; matrix-js-sdk 43 as the reference).

Both names of everything are read. Clients write the unstable ones, and so does this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from belisha.events import poll_start_of
from belisha.tlp import without_badge

#: Event types, the one that is written first.
START: Final = ("org.matrix.msc3381.poll.start", "m.poll.start")
RESPONSE: Final = ("org.matrix.msc3381.poll.response", "m.poll.response")
END: Final = ("org.matrix.msc3381.poll.end", "m.poll.end")

#: The most answers that a poll has (MSC3381); clients leave later ones out.
MOST_ANSWERS: Final = 20

_TEXT: Final = "org.matrix.msc1767.text"
_DISCLOSED: Final = "org.matrix.msc3381.poll.disclosed"
_KINDS_DISCLOSED: Final = frozenset({_DISCLOSED, "m.disclosed", "m.poll.disclosed"})


class MalformedPoll(ValueError):
    """What an event holds is no poll, no vote or no end; `str()` says why in a sentence, without quoting it."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of a poll's answers."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Start:
    """A poll; `sent_at` in milliseconds since 1970."""

    event_id: str
    sender: str
    sent_at: int
    question: str
    options: tuple[Option, ...]
    most: int = 1
    """How many answers one voter may choose."""
    disclosed: bool = True
    """Whether clients show the counts before the end."""
    anonymous: bool = False
    """Whether it is voted on the portal, and no vote ever is an event (see `card`)."""


@dataclass(frozen=True, slots=True)
class Response:
    """One vote; `sent_at` in milliseconds since 1970, `order` is its place among those of that moment."""

    sender: str
    sent_at: int
    answers: tuple[str, ...] | None
    """The ids of the answers; None where the event says none that could be read, which spoils the vote."""
    order: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """An end, valid or not."""

    sender: str
    sent_at: int


def parse_start(raw: Mapping[str, Any]) -> Start:
    """Reads the start of a poll.

    Args:
        raw: the event, with `event_id`, `sender`, `origin_server_ts`, `type` and `content`.

    Raises:
        MalformedPoll: it is none.
    """
    if raw.get("type") not in START:
        raise MalformedPoll("The event is not the start of a poll.")
    content = _content(raw)
    start = poll_start_of(content)
    if start is None:
        raise MalformedPoll("The event holds no poll; it may have been taken back.")
    question = start.get("question")
    asked = _text_of(question) if isinstance(question, Mapping) else None
    if asked is None:
        raise MalformedPoll("The poll has no question.")
    listed = start.get("answers")
    options = [_option(one) for one in listed[:MOST_ANSWERS]] if isinstance(listed, list) else []
    if not options:
        raise MalformedPoll("The poll has no answers.")
    known = {one.id: one for one in reversed(options)}  # of two with one id, clients find the first
    most = start.get("max_selections")
    return Start(
        event_id=_text(raw, "event_id"),
        sender=_text(raw, "sender"),
        sent_at=_moment(raw),
        question=without_badge(asked),
        options=tuple(one for one in options if known[one.id] is one),
        most=most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else 1,
        disclosed=start.get("kind") in _KINDS_DISCLOSED,
    )


def parse_response(raw: Mapping[str, Any], poll: str, order: int = 0) -> Response:
    """Reads a vote in a poll; one whose answers cannot be read is a spoiled vote, as clients have it.

    Raises:
        MalformedPoll: it is no vote, or one in another poll.
    """
    if raw.get("type") not in RESPONSE or poll_of(_content(raw)) != poll:
        raise MalformedPoll("The event is no vote in this poll.")
    content = _content(raw)
    given: object = content.get("m.selections")
    for key in RESPONSE:
        held = content.get(key)
        if isinstance(held, Mapping):
            given = held.get("answers")
            break
    is_read = isinstance(given, list) and given and all(isinstance(one, str) for one in given)
    answers = tuple(given) if is_read and isinstance(given, list) else None
    return Response(_text(raw, "sender"), _moment(raw), answers, order)


def parse_end(raw: Mapping[str, Any], poll: str) -> End:
    """Reads the end of a poll; whether its sender may end it is for others to say.

    Raises:
        MalformedPoll: it is none, or that of another poll.
    """
    if raw.get("type") not in END or poll_of(_content(raw)) != poll:
        raise MalformedPoll("The event is not the end of this poll.")
    return End(_text(raw, "sender"), _moment(raw))


def poll_of(content: Mapping[str, Any]) -> str | None:
    """The poll that a vote or an end refers to; None where it refers to none."""
    relates = content.get("m.relates_to")
    if not isinstance(relates, Mapping) or relates.get("rel_type") != "m.reference":
        return None
    target = relates.get("event_id")
    return target if isinstance(target, str) else None


def start_content(question: str, options: Sequence[str], most: int = 1) -> dict[str, Any]:
    """The content of a poll as Element writes it; its answers are known by their places, from 1."""
    spelt_out = "\n".join([question, *(f"{place}. {text}" for place, text in enumerate(options, start=1))])
    return {
        START[0]: {
            "question": {_TEXT: question, "body": question, "msgtype": "m.text"},
            "kind": _DISCLOSED,
            "max_selections": most,
            "answers": [{"id": str(place), _TEXT: text} for place, text in enumerate(options, start=1)],
        },
        _TEXT: spelt_out,
    }


def end_content(poll: str, words: str) -> dict[str, Any]:
    """The content of a poll's end, with words for clients that know no polls."""
    return {
        END[0]: {},
        "m.relates_to": {"rel_type": "m.reference", "event_id": poll},
        _TEXT: words,
    }


def _option(raw: object) -> Option:
    if not isinstance(raw, Mapping):
        raise MalformedPoll("An answer of the poll is not an object.")
    key = raw.get("id", raw.get("m.id"))
    text = _text_of(raw)
    if not isinstance(key, str) or text is None:
        raise MalformedPoll("An answer of the poll has no id or no text.")
    return Option(key, text)


def _text_of(raw: Mapping[str, Any]) -> str | None:
    """The plain text of an extensible one (MSC1767), under any of its names."""
    for key in (_TEXT, "m.text", "body"):
        value = raw.get(key)
        if isinstance(value, str):
            return value
        for entry in value if isinstance(value, list) else ():
            is_plain = isinstance(entry, Mapping) and entry.get("mimetype", "text/plain") == "text/plain"
            if is_plain and isinstance(entry.get("body"), str):
                return str(entry["body"])
    return None


def _content(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    content = raw.get("content")
    return content if isinstance(content, Mapping) else {}


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str):
        raise MalformedPoll(f"The event has no `{key}`.")
    return value


def _moment(raw: Mapping[str, Any]) -> int:
    value = raw.get("origin_server_ts")
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedPoll("The event has no time.")
    return value
