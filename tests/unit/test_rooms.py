"""Rooms: what a client may ask for, who may come in, and which state may change; allowed and refused together."""

from __future__ import annotations

from typing import Any

import pytest

from belisha.events import MalformedEvent
from belisha.markers import MarkerReader
from belisha.policy.creation import Plan, plan_room
from belisha.policy.decision import Decision
from belisha.policy.membership import decide_membership
from belisha.policy.people import Person
from belisha.policy.rooms import Kind, Room, room_of
from belisha.policy.state import Surroundings, decide_state

BOT = Person("@belisha_steward:x", is_bot=True)
ANN = Person("@ann:x", "alpha", frozenset({"member"}))
BOB = Person("@bob:x", "beta", frozenset({"member"}))
CAT = Person("@cat:x", "gamma", frozenset({"member"}))
STEWARD = Person("@stew:x", "alpha", frozenset({"steward"}))
NOBODY = Person("@nobody:x")
ORGANISATIONS = frozenset({"alpha", "beta", "gamma"})


def about(**change: Any) -> Surroundings:
    return Surroundings(MarkerReader(), BOT.user_id, "http://127.0.0.1:8009", False)._replace(**change)


def plan(creator: Person, *invitees: Person, encrypted: bool = False, **request: Any) -> Plan:
    planned = plan_room(creator, invitees, request, ORGANISATIONS, about(encrypted_named_rooms=encrypted))
    assert isinstance(planned, Plan), planned
    return planned


def refusal(creator: Person, *invitees: Person, **request: Any) -> Decision:
    planned = plan_room(creator, invitees, request, ORGANISATIONS, about())
    assert isinstance(planned, Decision), planned
    assert planned.reason.endswith(".")
    return planned


def wish(**content: Any) -> dict[str, Any]:
    return {"type": "org.belisha.room", "state_key": "", "content": content}


def state_of(planned: Plan) -> dict[str, dict[str, Any]]:
    return {item["type"]: item["content"] for item in planned.request["initial_state"]}


@pytest.mark.parametrize(
    ("request_", "invitees", "kind"),
    [
        ({"preset": "public_chat"}, [], Kind.OPEN),
        ({"visibility": "public"}, [], Kind.OPEN),
        ({"preset": "private_chat"}, [BOB], Kind.CLOSED),
        ({}, [], Kind.CLOSED),
        ({"preset": "trusted_private_chat"}, [BOB], Kind.NAMED),
        ({"is_direct": True, "preset": "private_chat"}, [BOB], Kind.NAMED),
        ({"is_direct": True, "preset": "public_chat"}, [BOB], Kind.NAMED),
        ({"is_direct": True}, [BOT], Kind.SERVICE),
        ({"creation_content": {"type": "m.space"}}, [], Kind.SPACE),
        ({"initial_state": [wish(kind="open")]}, [], Kind.OPEN),
        ({"initial_state": [wish(kind="named")], "preset": "public_chat"}, [BOB], Kind.NAMED),
    ],
)
def test_the_kind_follows_from_what_the_client_asks(
    request_: dict[str, Any], invitees: list[Person], kind: Kind
) -> None:
    planned = plan(ANN, *invitees, **request_)
    assert planned.room == room_of(kind)
    state = state_of(planned)
    assert state["m.room.guest_access"] == {"guest_access": "forbidden"}
    assert state["m.room.history_visibility"]["history_visibility"] in ("shared", "joined")
    assert (state["m.room.join_rules"]["join_rule"] == "public") == (kind is Kind.OPEN)
    assert planned.request["room_version"] == "11"


def test_default_and_ceiling_of_a_wish_are_not_read() -> None:
    forged = wish(kind="open", default="TLP:CLEAR", ceiling="TLP:RED", extra=1)
    assert state_of(plan(ANN, initial_state=[forged]))["org.belisha.room"] == {
        "kind": "open",
        "default": "TLP:GREEN",
        "ceiling": "TLP:GREEN",
        "organisations": [],
        "purpose": "discussion",
    }


def test_the_bot_looks_after_groups_and_is_in_no_named_room() -> None:
    group = plan(ANN, preset="public_chat").request
    assert BOT.user_id in group["invite"]
    assert group["power_level_content_override"]["users"] == {ANN.user_id: 95, BOT.user_id: 100}
    named = plan(ANN, BOB, is_direct=True)
    assert named.request["invite"] == [BOB.user_id]
    assert named.request["power_level_content_override"]["users"] == {ANN.user_id: 100}
    assert state_of(named)["org.belisha.named"] == {"members": ["ann", "bob"]}
    assert refusal(ANN, BOB, BOT, is_direct=True).rule == "P1"


def test_organisations_are_listed_by_those_who_may() -> None:
    both = [wish(kind="closed", organisations=["alpha", "beta"])]
    assert plan(STEWARD, initial_state=both).room.organisations == ("alpha", "beta")
    assert str(plan(STEWARD, initial_state=both).room.ceiling) == "TLP:AMBER+STRICT"
    assert refusal(ANN, initial_state=both).code == "ORGANISATIONS"
    assert plan(ANN, initial_state=[wish(kind="closed", organisations=["alpha"])]).room.organisations == ("alpha",)
    assert refusal(STEWARD, initial_state=[wish(kind="closed", organisations=["beta"])]).code == "OTHER_ORGANISATION"
    assert refusal(STEWARD, CAT, initial_state=both).code == "OTHER_ORGANISATION"
    assert refusal(STEWARD, initial_state=[wish(kind="closed", organisations=["delta"])]).code == "UNKNOWN_ORGANISATION"
    assert refusal(STEWARD, initial_state=[wish(kind="open", organisations=["alpha"])]).code == "ORGANISATIONS"


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        ({"room_version": "12"}, "R1"),
        ({"room_version": 11}, "R1"),
        ({"creation_content": {"predecessor": {"room_id": "!x:x"}}}, "R1"),
        ({"creation_content": {"additional_creators": ["@bob:x"]}}, "R1"),
        ({"creation_content": {"type": "org.matrix.msc3417.call"}}, "R1"),
        ({"invite_3pid": [{"medium": "email"}]}, "M1"),
        ({"name": "TLP:RED people"}, "R3"),
        ({"topic": "TLP:AMBER matters"}, "R3"),
        ({"room_alias_name": "TLP-RED"}, "R3"),
        ({"is_direct": True, "name": "About the case"}, "R3"),
        (
            {
                "initial_state": [
                    {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}
                ]
            },
            "R2",
        ),
        ({"initial_state": [{"type": "m.room.join_rules", "content": {"join_rule": "public"}}]}, "R1"),
        ({"initial_state": [{"type": "m.widget", "content": {"url": "https://evil.test/"}}]}, "R1"),
        ({"initial_state": [{"type": "m.room.power_levels", "content": {"users": {"@ann:x": 1000}}}]}, "R1"),
        ({"initial_state": [{"type": "org.belisha.named", "content": {"members": ["eve"]}}]}, "R1"),
    ],
)
def test_what_no_room_may_have(request_: dict[str, Any], rule: str) -> None:
    assert refusal(ANN, BOB, **request_).rule == rule


@pytest.mark.parametrize(
    "request_",
    [
        {"initial_state": "x"},
        {"initial_state": ["x"]},
        {"initial_state": [{"type": 3, "content": {}}]},
        {"initial_state": [{"type": "m.room.name"}]},
        {"initial_state": [wish(kind="wide")]},
        {"initial_state": [wish(kind="service")]},
        {"initial_state": [wish(kind=["open"])]},
        {"initial_state": [wish(kind="closed", organisations="alpha")]},
        {"initial_state": [wish(purpose="else")]},
        {"creation_content": "x"},
        {"preset": "cosy_chat"},
    ],
)
def test_malformed_requests(request_: dict[str, Any]) -> None:
    with pytest.raises(MalformedEvent):
        plan_room(ANN, [], request_, ORGANISATIONS, about())


def test_encryption_is_taken_out_except_where_the_setting_allows_it() -> None:
    wanted: dict[str, Any] = {
        "initial_state": [{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
    }
    assert "m.room.encryption" not in state_of(plan(ANN, BOB, is_direct=True, **wanted))
    assert "m.room.encryption" not in state_of(plan(ANN, encrypted=True, preset="private_chat", **wanted))
    allowed = plan(ANN, BOB, encrypted=True, is_direct=True, **wanted)
    assert state_of(allowed)["m.room.encryption"] == {"algorithm": "m.megolm.v1.aes-sha2"}
    assert allowed.room.encrypted


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ({"type": "m.room.avatar", "content": {"url": "x" * 70_000}}, "R3"),
        ({"type": "m.room.avatar", "content": {"note": "x" * 70_000}}, "L1"),
        ({"type": "m.room.avatar", "content": {"note": "TLP:RED the pump"}}, "R3"),
        ({"type": "m.room.topic", "state_key": "The pump is off", "content": {"topic": "x"}}, "L1"),
        ({"type": "m.room.history_visibility", "state_key": "x", "content": {"history_visibility": "shared"}}, "L1"),
    ],
)
def test_the_state_of_the_beginning_is_held_to_every_rule(item: dict[str, Any], rule: str) -> None:
    assert refusal(ANN, initial_state=[item]).rule == rule


def test_a_name_that_would_break_the_creation_off_halfway_is_refused_before_it() -> None:
    assert refusal(ANN, name="x" * 70_000).code == "TOO_MUCH_TEXT"


# --- Membership -----------------------------------------------------------------------------------------------


def may(room: Room, target: Person, membership: str, present: set[str] | None = None) -> bool:
    named = frozenset({"ann", "bob"})
    return decide_membership(
        room, target, membership, sender_id=ANN.user_id, named=named, present=frozenset(present or ())
    ).allowed


@pytest.mark.parametrize("membership", ["invite", "join"])
def test_who_may_come_in(membership: str) -> None:
    opened, closed = room_of(Kind.OPEN), room_of(Kind.CLOSED)
    listed, named, service = room_of(Kind.CLOSED, ("alpha",)), room_of(Kind.NAMED), room_of(Kind.SERVICE)
    for room in (opened, closed):
        assert may(room, BOB, membership)
        assert may(room, BOT, membership)
        assert not may(room, NOBODY, membership)
    assert may(listed, ANN, membership)
    assert not may(listed, BOB, membership)
    assert may(named, BOB, membership)
    assert not may(named, CAT, membership)
    assert not may(named, BOT, membership)
    assert may(service, NOBODY, membership, {BOT.user_id})
    assert not may(service, CAT, membership, {BOT.user_id, ANN.user_id})
    assert not may(service, CAT, membership, {ANN.user_id}), "nor where the bot was sent away"
    assert not may(service, NOBODY, membership, {ANN.user_id})


def test_knocking_is_for_closed_groups() -> None:
    assert may(room_of(Kind.CLOSED), BOB, "knock")
    assert not may(room_of(Kind.CLOSED, ("alpha",)), BOB, "knock")
    assert not may(room_of(Kind.NAMED), BOB, "knock")
    assert not may(room_of(Kind.OPEN), BOB, "knock")


@pytest.mark.parametrize("membership", ["leave", "ban"])
def test_everyone_can_go_but_the_bot_cannot_be_sent_away(membership: str) -> None:
    assert may(room_of(Kind.CLOSED), BOB, membership)
    assert not may(room_of(Kind.CLOSED), BOT, membership)
    assert not may(room_of(Kind.CLOSED), BOB, "else")


# --- State ------------------------------------------------------------------------------------------------------

POWER = {"users": {BOT.user_id: 100, ANN.user_id: 95}, "users_default": 0}


@pytest.mark.parametrize(
    ("kind", "event_type", "content", "rule"),
    [
        (Kind.CLOSED, "m.room.history_visibility", {"history_visibility": "joined"}, None),
        (Kind.CLOSED, "m.room.history_visibility", {"history_visibility": "world_readable"}, "R2"),
        (Kind.NAMED, "m.room.history_visibility", {"history_visibility": "shared"}, "R2"),
        (Kind.CLOSED, "m.room.history_visibility", {}, "R2"),
        (Kind.CLOSED, "m.room.join_rules", {"join_rule": "invite"}, None),
        (Kind.CLOSED, "m.room.join_rules", {"join_rule": "public"}, "R1"),
        (Kind.NAMED, "m.room.join_rules", {"join_rule": "knock"}, "R1"),
        (Kind.OPEN, "m.room.guest_access", {"guest_access": "forbidden"}, None),
        (Kind.OPEN, "m.room.guest_access", {"guest_access": "can_join"}, "R2"),
        (Kind.OPEN, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}, "R4"),
        (Kind.NAMED, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}, "R4"),
        (Kind.OPEN, "m.room.name", {"name": "Image hashing"}, None),
        (Kind.OPEN, "m.room.name", {"name": "TLP:GREEN Image hashing"}, None),
        (Kind.OPEN, "m.room.name", {"name": "TLP:AMBER Image hashing"}, "R3"),
        (Kind.OPEN, "m.room.name", {"name": 3}, "R3"),
        (Kind.NAMED, "m.room.name", {"name": "The case"}, "R3"),
        (Kind.NAMED, "m.room.name", {}, None),
        (Kind.OPEN, "m.room.topic", {"topic": "TLP:PURPLE"}, "R3"),
        (Kind.OPEN, "m.room.tombstone", {"body": "moved", "replacement_room": "!x:x"}, "R1"),
        (Kind.OPEN, "m.widget", {"url": "http://127.0.0.1:8009/compose"}, None),
        (Kind.OPEN, "m.widget", {"url": "http://127.0.0.1:8009.evil.test/"}, "R5"),
        (Kind.OPEN, "im.vector.modular.widgets", {"url": "https://evil.test/"}, "R5"),
        (Kind.OPEN, "im.vector.modular.widgets", {}, None),
        (Kind.OPEN, "m.widget", {"url": "http://127.0.0.1:8009/x", "type": "m.custom"}, None),
        (
            Kind.OPEN,
            "m.widget",
            {"url": "http://127.0.0.1:8009/x", "type": "jitsi", "data": {"domain": "e.test"}},
            "R5",
        ),
        (Kind.OPEN, "m.room.third_party_invite", {"display_name": "a…@b…"}, "M1"),
        (Kind.OPEN, "m.room.canonical_alias", {"alias": "#red:x", "alt_aliases": ["#amber:x"]}, None),
        (Kind.OPEN, "m.room.canonical_alias", {"alt_aliases": ["#TLP-RED-pump:x"]}, "R3"),
        (Kind.OPEN, "m.room.canonical_alias", {"alt_aliases": "x"}, "R3"),
        (Kind.NAMED, "m.room.canonical_alias", {"alias": "#pump:x"}, "R3"),
        (Kind.NAMED, "m.room.canonical_alias", {"alt_aliases": ["#pump:x"]}, "R3"),
        (Kind.OPEN, "m.room.avatar", {"url": "mxc://x/AbC_-1"}, None),
        (Kind.OPEN, "m.room.avatar", {"url": "The pump is off"}, "R3"),
        (Kind.CLOSED, "m.room.power_levels", POWER, None),
        (Kind.CLOSED, "m.room.power_levels", {"users": {ANN.user_id: 95}}, "R1"),
        (Kind.CLOSED, "m.room.power_levels", {"users": {BOT.user_id: 50, ANN.user_id: 95}}, "R1"),
        (Kind.CLOSED, "m.room.power_levels", {"users": {BOT.user_id: 100, ANN.user_id: 100}}, "R1"),
        (Kind.CLOSED, "m.room.power_levels", {**POWER, "users_default": 50}, "R1"),
        (Kind.CLOSED, "m.room.power_levels", {"users": "all"}, "R1"),
        (Kind.NAMED, "m.room.power_levels", {"users": {ANN.user_id: 100}}, None),
        (Kind.OPEN, "m.room.pinned_events", {"pinned": ["$a"]}, None),
    ],
)
def test_state_that_a_member_changes(kind: Kind, event_type: str, content: dict[str, Any], rule: str | None) -> None:
    decision = decide_state(room_of(kind), event_type, content, about())
    assert (None if decision.allowed else decision.rule) == rule
    assert decision.reason.endswith(".")
