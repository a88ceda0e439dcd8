"""Protocol events carry no label, so what they can say is short and public, and they stand only where they belong."""

from __future__ import annotations

from typing import Any

import pytest

from belisha.markers import MarkerReader
from belisha.policy.protocol import decide_protocol_content, decide_shape, decide_state_key
from belisha.policy.types import CALL_STATE, CONTENT, MODULE_STATE, PROTOCOL, ROOM_STATE

STATE = ROOM_STATE | MODULE_STATE | CALL_STATE | {"m.beacon_info", "org.matrix.msc3672.beacon_info"}


@pytest.mark.parametrize("event_type", sorted(CONTENT | PROTOCOL))
def test_state_stands_in_state_and_messages_in_the_timeline(event_type: str) -> None:
    assert decide_shape(event_type, is_state=event_type in STATE).allowed
    misplaced = decide_shape(event_type, is_state=event_type not in STATE)
    assert (misplaced.allowed, misplaced.rule, misplaced.code) == (False, "L1", "WRONG_PLACE")


SDP = (
    "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    + "a=rtpmap:111 opus/48000/2\r\n" * 200
)


def offer(sdp: object, **more: Any) -> dict[str, Any]:
    return {"call_id": "c", "version": "1", "lifetime": 60000, "offer": {"type": "offer", "sdp": sdp}, **more}


def reaction(key: object) -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$a", "key": key}}


@pytest.mark.parametrize(
    ("event_type", "content", "rule"),
    [
        ("m.reaction", reaction("👍"), None),
        ("m.reaction", reaction("thank you"), None),
        ("m.reaction", reaction("x" * 65), "L1"),
        ("m.reaction", reaction(""), "L1"),
        ("m.reaction", reaction(3), "L1"),
        ("m.reaction", {}, "L1"),
        ("m.reaction", {"m.relates_to": "x"}, "L1"),
        ("m.reaction", reaction("TLP:RED"), "R3"),
        ("m.reaction", reaction("👍") | {"secret": "x" * 3000}, "L1"),
        ("m.reaction", reaction("👍") | {"body": "TLP:AMBER hidden"}, "R3"),
        ("m.call.invite", offer(SDP), None),
        ("m.call.invite", offer(SDP * 8), "L1"),
        ("m.call.invite", offer(SDP + "i=The pump is off\r\n"), "L1"),
        ("m.call.invite", offer(SDP.replace("s=-", "s=The pump is off")), "L1"),
        ("m.call.invite", offer("The pump is off, and so on. " * 100), "L1"),
        ("m.call.invite", offer(SDP, note="x" * 1001), "L1"),
        ("m.call.hangup", offer(SDP), "L1"),
        ("m.call.candidates", {"candidates": [{"candidate": "candidate:1 1 udp 2 10.0.0.1 9 typ host"}] * 60}, None),
        ("m.room.redaction", {"redacts": "$a", "reason": "posted twice"}, None),
        ("m.room.redaction", {"redacts": "$a", "reason": "TLP:RED names"}, "R3"),
        ("m.room.redaction", {"redacts": "$a", "reason": 3}, "R3"),
        ("m.room.member", {"membership": "invite", "reason": "TLP:AMBER about it"}, "R3"),
        ("m.room.member", {"membership": "join", "displayname": "Ann (Alpha)"}, None),
        ("m.room.member", {"membership": "join", "com.example.note": {"text": ["TLP:RED"]}}, "R3"),
        ("m.room.member", {"membership": "join", "TLP:RED the pump": 1}, "R3"),
        ("m.room.third_party_invite", {"display_name": "TLP:RED"}, "R3"),
        ("m.space.child", {"via": ["TLP:RED"]}, "R3"),
        ("m.space.child", {"via": ["red.example"], "order": "a"}, None),
        ("m.widget", {"creatorUserId": "@red:example", "url": "http://127.0.0.1:8009/x"}, None),
        ("org.matrix.msc3381.poll.response", {"org.matrix.msc3381.poll.response": {"answers": ["TLP:RED"]}}, "R3"),
        ("org.matrix.dummy_event", {}, None),
        ("org.matrix.dummy_event", {"text": "x"}, "L1"),
        ("m.room.pinned_events", {"pinned": ["$" + "a" * 43] * 100}, None),
        ("m.room.pinned_events", {"pinned": ["The pump is off"]}, "L1"),
        ("m.room.pinned_events", {"pinned": [], "note": "x"}, "L1"),
        ("m.room.server_acl", {"allow": ["*"], "deny": ["*.example"], "allow_ip_literals": False}, None),
        ("m.room.server_acl", {"allow": ["The pump is off"]}, "L1"),
        ("m.room.server_acl", {"allow": ["*"], "note": "x"}, "L1"),
        ("m.room.power_levels", {"users": {"@red:x": 50}, "events": {"m.room.name": 50}, "historical": 100}, None),
        ("m.room.power_levels", {"notifications": {"room": 50}, "ban": 50}, None),
        ("m.room.power_levels", {"events": {"The pump is off": 50}}, "L1"),
        ("m.room.power_levels", {"users": {"@a:x": "The pump is off"}}, "L1"),
        ("m.room.power_levels", {"ban": 50, "note": "x"}, "L1"),
        ("m.room.topic", {"topic": "x" * 1001}, "L1"),
        ("m.room.topic", {"topic": "What we know of hashing"}, None),
        ("m.room.topic", {"m.topic": {"m.text": [{"body": "<b>TLP</b>:RED", "mimetype": "text/html"}]}}, "R3"),
        ("m.room.power_levels", {"users": {f"@member{n}:x": 50 for n in range(1000)}}, None),
        ("m.room.name", {"name": "x", "else": "y" * 9000}, "L1"),
        ("org.matrix.msc3381.poll.response", {"org.matrix.msc3381.poll.response": {"answers": ["a"]}}, None),
    ],
)
def test_what_protocol_events_may_say(event_type: str, content: dict[str, Any], rule: str | None) -> None:
    decision = decide_protocol_content(event_type, content, MarkerReader(), is_state=event_type in STATE)
    assert (None if decision.allowed else decision.rule) == rule
    assert decision.reason.endswith(".")


@pytest.mark.parametrize(
    ("event_type", "state_key", "allowed"),
    [
        ("m.room.topic", "", True),
        ("m.room.topic", "The pump is off", False),
        ("m.room.join_rules", "x", False),
        ("m.room.member", "@ann:x", True),
        ("m.room.member", "The pump is off", False),
        ("m.beacon_info", "@ann:x", True),
        ("m.beacon_info", "The pump is off", False),
        ("org.matrix.msc3401.call.member", "_@ann:x_DEVICE_m.call", True),
        ("m.space.child", "!QPoxyyfklGGNjmJcDq:belisha.localhost", True),
        ("m.space.child", "The pump is off", False),
        ("im.vector.modular.widgets", "%21abc%3Ax_%40ann%3Ax_1700000000000", True),
        ("im.vector.modular.widgets", "TLP-RED-pump", False),
    ],
)
def test_a_state_key_is_no_place_to_write(event_type: str, state_key: str, allowed: bool) -> None:
    assert decide_state_key(event_type, state_key, MarkerReader()).allowed is allowed
