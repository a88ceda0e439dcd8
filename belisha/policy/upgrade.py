"""Plans the upgrade of a room (rule R1): what the new room begins with, and what the old one still accepts.

An upgrade never changes who may be in a room or what it may carry. The old room is closed for good before the new one
exists: its history can be read on, and its labels and rights go on, but nothing new is said there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from belisha.policy.archived import ARCHIVED
from belisha.policy.decision import Decision, refuse
from belisha.policy.rooms import Kind, Room, to_state
from belisha.policy.types import RELABEL
from belisha.polls.wire import END

#: Written here again, since `creation` needs what needs this file.
_POLICY: Final = ("org.belisha.room", "")

State = Mapping[tuple[str, str], Mapping[str, Any]]

REPLACED: Final = refuse(
    "R1", "REPLACED", "This room was replaced by a new one and can only be read. Please go on in the new room."
)
BY_THE_BOT: Final = refuse(
    "R1",
    "NO_UPGRADE",
    "Groups are upgraded by the community's bot, which takes their rules and members along. Please ask a steward.",
)
BY_THE_CREATOR: Final = refuse(
    "R1",
    "NO_UPGRADE",
    "A room of named people is upgraded by whoever made it, with the client's own command (“/upgraderoom 11”). "
    "Otherwise please start a new direct chat with everyone.",
)

#: What a replaced room still accepts beside leaving: its items' labels and their withdrawal stay with their source.
_STILL_ACCEPTED: Final = frozenset({RELABEL, "m.room.redaction"})

#: What the bot still says there: it ends open polls, and what it was about to say when the room was closed is not lost.
_STILL_SAID_BY_THE_BOT: Final = frozenset({*END, "m.room.message"})

#: The state that a new room begins with, as it stands in the old one.
_FROM_THE_START: Final = frozenset(
    {
        "m.room.name",
        "m.room.topic",
        "m.room.avatar",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
        "m.room.encryption",
        "m.room.power_levels",
        "org.belisha.named",
    }
)
#: The state that follows at once, before anybody is in the new room. Pins are not among it: they name old messages.
_AFTERWARDS: Final = frozenset(
    {"m.space.child", "m.space.parent", "m.widget", "im.vector.modular.widgets", "m.room.server_acl"}
)


def decide_replaced(room: Room, event_type: str, *, by_bot: bool = False) -> Decision | None:
    """The refusal of an event, other than membership, in a room that was replaced; None where it may be.

    Args:
        room: the room's policy.
        event_type: the event's type.
        by_bot: whether the community's bot sends it.
    """
    accepted = _STILL_ACCEPTED | (_STILL_SAID_BY_THE_BOT if by_bot else frozenset())
    return REPLACED if room.replaced and event_type not in accepted else None


def decide_upgrade(room: Room, *, is_of_the_start: bool, by_bot: bool) -> Decision | None:
    """The refusal of an upgrade; None where nothing stands against it.

    Args:
        room: the room's policy.
        is_of_the_start: whether it is the Space, announcements or the stewards' room.
        by_bot: whether the community's bot upgrades it, or the one who made it.
    """
    if room.replaced:
        return REPLACED
    if room.frozen:
        return refuse("R1", "FROZEN_GROUP", "This group is frozen, so nobody could go over. Please thaw it first.")
    if room.archived:
        return ARCHIVED
    if room.kind is Kind.SERVICE:
        return refuse("R1", "NO_UPGRADE", "Your room with the bot is looked after by the server and is not upgraded.")
    if is_of_the_start:
        return refuse(
            "R1", "NO_UPGRADE", "This room is there from the start and looked after by the server. It is not upgraded."
        )
    if (room.kind is Kind.NAMED) == by_bot:
        return BY_THE_CREATOR if by_bot else BY_THE_BOT
    return None


def plan_upgrade(room: Room, version: str, predecessor: Mapping[str, str], state: State) -> dict[str, Any]:
    """The body of `/createRoom` that makes the new room.

    Args:
        room: the old room's policy, as it was before it was closed.
        version: the room version of the new room.
        predecessor: id and last event of the old room (Matrix 1.16, m.room.create).
        state: the old room's state.
    """
    carried = {key: content for key, content in state.items() if key[0] in _FROM_THE_START and key[1] == ""}
    carried[_POLICY] = to_state(room._replace(replaced=False))
    creation: dict[str, Any] = {"predecessor": dict(predecessor)}
    return {
        "preset": "private_chat",
        "visibility": "private",  # it is listed once the old one is not
        "room_version": version,
        "creation_content": creation | ({"type": "m.space"} if room.kind is Kind.SPACE else {}),
        "initial_state": [
            {"type": event_type, "state_key": key, "content": dict(content)}
            for (event_type, key), content in carried.items()
        ],
    }


def state_to_follow(state: State) -> dict[tuple[str, str], dict[str, Any]]:
    """The rest of the state that goes along; what was taken away stays away."""
    return {key: dict(content) for key, content in state.items() if key[0] in _AFTERWARDS and content}
