"""Whether a room is still being made: only then may its policy arrive, and state come before a policy (rule R1)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synapse_modules.snapshot import is_unborn

CREATION = SimpleNamespace(sender="@ann:x")
BEGINNING: dict[Any, Any] = {("m.room.create", ""): CREATION, ("m.room.member", "@ann:x"): SimpleNamespace()}


def test_a_room_is_unborn_until_anything_but_its_creator_is_in_it() -> None:
    assert is_unborn({})
    assert is_unborn({("m.room.create", ""): CREATION})  # type: ignore[dict-item]
    assert is_unborn(BEGINNING)


@pytest.mark.parametrize(
    "key",
    [
        ("m.room.history_visibility", ""),
        ("m.room.power_levels", ""),
        ("m.room.encryption", ""),
        ("org.belisha.room", ""),
        ("m.room.member", "@bob:x"),
    ],
)
def test_what_was_set_by_hand_ends_the_beginning(key: tuple[str, str]) -> None:
    assert not is_unborn(BEGINNING | {key: SimpleNamespace()})
