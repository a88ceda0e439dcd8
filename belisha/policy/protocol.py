"""Decides about what protocol events carry: they have no label, so what they can say is short and public (L1, R3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from belisha.events import texts_of
from belisha.html import clean, visible_text
from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.state import decide_public_text
from belisha.policy.types import CALL_STATE, CONTENT, MODULE_STATE, PROTOCOL, ROOM_STATE

#: The only content type that is room state (MSC3672, live location).
_CONTENT_STATE: Final = frozenset({"m.beacon_info", "org.matrix.msc3672.beacon_info"})
_STATE: Final = ROOM_STATE | MODULE_STATE | CALL_STATE | _CONTENT_STATE
#: Lists of members, servers or pinned events, which grow with the room.
_LISTS: Final = frozenset({"m.room.power_levels", "m.room.server_acl", "m.room.pinned_events"})

LONGEST_TEXT: Final = 1000
LONGEST_REACTION: Final = 64
#: Bytes of JSON. A protocol event that needs more is carrying something else.
LARGEST_MESSAGE: Final = 2048
LARGEST_STATE: Final = 8192

_FINE: Final = allow("L1", "What the event says is short and public.")


def decide_shape(event_type: str, *, is_state: bool) -> Decision:
    """Decides whether a known type stands where it belongs: state types in room state, all others in the timeline.

    A state type sent as a message would be content without a label. Types that are on no list are refused elsewhere.
    """
    if event_type not in CONTENT and event_type not in PROTOCOL:
        return _FINE
    if is_state == (event_type in _STATE):
        return _FINE
    return refuse("L1", "WRONG_PLACE", "This type of event does not belong there. Please send an ordinary message.")


def decide_protocol_content(
    event_type: str, content: Mapping[str, Any], markers: MarkerReader, *, is_state: bool
) -> Decision:
    """Decides about the free text in a protocol event: reactions, reasons, names, descriptions, widget data."""
    size = len(json.dumps(content, ensure_ascii=False, default=dict).encode("utf-8", "replace"))
    if event_type not in _LISTS and size > (LARGEST_STATE if is_state else LARGEST_MESSAGE):
        return refuse("L1", "TOO_MUCH_TEXT", "This type of event carries no label, so it cannot carry that much.")
    if event_type == "m.reaction":
        relates = content.get("m.relates_to")
        key = relates.get("key") if isinstance(relates, Mapping) else None
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_REACTION:
            return refuse("L1", "MALFORMED", f"A reaction needs a `key` of 1 to {LONGEST_REACTION} characters.")
        if not (decision := decide_public_text(key, "reaction", markers)).allowed:
            return decision
    reason = content.get("reason")
    if reason is not None and not (decision := decide_public_text(reason, "reason", markers)).allowed:
        return decision
    for text in texts_of(content):
        value = visible_text(clean(text.value)) if text.is_html else text.value
        if len(value) > LONGEST_TEXT:
            return refuse("L1", "TOO_MUCH_TEXT", f"A text here has at most {LONGEST_TEXT} characters.")
        if not (decision := decide_public_text(value, "text", markers)).allowed:
            return decision
    return _FINE
