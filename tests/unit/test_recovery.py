"""Codes that give an account back: how they are typed, and that what is made can be read (rule M2)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.policy.recovery import ALPHABET, LENGTH, read_code, shown_code

CODES = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)


@given(CODES)
def test_a_code_is_read_however_it_is_typed(code: str) -> None:
    shown = shown_code(code)
    assert shown.count("-") == 3
    for typed in (code, shown, shown.lower(), shown.replace("-", " "), f"  {code}\n", code[:5] + " - " + code[5:]):
        assert read_code(typed) == code


@pytest.mark.parametrize(
    "typed", ["", "AAAA", "A" * 15, "A" * 17, "0" * 16, "O" * 16, "A" * 15 + "É", "A" * 15 + "\0", "Ａ" * 16]
)
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_code(typed) is None


def test_no_two_characters_are_taken_for_each_other_and_nobody_guesses_one() -> None:
    assert not set("01OIL") & set(ALPHABET) and len(set(ALPHABET)) == len(ALPHABET)
    assert LENGTH * math.log2(len(ALPHABET)) > 75
