"""Changes of a group's policy: what they may be, what holds meanwhile, and what stands against them."""

from __future__ import annotations

import itertools

import pytest

from belisha.policy.change import Change, decide_change, plan_change, widens
from belisha.policy.rooms import Kind, Purpose, Room, room_of
from belisha.tlp import Label

KNOWN = frozenset({"alpha", "beta", "gamma"})
LISTS = ((), ("alpha",), ("alpha", "beta"), ("beta", "gamma"))
GROUPS = [room_of(Kind.OPEN), *(room_of(Kind.CLOSED, names) for names in LISTS)]


def plan(old: Room, new: Room) -> Change | None:
    change = plan_change(old, new.kind, new.organisations, new.purpose, KNOWN)
    return change if isinstance(change, Change) else None


def readers(room: Room) -> frozenset[str]:
    """The organisations whose members could be in a room, from the design alone."""
    return frozenset(room.organisations) or KNOWN


@pytest.mark.parametrize(("old", "new"), list(itertools.product(GROUPS, repeat=2)))
def test_every_change_between_groups(old: Room, new: Room) -> None:
    change = plan(old, new)
    if old == new or (old.organisations and new.organisations and not set(old.organisations) & set(new.organisations)):
        assert change is None
        return
    assert change is not None
    assert (change.old, change.new) == (old, new)
    meanwhile = change.meanwhile
    assert meanwhile.ceiling == min(old.ceiling, new.ceiling)
    assert meanwhile.default <= meanwhile.ceiling
    assert readers(meanwhile) <= readers(old) & readers(new)
    assert (meanwhile.kind is Kind.OPEN) == (old.kind is Kind.OPEN and new.kind is Kind.OPEN)
    gains = bool(readers(new) - readers(old)) or (old.kind is Kind.CLOSED and new.kind is Kind.OPEN)
    assert widens(old, new) == gains
    for strictest in (None, *Label):
        allowed = decide_change(change, strictest) is None
        expected = strictest is None or (strictest <= new.ceiling and (not gains or strictest <= Label.GREEN))
        assert allowed == expected


@pytest.mark.parametrize("kind", [Kind.NAMED, Kind.SERVICE, Kind.SPACE])
def test_other_rooms_do_not_change(kind: Kind) -> None:
    assert plan(room_of(kind), room_of(Kind.OPEN)) is None
    assert plan(room_of(Kind.OPEN), room_of(kind)) is None


def test_what_cannot_be_planned() -> None:
    old = room_of(Kind.CLOSED)
    for kind, organisations in ((Kind.OPEN, ("alpha",)), (Kind.CLOSED, ("delta",)), (Kind.CLOSED, ())):
        decision = plan_change(old, kind, organisations, Purpose.DISCUSSION, KNOWN)
        assert not isinstance(decision, Change)
        assert (decision.rule, decision.reason[-1]) == ("R1", ".")


def test_the_purpose_changes_alone() -> None:
    change = plan_change(room_of(Kind.OPEN), Kind.OPEN, (), Purpose.BLOG, KNOWN)
    assert isinstance(change, Change)
    assert change.new.purpose is Purpose.BLOG
    assert decide_change(change, Label.GREEN) is None
