"""Decides what an account may write into its profile, which everyone in the community reads (rules M3 and R3)."""

from __future__ import annotations

from typing import Final

from belisha.markers import MarkerReader
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.state import decide_public_text, is_media_address

#: Matrix 1.16, "Profiles", and MSC4175: what clients write there besides name and picture.
_TIME_ZONE: Final = frozenset({"m.tz", "us.cloke.msc4175.tz"})
LONGEST_FIELD: Final = 64

_FINE: Final = allow("M3", "The profile may say this.")


def decide_profile_field(field: str, value: object, markers: MarkerReader) -> Decision:
    """Decides about one field; None as `value` takes it away. Whether a name may be changed is Synapse's setting."""
    if field == "displayname":
        return _FINE
    if field == "avatar_url":
        if value is None or is_media_address(value):
            return _FINE
        return refuse("R3", "MALFORMED", "A picture is named by its address, which begins with “mxc://”.")
    if field not in _TIME_ZONE:
        return refuse("M3", "PROFILE_FIELD", "What a profile says of a member is written by the server alone.")
    if value is None:
        return _FINE
    if isinstance(value, str) and len(value) > LONGEST_FIELD:
        return refuse("R3", "TOO_MUCH_TEXT", f"A text here has at most {LONGEST_FIELD} characters.")
    return decide_public_text(value, "profile", markers)
