"""Decides what is still open to somebody who is muted, or banned from a group by those who moderate (rule M1).

Pure: values in, a Decision out. A mute ends by its time, whoever looks, and holds whatever the power levels say.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.rooms import Kind
from belisha.policy.types import RELABEL

MUTE: Final = "mute"
BAN: Final = "ban"

_FINE: Final = allow("M1", "Nothing keeps this member from it.")
_OWN: Final = allow("M1", "Who is muted may leave, and take back or relabel what they wrote.")
_BANNED: Final = refuse(
    "M1",
    "BANNED",
    "This member was banned from the group by the people who moderate the community. A steward can unban them.",
)
_ENTERING: Final = frozenset({"invite", "join", "knock"})
#: Sent by Synapse itself in the name of whoever is in a room; it is empty.
_DUMMY: Final = "org.matrix.dummy_event"
#: What is open to who is muted, and the keys that it needs.
NEEDED: Final = {
    "m.room.member": frozenset({"membership", "displayname", "avatar_url", "is_direct"}),
    "m.room.redaction": frozenset({"redacts"}),
    RELABEL: frozenset({"m.relates_to", "label"}),
}


class Restriction(NamedTuple):
    """What holds for a member: muted or banned, in one room or, where that is None, in all of them."""

    act: str
    room_id: str | None
    until: int | None = None
    """Seconds since 1970; None where it holds until it is undone."""
    by_role: str = "steward"

    def holds(self, now: float) -> bool:
        """Whether its time has not come yet."""
        return self.until is None or now < self.until


class Said(NamedTuple):
    """What an event says, as far as a mute is concerned.

    Attributes:
        event_type: its type.
        is_own_membership: whether it is the sender's own membership.
        is_about_own: whether what it redacts or relabels was written by its sender.
        says_more: whether more stands in it than it needs, such as a reason, which others would read.
    """

    event_type: str
    is_own_membership: bool = False
    is_about_own: bool = False
    says_more: bool = False


def muted_until(restrictions: Iterable[Restriction], room_id: str | None, kind: Kind, now: float) -> int | None:
    """Until when somebody is muted in a room, in seconds since 1970; None where they are not.

    Args:
        restrictions: what holds for them.
        room_id: the room; None for one that is still to be made.
        kind: its kind: in the room with the bot nobody is muted.
        now: seconds since 1970.
    """
    if kind is Kind.SERVICE:
        return None
    found = [
        one.until
        for one in restrictions
        if one.act == MUTE and one.room_id in (None, room_id) and one.until is not None and one.holds(now)
    ]
    return max(found, default=None)


def decide_muted(until: int | None, said: Said) -> Decision:
    """Decides about an event of somebody who is muted until then; None is nobody who is."""
    if until is None or said.event_type == _DUMMY:
        return _FINE
    about_own = said.event_type in ("m.room.redaction", RELABEL) and said.is_about_own
    if said.is_own_membership or about_own:
        return _OWN if not said.says_more else _muted(until, " Without a reason, this can be done.")
    return _muted(until)


def decide_muted_act(until: int | None) -> Decision:
    """Decides about anything else that somebody would do to a room, such as giving it an address, or make one."""
    return _FINE if until is None else _muted(until)


def decide_banned(restrictions: Iterable[Restriction], room_id: str, membership: str, now: float) -> Decision:
    """Decides whether somebody may come into a room, whoever has lifted the ban in Matrix itself.

    What a maintainer banned, the group's maintainers let in again as they like.
    """
    if membership not in _ENTERING:
        return _FINE
    above = (one for one in restrictions if one.act == BAN and one.by_role in ("steward", "manager"))
    return _BANNED if any(one.room_id == room_id and one.holds(now) for one in above) else _FINE


def told(until: int) -> str:
    """A moment as people read it."""
    return datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _muted(until: int, more: str = "") -> Decision:
    reason = f"You are muted here until {told(until)}: you can read, leave, and take back what you wrote.{more}"
    return refuse("M1", "MUTED", reason if more else f"{reason} Please ask a steward.")
