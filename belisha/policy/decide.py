"""Decides what label an item gets and whether its room may carry it (rules L1 to L4, R1, R4).

Pure: values in, a Decision out; it may know neither Synapse nor events nor a database.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from belisha.policy.decision import By, Decision, Verdict
from belisha.policy.rooms import Kind, Room
from belisha.policy.types import CALLS, CONTENT, MODULE_STATE, PROTOCOL
from belisha.tlp import Label


class Claims(NamedTuple):
    """Every label that an item claims: by its sender's label key, its text, its file and what it answers or edits.

    `is_marked` is whether a marker inside the file says the file's label, and not where it was shared before.
    """

    explicit: Label | None = None
    text: Label | None = None
    file: Label | None = None
    parent: Label | None = None
    is_edit: bool = False
    is_marked: bool = False


NO_CLAIMS: Final = Claims()

_NAMES: Final = tuple(str(label) for label in Label)
_ALLOW, _REFUSE = Verdict.ALLOW, Verdict.REFUSE

#: What to do instead, by the label that was asked for.
_INSTEAD: Final = (
    "Please ask a steward.",
    "Please post it in an open or a closed group.",
    "Please post it in a closed group, or start a direct chat with the people it is for.",
    "Please post it in a closed group of your organisation, or start a direct chat with the people it is for.",
    "TLP:RED is for named people only: start a direct chat with exactly those people and send it there.",
)


def decide(room: Room | None, event_type: str, claims: Claims = NO_CLAIMS, *, calls: bool = False) -> Decision:
    """Decides about one event in a room: whether its type and its label may stand there.

    Args:
        room: the room's policy; None where it has none that can be read.
        event_type: the Matrix event type.
        claims: the labels that the item claims; ignored for protocol types, which carry no label.
        calls: whether the community's settings allow calls.

    Returns:
        A Decision. An allowed content event has its one label and where that comes from.
    """
    if event_type not in CONTENT:
        return _decide_protocol(event_type, calls=calls)
    if room is None:
        return Decision(
            _REFUSE,
            "R1",
            "This room has no sharing rules, so nothing can be posted in it. Please ask a steward to set it up.",
            None,
            None,
            "NO_POLICY",
        )
    kind, default, ceiling, is_encrypted = room.kind, room.default, room.ceiling, room.encrypted
    if kind is Kind.SPACE:
        return Decision(
            _REFUSE, "R1", "A space only lists groups. Please post in one of its groups.", None, None, "NO_CONTENT_HERE"
        )
    if event_type == "m.room.encrypted" and not is_encrypted:
        return Decision(
            _REFUSE,
            "R4",
            "This room is not encrypted, so an encrypted message could not be labelled. "
            "Please send it unencrypted, or update your client.",
            None,
            None,
            "ENCRYPTED_HERE",
        )
    explicit, text, file, parent, is_edit, is_marked = claims
    if is_edit and parent is not None and (laxer := _laxer(explicit, text, parent)) is not None:
        return Decision(
            _REFUSE,
            "L4",
            f"This message is {_NAMES[parent]}, and an edit cannot lower that to {_NAMES[laxer]}. "
            "Its source can lower it by a relabel act: see “Changing a label” in the members' guide.",
            laxer,
            None,
            "LAXER_EDIT",
        )
    label, by = _strictest(explicit, text, file, parent)
    if label is None:
        label, by = default, By.ROOM
    name, limit = _NAMES[label], _NAMES[ceiling]
    if label <= ceiling:
        reason = f"{name}, {by.described}; {kind.described} carries up to {limit}."
        return Decision(_ALLOW, "L3", reason, label, by, None)
    if by is By.PARENT:
        why = f"It answers something that is {name}, so it is {name} too, and {kind.described} carries at most {limit}."
    elif by is By.FILE:
        how = "is marked" if is_marked else "was shared as"
        why = f"The file {how} {name}, and {kind.described} carries at most {limit}."
    else:
        why = f"This is {name}, and {kind.described} carries at most {limit}."
    return Decision(_REFUSE, "L3", f"{why} {_INSTEAD[label]}", label, by, "ABOVE_CEILING")


def _strictest(
    explicit: Label | None, text: Label | None, file: Label | None, parent: Label | None
) -> tuple[Label | None, By]:
    """The strictest of the claims (rule L2), and the first of them in this order where several are as strict."""
    label, by = explicit, By.SENDER
    if text is not None and (label is None or text > label):
        label, by = text, By.TEXT
    if file is not None and (label is None or file > label):
        label, by = file, By.FILE
    if parent is not None and (label is None or parent > label):
        label, by = parent, By.PARENT
    return label, by


def _laxer(explicit: Label | None, text: Label | None, parent: Label) -> Label | None:
    """The label below its parent's that an edit asks for, where it asks for nothing stricter; else None."""
    asked = [label for label in (explicit, text) if label is not None]
    return max(asked) if asked and max(asked) < parent else None


def _decide_protocol(event_type: str, *, calls: bool) -> Decision:
    if event_type in MODULE_STATE:
        return Decision(
            _REFUSE,
            "R1",
            "A room's sharing rules are written by the server alone. Please ask a steward to change them.",
            None,
            None,
            "POLICY_STATE",
        )
    if event_type in CALLS and not calls:
        return Decision(_REFUSE, "L1", "Calls are switched off in this community.", None, None, "CALLS_OFF")
    if event_type in PROTOCOL:
        return Decision(_ALLOW, "L1", "This type of event carries no label.", None, None, None)
    return Decision(
        _REFUSE,
        "L1",
        f"Events of type “{event_type[:80]}” cannot carry a label, so they are not accepted here. "
        "Please send an ordinary message.",
        None,
        None,
        "UNKNOWN_TYPE",
    )
