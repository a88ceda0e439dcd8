"""Protocol events carry no label, so what they can say is short and public, and they stand only where they belong."""

from __future__ import annotations

from typing import Any

import pytest

from belisha.markers import MarkerReader
from belisha.policy.protocol import decide_protocol_content, decide_shape
from belisha.policy.types import CALL_STATE, CONTENT, MODULE_STATE, PROTOCOL, ROOM_STATE

STATE = ROOM_STATE | MODULE_STATE | CALL_STATE | {"m.beacon_info", "org.matrix.msc3672.beacon_info"}


@pytest.mark.parametrize("event_type", sorted(CONTENT | PROTOCOL))
def test_state_stands_in_state_and_messages_in_the_timeline(event_type: str) -> None:
    assert decide_shape(event_type, is_state=event_type in STATE).allowed
    misplaced = decide_shape(event_type, is_state=event_type not in STATE)
    assert (misplaced.allowed, misplaced.rule, misplaced.code) == (False, "L1", "WRONG_PLACE")


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
        ("m.room.redaction", {"redacts": "$a", "reason": "posted twice"}, None),
        ("m.room.redaction", {"redacts": "$a", "reason": "TLP:RED names"}, "R3"),
        ("m.room.redaction", {"redacts": "$a", "reason": 3}, "R3"),
        ("m.room.member", {"membership": "invite", "reason": "TLP:AMBER about it"}, "R3"),
        ("m.room.member", {"membership": "join", "displayname": "Ann (Alpha)"}, None),
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
