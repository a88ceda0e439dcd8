"""Decides who may open a direct chat, or another room of named people, with whom (rule M1): each member's choice."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from belisha.policy.decision import Decision, allow, refuse


class DirectChats(StrEnum):
    """From whom a member takes direct chats."""

    ANYONE = "anyone"
    #: Who is in an open or closed group with the member, and who was introduced.
    MY_GROUPS = "my-groups"
    #: Who was introduced.
    INTRODUCTIONS = "introductions"
    #: No one, and nobody asks them for introductions either.
    NOBODY = "nobody"


_WELCOME: Final = allow("M1", "The member takes direct chats from this person.")
#: One sentence for every choice and for rooms of several: who chose what is told to nobody.
_NOT_INTRODUCED: Final = refuse(
    "M1",
    "NOT_INTRODUCED",
    "You cannot write directly to everyone you named yet. Please ask Steward (bot), or somebody who knows you both, to "
    "introduce you; or write in a group.",
)


def decide_direct_chat(choice: DirectChats, *, shares_group: bool, introduced: bool) -> Decision:
    """Decides whether somebody may invite a member to a room of named people.

    Args:
        choice: the invited member's.
        shares_group: whether both are in an open or closed group now, other than those that everybody is in.
        introduced: whether the two were introduced to each other.
    """
    if choice is DirectChats.NOBODY:
        return _NOT_INTRODUCED
    if choice is DirectChats.ANYONE or introduced or (choice is DirectChats.MY_GROUPS and shares_group):
        return _WELCOME
    return _NOT_INTRODUCED
