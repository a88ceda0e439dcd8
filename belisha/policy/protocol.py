"""Decides about what protocol events carry: they have no label, so what they can say is short and public (L1, R3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from belisha.events import texts_of
from belisha.html import clean, texts_in
from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.state import decide_public_text
from belisha.policy.types import CALL_STATE, CONTENT, MODULE_STATE, PROTOCOL, ROOM_STATE

#: The only content type that is room state (MSC3672, live location).
_CONTENT_STATE: Final = frozenset({"m.beacon_info", "org.matrix.msc3672.beacon_info"})
_STATE: Final = ROOM_STATE | MODULE_STATE | CALL_STATE | _CONTENT_STATE
#: State whose key is the user's whose state it is, by itself or with a device.
_OWN_KEY: Final = CALL_STATE | _CONTENT_STATE | {"m.room.member"}

LONGEST_TEXT: Final = 1000
LONGEST_REACTION: Final = 64
#: Bytes of JSON. A protocol event that needs more is carrying something else.
LARGEST_MESSAGE: Final = 2048
LARGEST_STATE: Final = 8192
#: A description of a call names every codec and address of a device.
LARGEST_CALL: Final = 32_768

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


def decide_state_key(event_type: str, state_key: str, markers: MarkerReader) -> Decision:
    """Decides about the state key of room state: an id where the type has one, otherwise empty.

    The keys of membership, calls and live locations begin with `@` and are held by Matrix itself to their own user.
    """
    if event_type in _OWN_KEY:
        fits = _USER_IN_KEY.match(state_key) is not None
    elif event_type in _KEYS:
        fits = _KEYS[event_type].fullmatch(state_key) is not None
    else:
        fits = state_key == "" or event_type not in _STATE
    if not fits:
        return refuse("L1", "MALFORMED", "The key of this room state is not one that this type has.")
    return _FINE if event_type in _OWN_KEY else decide_public_text(state_key, "key", markers)


def decide_protocol_content(
    event_type: str, content: Mapping[str, Any], markers: MarkerReader, *, is_state: bool
) -> Decision:
    """Decides about the free text in a protocol event: reactions, reasons, names, descriptions, widget data.

    Whatever key it stands under, since a changed client shows what it likes.
    """
    if event_type in _LISTS:
        return _FINE if _LISTS[event_type](content) else _NO_LIST
    if event_type == "org.matrix.dummy_event" and content:
        return refuse("L1", "MALFORMED", "This type of event is empty.")
    size = len(json.dumps(content, ensure_ascii=False, default=dict).encode("utf-8", "replace"))
    if event_type in _DESCRIBED_IN:
        content = _without_session(event_type, content)
    if size > (LARGEST_STATE if is_state else LARGEST_CALL if event_type in _DESCRIBED_IN else LARGEST_MESSAGE):
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
    for value in (*_strings(content), *_seen_in_html(content)):
        if len(value) > LONGEST_TEXT:
            return refuse("L1", "TOO_MUCH_TEXT", f"A text here has at most {LONGEST_TEXT} characters.")
        if not (decision := decide_public_text(value, "text", markers)).allowed:
            return decision
    return _FINE


def _without_session(event_type: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A call's content without its session description, where that is one; otherwise it is text like any other."""
    key = _DESCRIBED_IN[event_type]
    session = content.get(key) if key else None
    if isinstance(session, Mapping) and isinstance(sdp := session.get("sdp"), str) and _SDP.fullmatch(sdp):
        return {**content, key: {name: value for name, value in session.items() if name != "sdp"}}
    return content


def _strings(content: Mapping[str, Any]) -> Iterator[str]:
    """Every string in a content, the names of keys too; of a user id or an alias only what its owner chose."""
    stack: list[object] = [content]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            address = _ADDRESS.fullmatch(value)
            yield address[1] if address else value
        elif isinstance(value, Mapping):
            stack.extend((*value.keys(), *value.values()))
        elif isinstance(value, list | tuple):
            stack.extend(value)


def _seen_in_html(content: Mapping[str, Any]) -> Iterator[str]:
    for text in texts_of(content):
        if text.is_html:
            yield from texts_in(clean(text.value))


# --- Lists, which grow with the room: nothing but what they list ---------------------------------------------------


def _is_pinned(content: Mapping[str, Any]) -> bool:
    pinned = content.get("pinned", ())
    return set(content) <= {"pinned"} and _all_match(pinned, _EVENT_ID)


def _is_server_acl(content: Mapping[str, Any]) -> bool:
    if not set(content) <= {"allow", "deny", "allow_ip_literals"}:
        return False
    return all(_all_match(content.get(key, ()), _SERVER_GLOB) for key in ("allow", "deny")) and isinstance(
        content.get("allow_ip_literals", True), bool
    )


def _is_power_levels(content: Mapping[str, Any]) -> bool:
    """Levels by name, by type of event and by user id (Matrix 1.16, m.room.power_levels)."""
    for key, value in content.items():
        if key in _LEVELS_BY:
            if not isinstance(value, Mapping) or not _all_match(tuple(value), _LEVELS_BY[key]):
                return False
            if not all(isinstance(level, int) for level in value.values()):
                return False
        elif key not in _LEVELS or not isinstance(value, int):
            return False
    return True


def _all_match(values: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(one, str) and pattern.fullmatch(one) for one in values)


_EVENT_ID: Final = re.compile(r"\$[A-Za-z0-9_-]{43}")
_ROOM_ID: Final = re.compile(r"![A-Za-z0-9_-]{10,64}(?::[A-Za-z0-9.:\[\]-]{1,200})?")
_SERVER_GLOB: Final = re.compile(r"[A-Za-z0-9.*?:\[\]-]{1,230}")
_USER_ID: Final = re.compile(r"@[a-z0-9._=/+-]{1,200}:[A-Za-z0-9.:\[\]-]{1,200}")
_USER_IN_KEY: Final = re.compile(r"_?@[a-z0-9._=/+-]+:[A-Za-z0-9.:\[\]-]+(?:_[\w.:/+=-]*)?\Z", re.ASCII)
_TYPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_WIDGET_ID: Final = re.compile(r"[\w.~%:@!$+=/-]{1,255}", re.ASCII)
_ADDRESS: Final = re.compile(r"[@#]([^\s:]*):[A-Za-z0-9.:\[\]-]+")
#: RFC 8866, section 5: lines of one letter, `=` and a value; no words to people (i, e, p, u; s but for `-`).
_SDP: Final = re.compile(r"(?:(?:s=-|[a-df-hj-oqrtv-z]=[\x20-\x7e]{1,1000})\r?\n)+")
#: Where call events describe a session (Matrix 1.16, "Voice over IP"); candidates are short texts, but many.
_DESCRIBED_IN: Final = {
    "m.call.invite": "offer",
    "m.call.answer": "answer",
    "m.call.negotiate": "description",
    "m.call.candidates": "",
}
_LEVELS: Final = frozenset("ban events_default historical invite kick redact state_default users_default".split())
_LEVELS_BY: Final = {"users": _USER_ID, "events": _TYPE, "notifications": _TYPE}
_LISTS: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "m.room.power_levels": _is_power_levels,
    "m.room.server_acl": _is_server_acl,
    "m.room.pinned_events": _is_pinned,
}
_NO_LIST: Final = refuse("L1", "MALFORMED", "This room state lists ids and levels, and nothing else can stand in it.")
#: What the state key of a type is, where it is neither empty nor a user's.
_KEYS: Final = {
    "m.space.child": _ROOM_ID,
    "m.space.parent": _ROOM_ID,
    "m.widget": _WIDGET_ID,
    "im.vector.modular.widgets": _WIDGET_ID,
}
