"""Content that no client should send: what goes wrong in it, the event type, the content."""

from __future__ import annotations

from typing import Any

from tests.support.community import LABEL_KEY
from tests.synapse.samples import HTML, MXC, text

Json = dict[str, Any]

_MESSAGE = "m.room.message"
_POLL = "org.matrix.msc3381.poll.start"
_WRONG: tuple[Any, ...] = (7, -1, True, None, "x", "", [], ["x"], [[]], {}, {"x": {"y": []}}, 2**53)


def nested(depth: int, *, in_list: bool = False) -> Any:
    """Objects in objects, `depth` of them; or lists in lists."""
    value: Any = "TLP:GREEN deep"
    for _ in range(depth):
        value = [value] if in_list else {"body": value}
    return value


def raw(deep: str) -> bytes:
    """A message with JSON in it that Python could not write."""
    return b'{"msgtype":"m.text","body":"x","deep":%s}' % deep.encode()


def _many(what: str, key: str, make: Any, values: tuple[Any, ...] = _WRONG) -> list[tuple[str, str, Any]]:
    return [(f"{what} {value!r}"[:60], _MESSAGE, make(key, value)) for value in values]


def _relation(value: Any, rel_type: Any = "m.thread") -> Json:
    return text("x", **{"m.relates_to": {"rel_type": rel_type, "event_id": value}})


def _reply(value: Any) -> Json:
    return text("x", **{"m.relates_to": {"m.in_reply_to": {"event_id": value}}})


def _poll(question: Any, answers: Any, **more: Any) -> tuple[str, Json]:
    return _POLL, {"org.matrix.msc1767.text": "?", _POLL: {"question": question, "answers": answers, **more}}


_TO_X = {"rel_type": "m.annotation", "event_id": "$x"}
_ANSWERS = [{"id": "a", "org.matrix.msc1767.text": "Yes"}]
_QUESTION = {"org.matrix.msc1767.text": "Go?"}

CASES: list[tuple[str, str, Any]] = [
    *_many("label", LABEL_KEY, lambda key, value: text("x", **{key: value})),
    *_many("label's name", LABEL_KEY, lambda key, value: text("x", **{key: {"label": value}})),
    *_many("label of an edit", LABEL_KEY, lambda key, value: text("x", **{"m.new_content": text("y", **{key: value})})),
    *_many("m.relates_to", "m.relates_to", lambda key, value: text("x", **{key: value})),
    *_many("event_id", "", lambda _key, value: _relation(value)),
    *_many("event_id of an edit", "", lambda _key, value: _relation(value, "m.replace")),
    *_many("rel_type", "", lambda _key, value: _relation("$x", value)),
    *_many("m.in_reply_to", "", lambda _key, value: text("x", **{"m.relates_to": {"m.in_reply_to": value}})),
    *_many("event_id of a reply", "", lambda _key, value: _reply(value)),
    *_many("body", "body", lambda key, value: {"msgtype": "m.text", key: value}),
    *_many("msgtype", "msgtype", lambda key, value: {"body": "x", key: value}),
    *_many("formatted_body", "formatted_body", lambda key, value: text("x", **{"format": HTML, key: value})),
    *_many("format", "format", lambda key, value: text("x", **{key: value, "formatted_body": "<b>x</b>"})),
    *_many("filename", "filename", lambda key, value: {"msgtype": "m.file", "body": "x", "url": MXC, key: value}),
    *_many("url", "url", lambda key, value: {"msgtype": "m.file", "body": "x", key: value}),
    *_many("file", "file", lambda key, value: {"msgtype": "m.file", "body": "x", key: value}),
    *_many("info", "info", lambda key, value: {"msgtype": "m.image", "body": "x", "url": MXC, key: value}),
    *_many("m.new_content", "m.new_content", lambda key, value: text("x", **{key: value})),
    *_many("m.mentions", "m.mentions", lambda key, value: text("x", **{key: value})),
    *_many("extensible text", "m.text", lambda key, value: text("x", **{key: value})),
    *_many("older extensible text", "org.matrix.msc1767.text", lambda key, value: text("x", **{key: value})),
    *[(f"whole content {value!r}", _MESSAGE, value) for value in (7, None, "x", [], ["x"], True)],
    ("body missing", _MESSAGE, {"msgtype": "m.text"}),
    ("msgtype missing", _MESSAGE, {"body": "x"}),
    ("nothing", _MESSAGE, {}),
    ("fractions", _MESSAGE, text("x", number=1.5)),
    ("number beyond what JSON agrees on", _MESSAGE, text("x", number=2**70)),
    ("200 objects deep", _MESSAGE, text("x", deep=nested(200))),
    ("200 lists deep", _MESSAGE, text("x", **{"m.text": nested(200, in_list=True)})),
    ("200 deep label", _MESSAGE, text("x", **{LABEL_KEY: nested(200)})),
    ("200 deep relation", _MESSAGE, text("x", **{"m.relates_to": nested(200)})),
    ("2,000 objects deep", _MESSAGE, raw('{"body":' * 2000 + '"x"' + "}" * 2000)),
    ("2,000 lists deep", _MESSAGE, raw("[" * 2000 + "]" * 2000)),
    ("500 objects deep", _MESSAGE, raw('{"body":' * 500 + '"x"' + "}" * 500)),
    ("900 objects deep", _MESSAGE, raw('{"body":' * 900 + '"x"' + "}" * 900)),
    ("NUL in the body", _MESSAGE, text("a\x00b")),
    ("NUL before a marker", _MESSAGE, text("\x00TLP:GREEN b")),
    ("NUL in HTML", _MESSAGE, text("x", format=HTML, formatted_body="<b\x00>x</b>\x00")),
    ("NUL in a key", _MESSAGE, text("x", **{"a\x00b": 1})),
    ("NUL in an event id", _MESSAGE, _relation("$\x00")),
    ("control characters", _MESSAGE, text("".join(map(chr, range(32))))),
    ("lone surrogate", _MESSAGE, text("a\ud800b")),
    ("lone low surrogate", _MESSAGE, text("\udfffb")),
    ("lone surrogate in HTML", _MESSAGE, text("x", format=HTML, formatted_body="<b>\ud800</b>")),
    ("lone surrogate in a key", _MESSAGE, text("x", **{"\ud800": 1})),
    ("lone surrogate in a label", _MESSAGE, text("x", **{LABEL_KEY: {"label": "\ud800"}})),
    ("lone surrogate in an event id", _MESSAGE, _relation("$\ud800")),
    ("lone surrogate in the event id of a reply", _MESSAGE, _reply("$\ud800")),
    ("lone surrogate in a reaction", "m.reaction", {"m.relates_to": {**_TO_X, "key": "\ud800"}}),
    ("lone surrogate in a redaction", "m.room.redaction", {"redacts": "$\ud800", "reason": "\ud800"}),
    ("huge key", _MESSAGE, text("x", **{"k" * 30_000: 1})),
    ("many keys", _MESSAGE, text("x", **{f"k{number}": number for number in range(3000)})),
    ("many relations", _MESSAGE, text("x", **{"m.relates_to": {f"k{number}": _TO_X for number in range(999)}})),
    ("long event id", _MESSAGE, _reply("$" + "x" * 5000)),
    ("10,000 open tags", _MESSAGE, text("x", format=HTML, formatted_body="<b>" * 10_000)),
    ("10,000 brackets", _MESSAGE, text("[" * 10_000 + "TLP:GREEN")),
    ("10,000 badges", _MESSAGE, text("[TLP:GREEN] " * 4_000)),
    ("1,000 badges in HTML", _MESSAGE, text("x", format=HTML, formatted_body="<span>[TLP:GREEN]</span> " * 1_000)),
    ("unclosed HTML", _MESSAGE, text("x", format=HTML, formatted_body="<span color='#000'>[TLP:CLEAR] <p <!-- ")),
    ("sticker without a body", "m.sticker", {"url": MXC}),
    ("sticker that is a message", "m.sticker", {"url": MXC, "msgtype": "m.image"}),
    ("sticker that is formatted", "m.sticker", {"body": "x", "msgtype": "m.text", "formatted_body": 7}),
    ("sticker with a number", "m.sticker", {"body": 7, "url": MXC}),
    ("encrypted with a string", "m.room.encrypted", {"ciphertext": 7}),
    ("poll without a poll", _POLL, {"body": "x"}),
    *[(f"poll is {value!r}"[:60], _POLL, {_POLL: value}) for value in _WRONG],
    *[(f"question is {value!r}"[:60], *_poll(value, _ANSWERS)) for value in _WRONG],
    *[(f"answers are {value!r}"[:60], *_poll(_QUESTION, value)) for value in _WRONG],
    *[(f"an answer is {value!r}"[:60], *_poll(_QUESTION, [value])) for value in _WRONG],
    *[(f"an answer's text is {value!r}"[:60], *_poll(_QUESTION, [{"id": "a", "m.text": value}])) for value in _WRONG],
    ("final poll's texts", "m.poll.start", {"m.poll": {"question": {"m.text": [7, {"body": 7}, {"body": "x"}, []]}}}),
    ("final poll is a list", "m.poll.start", {"m.poll": [], "m.text": {}}),
    ("poll end without its poll", "m.poll.end", {"m.text": "Over"}),
    *[(f"poll end of {value!r}"[:60], "m.poll.end", {"m.relates_to": value}) for value in _WRONG],
    ("vote for a number", "m.poll.response", {"m.relates_to": 7, "m.selections": "a"}),
    ("redaction of a number", "m.room.redaction", {"redacts": 7}),
    ("redaction without a target", "m.room.redaction", {}),
    ("reaction without a relation", "m.reaction", {}),
    ("reaction to a list", "m.reaction", {"m.relates_to": []}),
]  # fmt: skip
