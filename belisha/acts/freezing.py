"""Commands that stop members and organisations, and let them go on: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import RUNNING, Argument, Command
from belisha.commands.values import MEMBER, ORGANISATION
from belisha.translation import marked

_WHOM: Final = Argument("member", MEMBER, marked("which member, by the address"))
_WHICH: Final = Argument("organisation", ORGANISATION, marked("which organisation, by its id"))

FREEZING_ACTS: Final = (
    Command(
        ("freeze", "organisation"),
        marked("stops all members of an organisation at once"),
        "!freeze organisation harbour",
        (_WHICH,),
        roles=RUNNING,
        act="organisation_freeze",
        confirm=marked("All its members are signed out and can do nothing until it is thawed."),
        title=marked("Freeze an organisation"),
    ),
    Command(
        ("thaw", "organisation"),
        marked("lets the members of a frozen organisation in again"),
        "!thaw organisation harbour",
        (_WHICH,),
        roles=RUNNING,
        act="organisation_thaw",
        title=marked("Thaw an organisation"),
    ),
    Command(
        ("freeze",),
        marked("stops a member: no sending, joining, downloads or sessions"),
        "!freeze @anna",
        (_WHOM,),
        roles=RUNNING,
        others="lead",
        act="member_freeze",
        title=marked("Freeze a member"),
    ),
    Command(
        ("thaw",),
        marked("lets a frozen member in again"),
        "!thaw @anna",
        (_WHOM,),
        roles=RUNNING,
        others="lead",
        act="member_thaw",
        title=marked("Thaw a member"),
    ),
)
