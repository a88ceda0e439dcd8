"""What the module tells the metrics of accounts, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing that an account did.

    Attributes:
        action: one of `belisha.metrics.actions.ACTIONS`.
        user_id: the account.
        at: when, in milliseconds since 1970.
        room_id: the group; empty for none.
        label: the label of what it was about; empty for none.
        what: the id of what it was about; empty for nothing.
    """

    action: str
    user_id: str
    at: int
    room_id: str = ""
    label: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """Some of them, how far they go, and whether there are more at once."""

    doings: Sequence[Doing]
    next: str
    more: bool


def done_of(answer: Mapping[str, Any]) -> Done | None:
    """Reads an answer of the module; None where it is none."""
    listed, following = answer.get("doings"), answer.get("next")
    if not isinstance(listed, list) or not isinstance(following, str):
        return None
    found = []
    for one in listed:
        values = [one.get(key) if isinstance(one, dict) else None for key in ("action", "user_id", "at")]
        action, user_id, at = values
        if not isinstance(action, str) or not isinstance(user_id, str) or not isinstance(at, int):
            return None
        found.append(Doing(action, user_id, at, *(str(one.get(key) or "") for key in ("room_id", "label", "what"))))
    return Done(tuple(found), following, answer.get("more") is True)
