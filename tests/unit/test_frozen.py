"""What may happen in a frozen group, and that a change keeps it frozen."""

from __future__ import annotations

import pytest

from belisha.policy.change import Change, plan_change, plan_freezing
from belisha.policy.decision import Decision
from belisha.policy.frozen import decide_in_frozen
from belisha.policy.rooms import Kind, Purpose, Room, from_state, room_of, to_state
from belisha.policy.types import CONTENT, MODULE_STATE, RELABEL

STEWARD, ANN, BEN = "@belisha_steward:x", "@ann:x", "@ben:x"


@pytest.mark.parametrize(
    "event_type",
    [
        *sorted(CONTENT),
        *sorted(MODULE_STATE),
        RELABEL,
        "m.reaction",
        "m.room.redaction",
        "m.room.topic",
        "m.call.invite",
    ],
)
def test_nothing_is_written_or_changed_but_by_the_bot(event_type: str) -> None:
    for key in (None, "", ANN):
        decision = decide_in_frozen(event_type, ANN, key, None, steward=STEWARD)
        assert (decision.code, decision.rule) == ("FROZEN_GROUP", "R1")
        assert decide_in_frozen(event_type, STEWARD, key, None, steward=STEWARD).allowed


@pytest.mark.parametrize("membership", ["invite", "join", "knock", "leave", "ban", "other", None, ["leave"]])
def test_of_memberships_only_leaving_oneself(membership: object) -> None:
    own = decide_in_frozen("m.room.member", ANN, ANN, membership, steward=STEWARD)
    assert own.allowed == (membership == "leave")
    assert not decide_in_frozen("m.room.member", ANN, BEN, membership, steward=STEWARD).allowed
    assert not decide_in_frozen("m.room.message", ANN, ANN, membership, steward=STEWARD).allowed


def test_the_policy_says_so_and_what_cannot_be_read_is_frozen() -> None:
    room = room_of(Kind.CLOSED)
    assert "frozen" not in to_state(room)
    frozen = to_state(room._replace(frozen=True))
    assert frozen == {**to_state(room), "frozen": True}
    for value, expected in ((True, True), (False, False), (None, True), ("no", True), (0, True)):
        read = from_state({**frozen, "frozen": value}, is_encrypted=False)
        assert read is not None and read.frozen is expected
    plain = from_state(to_state(room), is_encrypted=False)
    assert plain == room


def test_a_change_of_the_policy_keeps_it_frozen() -> None:
    change = plan_change(room_of(Kind.CLOSED)._replace(frozen=True), Kind.OPEN, (), Purpose.BLOG, frozenset())
    assert isinstance(change, Change)
    assert change.old.frozen and change.meanwhile.frozen and change.new.frozen


@pytest.mark.parametrize("kind", list(Kind))
def test_only_groups_are_frozen(kind: Kind) -> None:
    for frozen in (True, False):
        planned = plan_freezing(room_of(kind)._replace(frozen=not frozen), frozen=frozen)
        if kind in (Kind.OPEN, Kind.CLOSED):
            assert isinstance(planned, Room) and planned == room_of(kind)._replace(frozen=frozen)
        else:
            assert isinstance(planned, Decision) and planned.code == "NO_CHANGE"
