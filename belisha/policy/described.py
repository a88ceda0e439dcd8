"""Values of the wire format that have words for people."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Described(StrEnum):
    """An enumeration whose members are their values, and carry their description.

    The description is an attribute because it is read on every decision: a look-up by member would cost a hash.
    """

    described: str

    def __new__(cls, value: str, described: str) -> Self:
        """A member of that value and description."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.described = described
        return member
