"""Reads Synapse's events and room state into the core's values."""

from __future__ import annotations

from synapse.events import EventBase
from synapse.types import StateMap

from belisha.policy.creation import NAMED_TYPE, POLICY_TYPE
from belisha.policy.rooms import Room, from_state

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
    return frozenset(
        key
        for (event_type, key), event in state.items()
        if event_type == "m.room.member" and event.content.get("membership") in ("join", "invite")
    )


def is_unborn(state: StateMap[EventBase]) -> bool:
    """Whether a room holds nothing but its creation and its creator.

    So Synapse shows every event that a room is made with. A creation that failed leaves such a room behind, and nothing
    that its creator then sets by hand may pass for a part of the creation.
    """
    creation = state.get(("m.room.create", ""))
    return set(state) <= {("m.room.create", ""), ("m.room.member", creation.sender if creation is not None else "")}
