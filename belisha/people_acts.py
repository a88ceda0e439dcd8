"""Commands about the people of an organisation that the module carries out: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, RUNNING, Argument, Command
from belisha.commands.values import MEMBER, ORGANISATION
from belisha.translation import marked

PEOPLE_ACTS: Final = (
    Command(
        ("offboard", "organisation"),
        marked("takes an organisation and all its members out of the community, for good"),
        "!offboard organisation harbour",
        (Argument("organisation", ORGANISATION, marked("which organisation, by its id")),),
        roles=RUNNING,
        where=ALONE,
        act="organisation_offboard",
        confirm=marked(
            "Their accounts end for good, they are signed out everywhere and leave every room. What they wrote stays."
            " This cannot be undone, and neither their names nor the id are ever given again. Shall I?"
        ),
        title=marked("Off-board an organisation"),
    ),
    Command(
        ("offboard",),
        marked("takes a member out of the community, for good"),
        "!offboard @anna",
        (Argument("member", MEMBER, marked("which member, by the address")),),
        roles=RUNNING,
        others="lead",
        where=ALONE,
        act="member_offboard",
        confirm=marked(
            "The account ends for good, is signed out everywhere and leaves every room. What was written with it stays."
            " This cannot be undone, and the user name is never given again. Shall I?"
        ),
        title=marked("Off-board a member"),
    ),
)
