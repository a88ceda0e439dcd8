"""Decides about what leaves an account outside of rooms, where no label holds: devices' messages and names, and push.

Knows neither rooms nor accounts: who shares a room with whom is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person
from belisha.policy.state import decide_public_text
from belisha.policy.types import TO_DEVICE

#: Bytes of JSON of one message to a device: an Olm message with a room key in it has about 3,000.
LARGEST_TO_DEVICE: Final = 8192
#: Devices in one request; clients send to a few dozen at once.
MOST_DEVICES: Final = 1000
LONGEST_REASON: Final = 200

_FINE: Final = allow("L1", "Keys and verifications go from device to device.")
_UNLISTED: Final = refuse(
    "L1",
    "UNKNOWN_TYPE",
    "Only keys and verifications go from device to device here. Please send an ordinary message in a room.",
)
_TOO_MUCH: Final = refuse(
    "L1",
    "TOO_MUCH_TEXT",
    "This is more than keys and verifications need. Please send an ordinary message in a room.",
)
_NO_MEMBER: Final = refuse(
    "M1", "NOT_A_MEMBER", "Only members of the community send keys and verifications from device to device."
)
#: One answer for people one shares no group with, for bots and for accounts that do not exist.
_NO_ROOM: Final = refuse(
    "M1",
    "NO_SHARED_ROOM",
    "Keys and verifications go only to people you share a group or a direct chat with. Please write to them first.",
)
_NOT_JSON: Final = refuse("L1", "MALFORMED", "A message to a device is a JSON object, under a user and a device.")


def decide_to_device(
    message_type: str,
    messages: object,
    sender: Person,
    reachable: Collection[str],
    markers: MarkerReader,
) -> Decision:
    """Decides about one request of a device to other devices (rules L1 and M1).

    Args:
        message_type: the type of all its messages.
        messages: contents by user id and device id, as the client sent them.
        sender: whose device it is.
        reachable: the user ids of members whom the sender shares a room with; the sender's own is always reached.
        markers: reads markers in the reason that some types carry.
    """
    if sender.is_bot or not sender.belongs:
        return _NO_MEMBER
    if message_type not in TO_DEVICE:
        return _UNLISTED
    if not isinstance(messages, Mapping):
        return _NOT_JSON
    contents: list[Mapping[str, Any]] = []
    for by_device in messages.values():
        if not isinstance(by_device, Mapping) or not all(isinstance(one, Mapping) for one in by_device.values()):
            return _NOT_JSON
        contents += by_device.values()
    if len(contents) > MOST_DEVICES or any(_bytes(content) > LARGEST_TO_DEVICE for content in contents):
        return _TOO_MUCH
    if not all(user_id == sender.user_id or user_id in reachable for user_id in messages):
        return _NO_ROOM
    return _decide_reasons((content["reason"] for content in contents if "reason" in content), markers)


def _decide_reasons(reasons: Iterable[object], markers: MarkerReader) -> Decision:
    for reason in reasons:
        if not (decision := decide_public_text(reason, "reason", markers)).allowed:
            return decision
        if len(str(reason)) > LONGEST_REASON:
            return _TOO_MUCH
    return _FINE


def _bytes(content: Mapping[str, Any]) -> int:
    return len(json.dumps(content, ensure_ascii=False, default=dict).encode("utf-8", "replace"))


# --- Devices ---------------------------------------------------------------------------------------------------

#: What a device is called, by a word in the name that its client proposes; the first that fits.
_CLIENTS: Final = (
    ("element x android", "Element X Android"),
    ("element x ios", "Element X iOS"),
    ("element desktop", "Element Desktop"),
    ("element android", "Element Android"),
    ("element ios", "Element iOS"),
    ("element", "Element Web"),
    ("schildichat", "SchildiChat"),
    ("fluffychat", "FluffyChat"),
    ("cinny", "Cinny"),
    ("fractal", "Fractal"),
    ("nheko", "Nheko"),
    ("neochat", "NeoChat"),
    ("matrix-nio", "matrix-nio"),
    ("mautrix", "mautrix"),
)
ANY_CLIENT: Final = "A client"
_DEVICE_ID: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,48}")
_NO_DEVICE_ID: Final = refuse(
    "L1",
    "DEVICE_ID",
    "A device's id has at most 48 letters, digits and ._~+/=- here: others can see it. Please leave it to the server.",
)


def device_name(proposed: object) -> str:
    """The client's type, for the free text that a client proposes as its device's name and others can read."""
    folded = " ".join(proposed[:200].casefold().split()) if isinstance(proposed, str) else ""
    return next((name for word, name in _CLIENTS if word in folded), ANY_CLIENT)


def decide_device_id(device_id: str | None) -> Decision:
    """Decides about the id that a client proposes for its device; None leaves it to the server."""
    return _FINE if device_id is None or _DEVICE_ID.fullmatch(device_id) else _NO_DEVICE_ID


# --- Push ------------------------------------------------------------------------------------------------------

_PUSH_FINE: Final = allow("P2", "The gateway is one that the community trusts.")


def decide_pusher(kind: object, data: object, gateways: Collection[str]) -> Decision:
    """Decides whether notifications may go to a push gateway: to listed addresses only (rule P2)."""
    address = data.get("url") if isinstance(data, Mapping) else None
    if kind == "http" and isinstance(address, str) and address in gateways:
        return _PUSH_FINE
    return refuse(
        "P2",
        "PUSH_GATEWAY",
        "This community's server does not send notifications to that address. "
        "Please use another app, or ask the people who run the community to list its push gateway.",
    )


def pusher_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """A pusher's data, with the format in which the gateway learns ids and counts only, and no names."""
    return {**data, "format": "event_id_only"}
