"""The acts that members are let do, as plain values: readable in a report, and each shrinks by itself.

Who and what an act is about is named by a place in a list, taken round, so that a shortened script still makes sense.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from hypothesis import strategies as st

from tests.synapse.stateful.arena import NAMES, ORGANISATIONS
from tests.synapse.stateful.model import Kind, Label

#: How a text can be worded (TLP.md), with the label that it claims; None claims none, "wrong" must be refused.
WORDINGS: Final[tuple[tuple[str, Label | str | None], ...]] = (
    ("{}", None),
    ("what do the TLP:RED rules say about {}?", None),
    ("TLP:CLEAR {}", Label.CLEAR),
    ("tlp:white {}", Label.CLEAR),
    ("TLP:GREEN {}", Label.GREEN),
    ("({}", None),
    ("(TLP:GREEN) {}", Label.GREEN),
    ("TLP-AMBER {}", Label.AMBER),
    ("[TLP:AMBER] {}", Label.AMBER),
    ("{}\n\nTLP: AMBER", Label.AMBER),
    ("TLP:AMBER STRICT {}", Label.STRICT),
    ("TLP:RED {}", Label.RED),
    ("{}\nTLP:RED", Label.RED),
    ("TLP:PURPLE {}", "wrong"),
    ("[AMBER] {}", "wrong"),
    ("\u0422LP:RED {}", "wrong"),
)


class Who(NamedTuple):
    """`way` is in (of those in the room), out, asked (invited or knocking), any, maker, source or steward."""

    way: str
    number: int = 0


class Rest(NamedTuple):
    """Nothing: what every script shrinks to."""


class Make(NamedTuple):
    who: Who
    kind: Kind
    organisations: tuple[str, ...]
    others: tuple[int, ...]


class Enter(NamedTuple):
    how: str
    who: Who
    room: int
    target: int


class Send(NamedTuple):
    who: Who
    room: int
    what: str
    wording: int
    key: Label | str | None


class Reply(NamedTuple):
    who: Who
    item: int
    how: str
    wording: int


class Edit(NamedTuple):
    who: Who
    item: int
    wording: int
    key: Label | str | None


class Relabel(NamedTuple):
    who: Who
    item: int
    label: Label


class Redact(NamedTuple):
    who: Who
    item: int
    what: str


class React(NamedTuple):
    who: Who
    item: int
    key: str


class Poll(NamedTuple):
    who: Who
    item: int
    what: str


class Change(NamedTuple):
    room: int
    kind: Kind
    organisations: tuple[str, ...]


class Stand(NamedTuple):
    what: str
    number: int
    is_frozen: bool


class Freeze(NamedTuple):
    room: int
    is_frozen: bool


class Choose(NamedTuple):
    number: int
    choice: str


class Move(NamedTuple):
    number: int
    organisation: int


class Role(NamedTuple):
    number: int
    role: str


class Name(NamedTuple):
    who: Who
    room: int
    what: str
    text: str


class Tamper(NamedTuple):
    who: Who
    room: int
    number: int


class Grant(NamedTuple):
    who: Who
    room: int
    target: int
    level: int


class Malformed(NamedTuple):
    who: Who
    room: int
    number: int


class Introduce(NamedTuple):
    who: int
    one: int
    other: int


class Agree(NamedTuple):
    """To one of the newest introductions; `is_asked` where it is one of those who are asked."""

    who: int
    meeting: int
    is_asked: bool


Step = (
    Rest | Make | Enter | Send | Reply | Edit | Relabel | Redact | React | Poll | Change | Stand | Freeze | Choose
    | Move | Role | Name | Tamper | Grant | Malformed | Introduce | Agree
)  # fmt: skip

_SMALL: Final = st.integers(0, 11)
_PERSON: Final = st.integers(0, len(NAMES) - 1)


def _who(*ways: str) -> st.SearchStrategy[Who]:
    return st.builds(Who, st.sampled_from(ways), st.integers(0, 5))


_IN: Final = _who("in", "in", "in", "in", "any")
_SOURCE: Final = _who("source", "source", "source", "in", "steward")
_MAKER: Final = _who("maker", "maker", "maker", "in", "any")
_WORDING: Final = st.integers(0, len(WORDINGS) - 1)
_KEY: Final = st.sampled_from((None, None, None, None, *Label, "wrong"))
_LISTED: Final = st.lists(st.sampled_from(ORGANISATIONS), max_size=2, unique=True).map(tuple)
_KINDS: Final = st.sampled_from((Kind.CLOSED, Kind.CLOSED, Kind.OPEN, Kind.NAMED, Kind.SERVICE))

_SEND: Final = st.builds(
    Send, _IN, _SMALL, st.sampled_from("text text html sticker poll file encrypted unknown state".split()),
    _WORDING, _KEY,
)  # fmt: skip
_REPLY: Final = st.builds(
    Reply, _IN, _SMALL, st.sampled_from(("reply", "reply", "thread", "elsewhere", "unknown", "reaction")), _WORDING
)
_EDIT: Final = st.builds(Edit, _SOURCE, _SMALL, _WORDING, _KEY)
_RELABEL: Final = st.builds(Relabel, _SOURCE, _SMALL, st.sampled_from(Label))
_REDACT: Final = st.builds(
    Redact, _SOURCE, _SMALL, st.sampled_from(("item", "item", "item", "edit", "act", "policy", "with a reason"))
)
_ENTER: Final = st.one_of(
    st.builds(Enter, st.sampled_from(("join", "knock")), _who("any", "out", "asked"), _SMALL, _PERSON),
    st.builds(Enter, st.sampled_from(("invite", "kick", "ban", "unban", "invite")), _MAKER, _SMALL, st.integers(0, 6)),
    st.builds(Enter, st.sampled_from(("leave", "leave", "forget")), _who("in", "any", "asked"), _SMALL, _PERSON),
)
_RARE: Final = st.one_of(
    st.builds(Make, _who("any"), _KINDS, _LISTED, st.lists(_PERSON, max_size=3).map(tuple)),
    st.builds(Change, _SMALL, st.sampled_from((Kind.CLOSED, Kind.CLOSED, Kind.OPEN)), _LISTED),
    st.builds(Change, _SMALL, st.sampled_from((Kind.CLOSED, Kind.OPEN, Kind.OPEN)), _LISTED),
    st.builds(Stand, st.sampled_from(("members", "members", "organisations")), _PERSON, st.booleans()),
    st.builds(Freeze, _SMALL, st.sampled_from((True, False, False))),
    st.builds(Choose, _PERSON, st.sampled_from(("anyone", "my-groups", "introductions"))),
    st.builds(Move, _PERSON, st.integers(0, 2)),
    st.builds(Role, _PERSON, st.sampled_from(("member", "steward", "lead"))),
    st.builds(Name, _MAKER, _SMALL, st.sampled_from(("name", "topic")), st.sampled_from(("Tides", "TLP:AMBER Tides"))),
    st.builds(Tamper, _MAKER, _SMALL, st.integers(0, 30)),
    st.builds(Tamper, _MAKER, _SMALL, st.integers(0, 30)),
    st.builds(Grant, _MAKER, _SMALL, st.integers(0, 6), st.sampled_from((0, 50, 95, 100))),
    st.builds(Malformed, _IN, _SMALL, st.integers(0, 30)),
    st.builds(React, _IN, _SMALL, st.sampled_from(("👍", "TLP:RED it is", "x" * 200))),
    st.builds(Poll, _IN, _SMALL, st.sampled_from(("response", "end"))),
)

#: Any act; those that the rules are about most come most often. (`one_of` would take nested ones apart.)
STEPS: Final[st.SearchStrategy[Step]] = st.sampled_from(
    (
        st.just(Rest()),
        _SEND,
        _SEND,
        _REPLY,
        _REPLY,
        _EDIT,
        _RELABEL,
        _RELABEL,
        _REDACT,
        _ENTER,
        _ENTER,
        _ENTER,
        _RARE,
        _RARE,
        _RARE,
    )
).flatmap(lambda steps: steps)

_AGREE: Final = st.builds(Agree, _SMALL, st.integers(0, 2), st.sampled_from((True, True, True, False)))
#: The acts about introductions, among those that they can be in the way of.
MEETINGS: Final[st.SearchStrategy[Step]] = st.sampled_from(
    (
        st.just(Rest()),
        st.builds(Introduce, _PERSON, _PERSON, _PERSON),
        st.builds(Introduce, _PERSON, _PERSON, _PERSON),
        _AGREE,
        _AGREE,
        _AGREE,
        _SEND,
        _ENTER,
        st.builds(Stand, st.just("members"), _PERSON, st.sampled_from((True, False, False))),
        st.builds(Choose, _PERSON, st.sampled_from(("anyone", "my-groups", "introductions"))),
    )
).flatmap(lambda steps: steps)
#: All of them, for long runs.
EVERYTHING: Final[st.SearchStrategy[Step]] = st.sampled_from((STEPS, STEPS, STEPS, MEETINGS)).flatmap(
    lambda steps: steps
)

#: What every example begins with: a room of each kind, with people in it.
OPENING: Final[tuple[Step, ...]] = (
    Make(Who("any", 0), Kind.OPEN, (), ()),
    Make(Who("any", 0), Kind.CLOSED, (), (1, 3, 4)),
    Make(Who("any", 2), Kind.CLOSED, ("lighthouse", "dredgers"), (0, 1, 3)),
    Make(Who("any", 3), Kind.NAMED, (), (0, 2, 4)),
    *(Enter("join", Who("any", number), 0, 0) for number in (1, 2, 4)),
    *(Enter("join", Who("any", number), 1, 0) for number in (1, 4)),
    *(Enter("join", Who("any", number), 2, 0) for number in (0, 1)),
    *(Enter("join", Who("any", number), 3, 0) for number in (0, 2)),
)
