"""Decides about relabel acts: who may raise or lower an item's label, and how far (rules L3 and L4).

Pure: values in, a Decision out; it may know neither Synapse nor events nor a database.
"""

from __future__ import annotations

from typing import Final

from belisha.policy.decision import By, Decision, Verdict, refuse
from belisha.policy.people import Person
from belisha.policy.rooms import Room
from belisha.tlp import Label

#: Where an item goes that has to become stricter than its room carries, by the label that was asked for.
_MOVE_IT: Final = {
    Label.GREEN: "Please redact it here, and post it in an open or a closed group.",
    Label.AMBER: "Please redact it here, and share it in a closed group or in a direct chat with the people it is for.",
    Label.AMBER_STRICT: "Please redact it here, and share it in your organisation's closed group or in a direct chat.",
    Label.RED: "Please redact it here, and share it in a direct chat with exactly the people it is for.",
}


def decide_relabel(
    room: Room,
    label: Label,
    asked: Label,
    *,
    is_source: bool,
    is_steward: bool,
    raised_from: Label | None,
) -> Decision:
    """Decides about one relabel act.

    Args:
        room: the room's policy.
        label: the item's label now.
        asked: the label that the act asks for.
        is_source: whether the item's source acts.
        is_steward: whether a steward acts.
        raised_from: the source's own label where a steward has raised the item since; else None.

    Returns:
        A Decision; an allowed one has the new label, by `relabel`.
    """
    if asked == label:
        return refuse("L4", "SAME_LABEL", f"This is {label} already, so there is nothing to change.", label)
    if not is_source and not is_steward:
        return refuse(
            "L4",
            "NOT_YOURS",
            "Only the source of an item or a steward can change its label. "
            f"Please ask who wrote it, or a steward, to make it {asked}.",
            asked,
        )
    refusal = _decide_raise(room, asked) if asked > label else _decide_lowering(label, asked, is_source, raised_from)
    if refusal is not None:
        return refusal
    act = "raised" if asked > label else "lowered"
    return Decision(Verdict.ALLOW, "L4", f"The label is {act} from {label} to {asked}.", asked, By.RELABEL)


def decide_only_raises(label: Label, asked: Label, asker: Person) -> Decision:
    """Decides about a command that raises and does nothing else; what becomes of it, `decide_relabel` says."""
    if "steward" not in asker.roles:
        return refuse("L4", "NOT_YOURS", "Only stewards raise what others wrote. Please ask one of them.", asked)
    if asked < label:
        return refuse("L4", "NO_RAISE", f"This is {label}, and {asked} would lower it. Use !relabel for that.", asked)
    return Decision(Verdict.ALLOW, "L4", "Stewards raise labels.", asked)


def _decide_raise(room: Room, asked: Label) -> Decision | None:
    if asked <= room.ceiling:
        return None
    why = f"{room.kind.described[:1].upper()}{room.kind.described[1:]} carries at most {room.ceiling}, so nothing "
    return refuse("L3", "ABOVE_CEILING", f"{why}in it can become {asked}. {_MOVE_IT[asked]}", asked)


def _decide_lowering(label: Label, asked: Label, is_source: bool, raised_from: Label | None) -> Decision | None:
    if raised_from is None:
        if is_source:
            return None
        reason = f"Only its source can lower this from {label} to {asked}. Please ask who wrote it."
        return refuse("L4", "NOT_YOURS", reason, asked)
    if is_source:
        reason = f"A steward has raised this to {label}. Please ask a steward to lower it again."
        return refuse("L4", "RAISED_BY_STEWARD", reason, asked)
    if asked < raised_from:
        reason = f"Its source made this {raised_from}, so a steward can lower it to that and no further."
        return refuse("L4", "NOT_YOURS", reason, asked)
    return None


def still_lowers(label: Label, asked: Label, *, by_steward: bool, raised_from: Label | None) -> bool:
    """Whether an act that was accepted may still be counted: not where another raise has come before it since."""
    return asked >= label or _decide_lowering(label, asked, not by_steward, raised_from) is None


def raised_from_after(label: Label, asked: Label, *, by_steward: bool, raised_from: Label | None) -> Label | None:
    """What `raised_from` is after an act that was allowed: a steward's raise starts it, a steward's return ends it."""
    if raised_from is not None:
        return None if by_steward and asked == raised_from else raised_from
    return label if by_steward and asked > label else None
