"""The policy over label × kind × ceiling × source of the label, against a model written from the design alone."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from belisha.markers import MarkerReader
from belisha.policy.cases import Case
from belisha.policy.decide import Claims, decide
from belisha.policy.decision import Verdict
from belisha.policy.rooms import KINDS, Kind, Room, encrypted, from_state, room_of, to_state
from belisha.policy.types import CONTENT, PROTOCOL
from belisha.tlp import Label

CASES = Path(__file__).parents[1] / "cases"
CLAIMED = (None, *Label)
CARRYING = [kind for kind in Kind if kind is not Kind.SPACE]
SOURCES = ("sender", "text", "file", "parent")


@pytest.mark.parametrize("kind", CARRYING)
@pytest.mark.parametrize("ceiling", list(Label))
def test_every_combination(kind: Kind, ceiling: Label) -> None:
    """12,960 combinations for each kind and ceiling: the strictest claim, else the default; never above the ceiling."""
    for default, is_encrypted in itertools.product(Label, (False, True)):
        room = Room(kind, default, ceiling, encrypted=is_encrypted)
        for claimed in itertools.product(CLAIMED, repeat=4):
            decision = decide(room, "m.room.message", Claims(*claimed))
            made = [label for label in claimed if label is not None]
            expected = max(made) if made else default
            assert decision.label == expected
            assert decision.allowed == (expected <= ceiling)
            assert decision.rule == "L3"
            assert (decision.code is None) == decision.allowed
            assert decision.by == (SOURCES[claimed.index(expected)] if made else "room")
            assert str(expected) in decision.reason
            assert str(ceiling) in decision.reason


@pytest.mark.parametrize(("parent", "asked"), list(itertools.product(Label, repeat=2)))
@pytest.mark.parametrize("source", ["explicit", "text"])
def test_an_edit_never_lowers(parent: Label, asked: Label, source: str) -> None:
    room = Room(Kind.NAMED, Label.AMBER, Label.RED)
    decision = decide(room, "m.room.message", Claims(parent=parent, is_edit=True)._replace(**{source: asked}))
    if asked < parent:
        assert (decision.verdict, decision.rule, decision.code) == (Verdict.REFUSE, "L4", "LAXER_EDIT")
    else:
        assert decision.allowed
        assert decision.label == asked


@pytest.mark.parametrize("event_type", sorted(CONTENT))
def test_content_needs_a_policy(event_type: str) -> None:
    decision = decide(None, event_type, Claims(explicit=Label.CLEAR))
    assert (decision.allowed, decision.code) == (False, "NO_POLICY")


@pytest.mark.parametrize("event_type", ["", "m.room.messages", "M.ROOM.MESSAGE", "org.belisha.anything", "com.x.y"])
@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_on_no_list_is_refused(event_type: str, kind: Kind) -> None:
    assert event_type not in CONTENT | PROTOCOL
    decision = decide(room_of(kind), event_type)
    assert (decision.allowed, decision.rule) == (False, "L1")


def test_no_type_is_both_content_and_protocol() -> None:
    assert not CONTENT & PROTOCOL


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("organisations", [(), ("alpha",), ("alpha", "beta")])
def test_the_table_of_kinds(kind: Kind, organisations: tuple[str, ...]) -> None:
    table = {
        Kind.OPEN: ("TLP:GREEN", "TLP:GREEN", "shared"),
        Kind.CLOSED: ("TLP:AMBER", "TLP:AMBER+STRICT" if organisations else "TLP:AMBER", "shared"),
        Kind.NAMED: ("TLP:AMBER", "TLP:RED", "joined"),
        Kind.SERVICE: ("TLP:AMBER", "TLP:AMBER+STRICT", "joined"),
        Kind.SPACE: ("TLP:GREEN", "TLP:GREEN", "shared"),
    }
    room = room_of(kind, organisations)
    assert (str(room.default), str(room.ceiling), KINDS[kind].history[0]) == table[kind]
    assert "world_readable" not in KINDS[kind].history
    assert from_state(to_state(room), is_encrypted=False) == room


def test_an_encrypted_room_defaults_to_its_ceiling() -> None:
    room = encrypted(room_of(Kind.NAMED))
    assert (room.default, room.encrypted) == (Label.RED, True)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "wide"},
        {"kind": None},
        {"default": "TLP:PURPLE"},
        {"ceiling": 4},
        {"organisations": "alpha"},
        {"organisations": [1]},
        {"purpose": "else"},
    ],
)
def test_a_broken_policy_is_no_policy(change: dict[str, object]) -> None:
    assert from_state(to_state(room_of(Kind.CLOSED)) | change, is_encrypted=False) is None


def _cases() -> list[Case]:
    return [Case.parse(raw) for file in sorted(CASES.glob("*.yaml")) for raw in yaml.safe_load(file.read_text())]


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.name)
def test_the_cases_that_are_kept_as_data(case: Case) -> None:
    assert case.expect
    assert case.failures(MarkerReader({"OFFICIAL-SENSITIVE": Label.AMBER, "TOP SECRET": None})) == []


def test_a_case_that_does_not_hold_is_noticed() -> None:
    case = Case.parse({"name": "wrong", "kind": "open", "expect": {"label": "TLP:RED", "verdict": "refuse"}})
    assert len(case.failures(MarkerReader())) == 2


@pytest.mark.parametrize(("is_marked", "words"), [(True, "The file is marked TLP:RED"), (False, "was shared as")])
def test_a_refused_file_says_where_its_label_comes_from(is_marked: bool, words: str) -> None:
    claims = Claims(text=Label.GREEN, file=Label.RED, is_marked=is_marked)
    decision = decide(room_of(Kind.CLOSED), "m.room.message", claims)
    assert (decision.code, decision.label) == ("ABOVE_CEILING", Label.RED)
    assert words in decision.reason
