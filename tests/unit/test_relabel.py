"""Relabel acts over every room, label, actor and history, against a model written from the design alone."""

from __future__ import annotations

import itertools

import pytest

from belisha.events import LONGEST_REASON, MalformedEvent, RelabelAct, UnknownLabel, relabel_act
from belisha.policy.relabel import decide_relabel, raised_from_after, still_lowers
from belisha.policy.rooms import Kind, Room, room_of
from belisha.policy.types import CONTENT, NEVER_REDACTED, PROTOCOL, RELABEL
from belisha.tlp import Label
from tests.support.community import assert_sentence

ROOMS = (
    *(room_of(kind) for kind in Kind if kind is not Kind.SPACE),
    room_of(Kind.CLOSED, ("harbour",)),
    *(Room(Kind.CLOSED, Label.GREEN, ceiling) for ceiling in Label),
)
#: (is_source, is_steward)
ACTORS = tuple(itertools.product((False, True), repeat=2))


def expected(room: Room, label: Label, asked: Label, actor: tuple[bool, bool], raised_from: Label | None) -> str | None:
    """The code of the refusal that DESIGN's L3 and L4 ask for, None where the act is allowed."""
    is_source, is_steward = actor
    if asked == label:
        return "SAME_LABEL"
    if not (is_source or is_steward):
        return "NOT_YOURS"
    if asked > label:
        return "ABOVE_CEILING" if asked > room.ceiling else None
    if raised_from is None:
        return None if is_source else "NOT_YOURS"
    if is_source:
        return "RAISED_BY_STEWARD"
    return "NOT_YOURS" if asked < raised_from else None


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: f"{room.kind}-{room.ceiling}")
def test_every_act(room: Room) -> None:
    for label, asked, actor, raised_from in itertools.product(Label, Label, ACTORS, (None, *Label)):
        is_source, is_steward = actor
        decision = decide_relabel(
            room, label, asked, is_source=is_source, is_steward=is_steward, raised_from=raised_from
        )
        code = expected(room, label, asked, actor, raised_from)
        assert decision.code == code, (label, asked, actor, raised_from)
        assert decision.allowed == (code is None)
        assert decision.rule == ("L3" if code == "ABOVE_CEILING" else "L4")
        assert_sentence(decision.reason)
        assert decision.label == asked
        if decision.allowed:
            assert decision.by == "relabel"
            assert asked <= max(room.ceiling, label)
            assert still_lowers(label, asked, by_steward=not is_source, raised_from=raised_from)


@pytest.mark.parametrize("asked", [label for label in Label if label > Label.CLEAR])
def test_a_refusal_above_the_ceiling_says_where_the_item_can_go(asked: Label) -> None:
    room = Room(Kind.CLOSED, Label.CLEAR, Label.CLEAR)
    decision = decide_relabel(room, Label.CLEAR, asked, is_source=True, is_steward=False, raised_from=None)
    assert decision.code == "ABOVE_CEILING"
    assert "redact it here" in decision.reason


def test_a_chain_of_acts_never_lowers_below_what_the_source_gave() -> None:
    """Every sequence of four acts that are allowed: a steward alone can never get below the source's own label."""
    room = room_of(Kind.NAMED)
    for start in Label:
        reached = {(start, None)}
        for _ in range(4):
            following = set()
            for (label, raised_from), asked in itertools.product(reached, Label):
                decision = decide_relabel(room, label, asked, is_source=False, is_steward=True, raised_from=raised_from)
                if decision.allowed:
                    after = raised_from_after(label, asked, by_steward=True, raised_from=raised_from)
                    following.add((asked, after))
            reached |= following
            assert all(label >= start for label, _ in reached)
            assert all((raised_from is None) == (label == start) for label, raised_from in reached)


def test_a_lowering_that_another_raise_overtook_counts_no_more() -> None:
    assert not still_lowers(Label.RED, Label.GREEN, by_steward=False, raised_from=Label.AMBER)
    assert not still_lowers(Label.RED, Label.GREEN, by_steward=True, raised_from=Label.AMBER)
    assert still_lowers(Label.RED, Label.AMBER, by_steward=True, raised_from=Label.AMBER)
    assert still_lowers(Label.AMBER, Label.RED, by_steward=False, raised_from=Label.GREEN)


def test_the_type_is_a_protocol_type_that_is_kept() -> None:
    assert RELABEL in PROTOCOL - CONTENT
    assert RELABEL in NEVER_REDACTED


ITEM = {"rel_type": "m.reference", "event_id": "$item"}


def test_an_act_is_read() -> None:
    content = {"m.relates_to": ITEM, "label": "tlp:white", "reason": "It is public now"}
    assert relabel_act(content) == RelabelAct("$item", Label.CLEAR, "It is public now")
    assert relabel_act({"m.relates_to": ITEM, "label": "TLP:RED"}).reason is None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"label": "TLP:RED"},
        {"m.relates_to": [], "label": "TLP:RED"},
        {"m.relates_to": {**ITEM, "rel_type": "m.thread"}, "label": "TLP:RED"},
        {"m.relates_to": {**ITEM, "event_id": "item"}, "label": "TLP:RED"},
        {"m.relates_to": {"rel_type": "m.reference"}, "label": "TLP:RED"},
        {"m.relates_to": ITEM},
        {"m.relates_to": ITEM, "label": 4},
        {"m.relates_to": ITEM, "label": "TLP:RED", "reason": ["why"]},
        {"m.relates_to": ITEM, "label": "TLP:RED", "reason": "x" * (LONGEST_REASON + 1)},
    ],
)
def test_a_malformed_act_is_an_outcome(content: dict[str, object]) -> None:
    with pytest.raises(MalformedEvent) as told:
        relabel_act(content)
    assert_sentence(str(told.value))


def test_an_unknown_label_is_an_outcome() -> None:
    with pytest.raises(UnknownLabel):
        relabel_act({"m.relates_to": ITEM, "label": "TLP:PURPLE"})
