"""Decides what may still happen in a frozen group: it can be read, and left."""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import Decision, allow, refuse

_LEFT: Final = allow("R1", "A frozen group can be left.")
_BOT: Final = allow("R1", "The community's bot looks after frozen groups too.")
FROZEN_GROUP: Final = refuse(
    "R1",
    "FROZEN_GROUP",
    "This group is frozen for now: it can be read and left, and nobody can write, join or change anything in it. "
    "Please ask a steward.",
)


def decide_in_frozen(
    event_type: str, sender_id: str, state_key: str | None, membership: object, *, steward: str
) -> Decision:
    """Decides about one event in a frozen group; what the module itself sends is not asked about.

    Args:
        event_type: its type.
        sender_id: who sends it.
        state_key: the key of a state event.
        membership: what a membership event makes of whom the key names.
        steward: the bot that looks after the group and removes whose right has ended.
    """
    if sender_id == steward:
        return _BOT
    is_leaving = event_type == "m.room.member" and membership == "leave" and state_key == sender_id
    return _LEFT if is_leaving else FROZEN_GROUP
