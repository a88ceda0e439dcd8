"""What the module tells of an anonymous poll to a member who can read it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belisha.polls.card import parse_poll
from belisha.polls.wire import MalformedPoll, Start
from belisha.tlp import Label


@dataclass(frozen=True, slots=True)
class BallotPaper:
    """An anonymous poll as a member may read it now."""

    start: Start
    label: Label
    may_vote: bool
    """Whether they may vote where all may who are in the group."""
    may_vote_opening: bool
    """Whether they may where only those may who were there when it began."""
    edited_late: bool = False
    """Whether its card was edited; what it asked at first counts."""


def read_paper(answer: Mapping[str, Any]) -> BallotPaper | None:
    """Reads the module's answer; None where it cannot be read."""
    may, label, poll = answer.get("may_vote"), Label.parse(str(answer.get("label"))), answer.get("poll")
    if not isinstance(may, dict) or label is None or not isinstance(poll, dict):
        return None
    try:
        start = parse_poll(poll)
    except MalformedPoll:
        return None
    is_edited = answer.get("edited_late") is True
    return BallotPaper(start, label, may.get("closing") is True, may.get("opening") is True, is_edited)
