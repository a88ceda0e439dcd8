"""Plans a change of a group's policy (rule R1): what it becomes, what holds meanwhile, and what it may hold for that.

A change is made in two steps, because a check races with messages that are on their way: first the stricter of old and
new is put in force, then, once everything in flight has landed, the room is read and the new policy follows.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from belisha.policy.decision import Decision, refuse
from belisha.policy.frozen import FROZEN_GROUP
from belisha.policy.rooms import Kind, Media, Purpose, Room, room_of
from belisha.policy.upgrade import REPLACED
from belisha.tlp import Label

_CHANGING = (Kind.OPEN, Kind.CLOSED)


class Change(NamedTuple):
    """A change: `meanwhile` is as strict as both, `limit` the strictest item that the room may hold for it."""

    old: Room
    meanwhile: Room
    new: Room
    limit: Label


class Files(NamedTuple):
    """What a group's policy says of files; None for what stays as it is."""

    media: Media | None = None
    sources_only: bool | None = None


_AS_BEFORE: Final = Files()
_BY_STRICTNESS: Final = tuple(Media)


def plan_change(
    old: Room,
    kind: Kind,
    organisations: tuple[str, ...],
    purpose: Purpose,
    known: frozenset[str],
    files: Files = _AS_BEFORE,
) -> Change | Decision:
    """Plans the change of a group from `old` to the kind, organisations, purpose and files.

    Args:
        old: the policy in force.
        kind: what it becomes.
        organisations: whose members may be in it; none for everybody.
        purpose: what it is for.
        known: the ids of all organisations of the community.
        files: which files it carries, and to whom it gives the originals.
    """
    if old.replaced:
        return REPLACED
    if old.kind not in _CHANGING or kind not in _CHANGING:
        return refuse(
            "R1", "NO_CHANGE", f"Only open and closed groups can be changed, and this is {old.kind.described}."
        )
    if organisations and kind is not Kind.CLOSED:
        return refuse("R1", "ORGANISATIONS", "Only a closed group can be kept to the organisations that it lists.")
    unknown = [name for name in organisations if name not in known]
    if unknown:
        return refuse("R1", "UNKNOWN_ORGANISATION", f"There is no organisation “{unknown[0][:80]}” in this community.")
    new = room_of(kind, tuple(dict.fromkeys(organisations)), purpose)._replace(
        frozen=old.frozen,
        archived=old.archived,
        media=old.media if files.media is None else files.media,
        sources_only=old.sources_only if files.sources_only is None else files.sources_only,
    )
    if new == old:
        return refuse("R1", "NO_CHANGE", "The room is like that already.")
    both = tuple(name for name in old.organisations if name in new.organisations)
    if old.organisations and new.organisations and not both:
        return refuse("R1", "NO_CHANGE", "None of its organisations would stay. Please make a new group instead.")
    meanwhile = Room(
        Kind.CLOSED if Kind.CLOSED in (old.kind, new.kind) else Kind.OPEN,
        min(old.default, new.default),
        min(old.ceiling, new.ceiling),
        both or old.organisations or new.organisations,
        old.purpose,
        frozen=old.frozen,
        archived=old.archived,
        media=min(old.media, new.media, key=_BY_STRICTNESS.index),
        sources_only=old.sources_only or new.sources_only,
    )
    limit = min(Label.GREEN, new.ceiling) if widens(old, new) else new.ceiling
    return Change(old, meanwhile, new, limit)


def plan_freezing(old: Room, *, frozen: bool) -> Room | Decision:
    """The policy of a group once it is frozen, or thawed."""
    if old.replaced:
        return REPLACED
    if old.kind not in _CHANGING:
        return refuse(
            "R1", "NO_CHANGE", f"Only open and closed groups can be frozen, and this is {old.kind.described}."
        )
    return old._replace(frozen=frozen)


def plan_archiving(old: Room, *, archived: bool) -> Room | Decision:
    """The policy of a group once it is archived, or brought back."""
    if old.replaced:
        return REPLACED
    if old.frozen:
        return FROZEN_GROUP
    if old.kind not in _CHANGING:
        return refuse(
            "R1", "NO_CHANGE", f"Only open and closed groups can be archived, and this is {old.kind.described}."
        )
    return old._replace(archived=archived)


def widens(old: Room, new: Room) -> bool:
    """Whether anybody could read the room who could not before."""
    if old.kind is not new.kind:
        return new.kind is Kind.OPEN
    return bool(old.organisations) and not (new.organisations and set(new.organisations) <= set(old.organisations))


def decide_change(change: Change, strictest: Label | None) -> Decision | None:
    """The refusal of a change of a room whose strictest item is `strictest`; None where nothing stands against it."""
    if strictest is None or strictest <= change.limit:
        return None
    if widens(change.old, change.new):
        why = "the change would let people read it for whom it was not shared. Only its source may widen it"
    else:
        why = f"{change.new.kind.described} of this sort carries at most {change.new.ceiling}"
    return refuse(
        "R1",
        "HOLDS_STRICTER",
        f"The room holds something that is {strictest}, and {why}. Please make a new group instead.",
        strictest,
    )
