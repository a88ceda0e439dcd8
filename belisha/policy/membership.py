"""Decides who may come into a room (rules M1 and P1). Leaving is always allowed, but for the steward bot in groups."""

from __future__ import annotations

from typing import Final

from belisha.policy.archived import ARCHIVED
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import BOT_PREFIX, Person
from belisha.policy.rooms import Kind, Room
from belisha.policy.upgrade import REPLACED

_ENTERING: Final = frozenset({"invite", "join", "knock"})
_LEAVING: Final = frozenset({"leave", "ban"})
_FITS: Final = allow("M1", "The membership fits the room.")
BELONGS: Final = allow("M1", "This account belongs to an organisation of the community.")
_FROZEN: Final = refuse(
    "M1",
    "FROZEN",
    "This account is frozen for now, so it cannot do anything here. "
    "Please ask the lead of its organisation, or the people who run the community.",
)
_NOT_A_MEMBER: Final = refuse(
    "M1",
    "NOT_A_MEMBER",
    "This account does not belong to an organisation of the community yet. To ask one, write !ask-in to the bot.",
)


def decide_standing(person: Person) -> Decision:
    """Decides whether an account may act as a member."""
    if person.frozen:
        return _FROZEN
    return BELONGS if person.belongs else _NOT_A_MEMBER


def decide_act(person: Person, room: Room, *, is_state: bool) -> Decision:
    """Decides whether an account may write in a room; one without an organisation only talks to the bot."""
    if room.kind is Kind.SERVICE and not is_state and not person.frozen:
        return BELONGS
    return decide_standing(person)


def decide_stay(room: Room, target: Person, named: frozenset[str]) -> Decision:
    """Decides whether whoever is in a room, or asks to be, still may be.

    A frozen account keeps the room with the bot, where it is told what it needs to know once it is thawed.
    """
    if room.kind is Kind.SERVICE:
        return _FITS
    # Who is in a replaced or archived room stays there to read.
    open_room = room._replace(replaced=False, archived=False)
    return decide_membership(open_room, target, "join", sender_id=target.user_id, named=named, present=frozenset())


def decide_membership(
    room: Room,
    target: Person,
    membership: str,
    *,
    sender_id: str,
    named: frozenset[str],
    present: frozenset[str],
    joined: frozenset[str] = frozenset(),
) -> Decision:
    """Decides about one membership event.

    Args:
        room: the room's policy.
        target: whose membership changes.
        membership: `invite`, `join`, `knock`, `leave` or `ban`.
        sender_id: who changes it.
        named: localparts of the individuals that a named room lists.
        present: user ids that are invited or joined now.
        joined: of a replaced or archived room, the user ids that are joined: their profile may change there, and nobody
            comes in.
    """
    if membership in _LEAVING:
        if target.is_bot and room.kind in (Kind.OPEN, Kind.CLOSED, Kind.SPACE) and sender_id != target.user_id:
            return refuse("M1", "BOT_STAYS", "The community's bot looks after this room and cannot be removed from it.")
        return _FITS
    if membership not in _ENTERING:
        return refuse("M1", "UNKNOWN_MEMBERSHIP", "This kind of membership does not exist.")
    if room.replaced and target.user_id not in joined:
        return REPLACED
    if room.archived and not target.is_bot and target.user_id not in joined:
        return ARCHIVED
    if target.is_bot:
        return _decide_bot(room, target, present)
    if target.frozen or (target.organisation is None and room.kind is not Kind.SERVICE):
        return decide_standing(target)
    return _DECIDE_MEMBER[room.kind](room, target, membership, named, present)


def _decide_bot(room: Room, target: Person, present: frozenset[str]) -> Decision:
    if room.kind is Kind.NAMED:
        return refuse("P1", "NO_BOTS_HERE", "Bots are never in rooms of named people. Please leave the bot out.")
    if room.kind is Kind.SERVICE and len(present | {target.user_id}) > 2:
        return refuse("P1", "TWO_ONLY", "A room with a bot has one member and that bot. Please open another.")
    return _FITS


def _decide_group(
    room: Room, target: Person, membership: str, _named: frozenset[str], _present: frozenset[str]
) -> Decision:
    if room.organisations and target.organisation not in room.organisations:
        return refuse(
            "M1",
            "OTHER_ORGANISATION",
            "This group is for members of the organisations that it lists only, and this is a member of another.",
        )
    if membership == "knock" and room.kind is not Kind.CLOSED:
        return refuse("M1", "NO_KNOCK", "There is no need to ask here: every member may join this group.")
    return _FITS


def _decide_named(
    _room: Room, target: Person, membership: str, named: frozenset[str], _present: frozenset[str]
) -> Decision:
    if membership == "knock" or target.localpart not in named:
        return refuse(
            "M1",
            "NOT_NAMED",
            "Only the people named when this room was made may be in it. Please start a new direct chat with everyone.",
        )
    return _FITS


def _decide_service(
    _room: Room, target: Person, _membership: str, _named: frozenset[str], present: frozenset[str]
) -> Decision:
    # Two members without the bot would be a room of named people that its rules know nothing of.
    if not all(other.startswith(f"@{BOT_PREFIX}") for other in present - {target.user_id}):
        return refuse("M1", "TWO_ONLY", "A room with a bot has one member and that bot. Please start a direct chat.")
    return _FITS


_DECIDE_MEMBER: Final = {
    Kind.OPEN: _decide_group,
    Kind.CLOSED: _decide_group,
    Kind.SPACE: _decide_group,
    Kind.NAMED: _decide_named,
    Kind.SERVICE: _decide_service,
}
