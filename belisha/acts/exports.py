"""Copies of all that is held about a member: a part of the table in `acts`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import MEMBER
from belisha.translation import marked

MYDATA: Final = Command(
    ("mydata",),
    marked("makes a copy of all that is held about you, for you to download on the portal"),
    "!mydata",
    where=ALONE,
    act="export",
    title=marked("A copy of my data"),
)
MYDATA_FOR: Final = Command(
    ("mydata", "for"),
    marked("makes a copy of all that is held about a member who asked for it in writing; only they can take it"),
    "!mydata for @anna",
    (Argument("member", MEMBER, marked("whose data, by the address")),),
    roles=frozenset({"manager"}),
    where=ALONE,
    act="export_for",
    confirm=marked("The copy is made for that member, who is told of it. You cannot read it."),
    title=marked("A copy of a member's data"),
)

EXPORT_ACTS: Final = (MYDATA, MYDATA_FOR)
