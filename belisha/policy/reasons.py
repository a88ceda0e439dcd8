"""Decides about the reason that somebody gives for an act on others: it is short, and fit for everybody (rule R3)."""

from __future__ import annotations

from belisha.events import LONGEST_REASON
from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, refuse
from belisha.policy.state import decide_public_text


def decide_reason(reason: object, markers: MarkerReader) -> Decision:
    """Decides about a reason, which those whom the act concerns will read."""
    if isinstance(reason, str) and len(reason) > LONGEST_REASON:
        return refuse("R3", "TOO_MUCH_TEXT", f"A reason has at most {LONGEST_REASON} characters.")
    return decide_public_text(reason, "reason", markers)
