"""Reads Synapse's events and room state into the core's values."""

from __future__ import annotations

from collections.abc import Mapping

from synapse.events import EventBase
from synapse.types import StateMap

from belisha.policy.creation import NAMED_TYPE, POLICY_TYPE
from belisha.policy.rooms import Room, from_state

#: What a member's power in a room follows from.
POWER_STATE = (("m.room.create", ""), ("m.room.power_levels", ""))
_ENCRYPTION = ("m.room.encryption", "")
_POLICY = (POLICY_TYPE, "")
_NAMED = (NAMED_TYPE, "")


def room_of(state: StateMap[EventBase]) -> Room | None:
    """A room's policy; None where it has none that can be read."""
    policy = state.get(_POLICY)
    return None if policy is None else from_state(policy.content, is_encrypted=_ENCRYPTION in state)


def named_in(state: StateMap[EventBase]) -> frozenset[str]:
    """The localparts that a named room lists."""
    event = state.get(_NAMED)
    members = event.content.get("members") if event is not None else None
    return (
        frozenset(name for name in members if isinstance(name, str))
        if isinstance(members, list | tuple)
        else frozenset()
    )


def present_in(state: StateMap[EventBase]) -> frozenset[str]:
    """The user ids that are invited or joined."""
    return _members(state, "join", "invite")


def joined_in(state: StateMap[EventBase]) -> frozenset[str]:
    """The user ids that are joined."""
    return _members(state, "join")


def _members(state: StateMap[EventBase], *memberships: str) -> frozenset[str]:
    return frozenset(
        key
        for (event_type, key), event in state.items()
        if event_type == "m.room.member" and event.content.get("membership") in memberships
    )


def replaced_by(state: StateMap[EventBase]) -> str | None:
    """The id of the room whose upgrade a room is; no client can name one in a creation."""
    creation = state.get(("m.room.create", ""))
    predecessor = creation.content.get("predecessor") if creation is not None else None
    room_id = predecessor.get("room_id") if isinstance(predecessor, Mapping) else None
    return room_id if isinstance(room_id, str) else None


def text_in(state: StateMap[EventBase], event_type: str, key: str) -> str | None:
    """A text of a room's state; None where it is empty or not there."""
    event = state.get((event_type, ""))
    value = event.content.get(key) if event is not None else None
    return value if isinstance(value, str) and value else None


def is_unborn(state: StateMap[EventBase]) -> bool:
    """Whether a room holds nothing but its creation and its creator.

    So Synapse shows every event that a room is made with. A creation that failed leaves such a room behind, and nothing
    that its creator then sets by hand may pass for a part of the creation.
    """
    creation = state.get(("m.room.create", ""))
    return set(state) <= {("m.room.create", ""), ("m.room.member", creation.sender if creation is not None else "")}
