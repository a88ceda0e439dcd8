"""What an upgrade carries over, who asks for one, and what a replaced room still accepts."""

from __future__ import annotations

import pytest

from belisha.policy.membership import decide_membership, decide_stay
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Purpose, Room, from_state, room_of, to_state
from belisha.policy.types import CONTENT, PROTOCOL
from belisha.policy.upgrade import decide_replaced, decide_upgrade, plan_upgrade, state_to_follow

ANN = Person("@ann:x", "harbour")
GROUP = room_of(Kind.CLOSED, ("harbour",), Purpose.BLOG)
REPLACED = GROUP._replace(replaced=True)
BEFORE = {"room_id": "!old:x", "event_id": "$last"}


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("by_bot", [True, False])
def test_groups_are_upgraded_by_the_bot_and_named_rooms_by_who_made_them(kind: Kind, by_bot: bool) -> None:
    may = kind is not Kind.SERVICE and by_bot is (kind is not Kind.NAMED)
    refusal = decide_upgrade(room_of(kind), is_of_the_start=False, by_bot=by_bot)
    assert (refusal is None) is may
    closed = room_of(kind)._replace(replaced=True), room_of(kind)._replace(frozen=True)
    for room, start in ((room_of(kind), True), *((one, False) for one in closed)):
        assert decide_upgrade(room, is_of_the_start=start, by_bot=by_bot) is not None


def test_a_replaced_room_accepts_acts_about_what_is_in_it_and_nothing_else() -> None:
    types = CONTENT | PROTOCOL
    assert {each for each in types if decide_replaced(REPLACED, each) is None} == {
        "org.belisha.relabel",
        "m.room.redaction",
    }
    assert {each for each in types if decide_replaced(REPLACED, each, by_bot=True) is None} == {
        "org.belisha.relabel",
        "m.room.redaction",
        "m.room.message",
        "org.matrix.msc3381.poll.end",
        "m.poll.end",
    }, "polls that were open are ended there"
    assert all(decide_replaced(GROUP, each) is None for each in types)


@pytest.mark.parametrize("membership", ["invite", "join", "knock", "leave", "ban"])
def test_nobody_comes_into_a_replaced_room(membership: str) -> None:
    def allowed(room: Room, *joined: str) -> bool:
        return decide_membership(
            room,
            ANN,
            membership,
            sender_id=ANN.user_id,
            named=frozenset(),
            present=frozenset(),
            joined=frozenset(joined),
        ).allowed

    assert allowed(GROUP)
    assert allowed(REPLACED) is (membership in ("leave", "ban"))
    assert allowed(REPLACED, ANN.user_id), "who is in it may get another name"
    assert decide_stay(REPLACED, ANN, frozenset()).allowed
    assert not decide_stay(REPLACED, ANN._replace(organisation="chandlers"), frozenset()).allowed


def test_that_a_room_was_replaced_is_kept_whatever_stands_there() -> None:
    assert from_state(to_state(REPLACED), is_encrypted=False) == REPLACED
    assert from_state(to_state(GROUP), is_encrypted=False) == GROUP
    for odd in (None, 0, "no"):
        read = from_state(to_state(GROUP) | {"replaced": odd}, is_encrypted=False)
        assert read is not None and read.replaced


def test_the_new_room_begins_with_the_state_of_the_old_one() -> None:
    state = {
        ("org.belisha.room", ""): to_state(REPLACED),
        ("org.belisha.named", ""): {"members": ["ann"]},
        ("m.room.power_levels", ""): {"users": {"@ann:x": 95}},
        ("m.room.join_rules", ""): {"join_rule": "invite"},
        ("m.room.pinned_events", ""): {"pinned": ["$old"]},
        ("m.room.tombstone", ""): {"replacement_room": "!y:x"},
        ("m.room.member", "@ann:x"): {"membership": "join"},
        ("m.space.parent", "!space:x"): {"via": ["x"]},
        ("m.space.child", "!gone:x"): {},
    }
    request = plan_upgrade(REPLACED, "11", BEFORE, state)
    begins = {(item["type"], item["state_key"]): item["content"] for item in request["initial_state"]}
    kept = ("org.belisha.named", "m.room.power_levels", "m.room.join_rules")
    assert begins == {(key, ""): state[key, ""] for key in kept} | {("org.belisha.room", ""): to_state(GROUP)}
    assert request["creation_content"] == {"predecessor": BEFORE}
    assert (request["visibility"], "invite" in request) == ("private", False)
    assert state_to_follow(state) == {("m.space.parent", "!space:x"): {"via": ["x"]}}
    assert plan_upgrade(room_of(Kind.SPACE), "11", BEFORE, {})["creation_content"]["type"] == "m.space"
