"""Decides what may still happen in an archived group: it can be read and left, and its items stay their sources'."""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import Decision, refuse
from belisha.policy.types import RELABEL

ARCHIVED: Final = refuse(
    "R1",
    "ARCHIVED",
    "This group is archived: it can be read and left, and nothing new can be written in it. "
    "Its maintainers can bring it back with `!group unarchive`.",
)

#: What a source may do about what it has written, wherever that stands: correct its label, and take it back.
_STILL_ACCEPTED: Final = frozenset({RELABEL, "m.room.redaction"})


def decide_archived(event_type: str, sender_id: str, *, steward: str) -> Decision | None:
    """The refusal of an event, other than membership, in an archived group; None where it may be.

    Args:
        event_type: its type.
        sender_id: who sends it.
        steward: the bot that looks after the group.
    """
    return None if sender_id == steward or event_type in _STILL_ACCEPTED else ARCHIVED
