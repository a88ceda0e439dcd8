"""What an account may write into its own profile, which everyone reads."""

from __future__ import annotations

import pytest

from belisha.markers import MarkerReader
from belisha.policy.profile import decide_profile_field


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("displayname", "whatever Synapse's setting says", None),
        ("avatar_url", "mxc://x/AbC", None),
        ("avatar_url", "", None),
        ("avatar_url", "TLP:RED the pump", "R3"),
        ("avatar_url", 3, "R3"),
        ("m.tz", "Europe/London", None),
        ("m.tz", None, None),
        ("m.tz", "TLP:RED", "R3"),
        ("m.tz", "x" * 65, "R3"),
        ("m.tz", ["x"], "R3"),
        ("org.belisha.roles", ["manager"], "M3"),
        ("org.belisha.roles", None, "M3"),
        ("com.example.note", "x", "M3"),
    ],
)
def test_profile_fields(field: str, value: object, rule: str | None) -> None:
    decision = decide_profile_field(field, value, MarkerReader())
    assert (None if decision.allowed else decision.rule) == rule
