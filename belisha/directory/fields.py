"""The fields of a profile, as data: what each holds, how long it may be, who sees it, what it weighs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Visibility(Enum):
    """Who may read a field of a profile; the owner always may."""

    COMMUNITY = "community"
    GROUPS = "groups"  # who shares a group with the owner at that moment
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        id: its name in commands, tables and Matrix (`org.belisha.<id>`).
        label: its name for people.
        code: the one letter by which the index knows it.
        tags: whether it is a list of short tags; otherwise it is one text.
        most: how many tags it may have; 1 for a text.
        length: how many characters a tag, or the text, may have.
        weight: what a match in it counts; 0: it is not searched.
        facet: whether hits can be narrowed down by it.
        choices: what it may say, where that is not free.
        visibility: who sees it until its owner chooses.
    """

    id: str
    label: str
    code: str
    tags: bool
    most: int
    length: int
    weight: float
    facet: bool = False
    choices: tuple[str, ...] = ()
    visibility: Visibility = Visibility.COMMUNITY


AVAILABILITY: Final = ("open to requests", "limited", "not now")

#: In the order in which they are shown. Contact says how to reach somebody, so it is shown and never searched.
FIELDS: Final = MappingProxyType(
    {
        field.id: field
        for field in (
            Field("role", "Role", "r", tags=False, most=1, length=80, weight=2.0),
            Field("about", "About", "a", tags=False, most=1, length=1000, weight=1.0),
            Field("expertise", "Expertise", "e", tags=True, most=30, length=40, weight=4.0),
            Field("interests", "Interests", "i", tags=True, most=30, length=40, weight=2.5, facet=True),
            Field("challenges", "Challenges", "c", tags=True, most=30, length=40, weight=2.0),
            Field("languages", "Languages", "l", tags=True, most=30, length=40, weight=1.5),
            Field(
                "availability",
                "Availability",
                "v",
                tags=False,
                most=1,
                length=40,
                weight=0.0,
                facet=True,
                choices=AVAILABILITY,
            ),
            Field(
                "contact",
                "Contact",
                "t",
                tags=False,
                most=1,
                length=120,
                weight=0.0,
                visibility=Visibility.GROUPS,
            ),
        )
    }
)

#: What the registry says of everybody is searched beside the fields: its code, its name for people, its weight.
REGISTRY: Final = MappingProxyType({"n": ("name", 4.0), "o": ("organisation", 2.0)})
