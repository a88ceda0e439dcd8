"""Commands about the people of an organisation that the module carries out: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, RUNNING, Argument, Command
from belisha.commands.values import DURATION, LINE, MEMBER, MEMBERS, ORGANISATION, number, word
from belisha.translation import marked

_PAGE: Final = Argument("page", number(1, 999), marked("which part of a long list"), required=False, flag=True)

_ORGANISATION: Final = Argument(
    "organisation", ORGANISATION, marked("which organisation, where it is not yours"), required=False, flag=True
)
_MANAGERS: Final = frozenset({"manager"})

PEOPLE_ACTS: Final = (
    Command(
        ("members",),
        marked(
            "lists an organisation's members: since when, their roles, the day they were last active, and who is frozen"
        ),
        "!members",
        (
            Argument("organisation", ORGANISATION, marked("which organisation, where it is not yours"), required=False),
            _PAGE,
        ),
        roles=RUNNING,
        others="lead",
        where=ALONE,
        act="members_list",
        title=marked("See an organisation's members"),
    ),
    Command(
        ("members", "confirm"),
        marked("confirms that an organisation's members still belong to it: all of them, or those whom you name"),
        "!members confirm",
        (
            Argument("members", MEMBERS, marked("which of them, where it is not all"), required=False),
            _ORGANISATION,
        ),
        roles=RUNNING,
        others="lead",
        where=ALONE,
        act="members_confirm",
        # Leads are asked some weeks before it matters, and answer when they have looked.
        holds=35 * 86_400.0,
        title=marked("Confirm an organisation's members"),
    ),
    Command(
        ("members", "without-factor"),
        marked("lists members who have no second factor yet: your organisation's, or for managers everybody's"),
        "!members without-factor",
        (_PAGE,),
        roles=_MANAGERS,
        others="lead",
        where=ALONE,
        act="members_unfactored",
        title=marked("See who has no second factor"),
    ),
    Command(
        ("dormant",),
        marked("lists members who have not been seen for some time, 90 days where you name none"),
        "!dormant 120",
        (
            Argument("days", number(7, 3650), marked("for how many days"), required=False),
            _PAGE,
        ),
        roles=RUNNING,
        others="lead",
        where=ALONE,
        act="members_dormant",
        title=marked("See who has not been here for long"),
    ),
    Command(
        ("invite", "list"),
        marked("lists an organisation's registration tokens, by their ids"),
        "!invite list",
        (_ORGANISATION,),
        roles=_MANAGERS,
        others="lead",
        where=ALONE,
        act="invitation_list",
        title=marked("See registration tokens"),
    ),
    Command(
        ("invite", "revoke"),
        marked("ends a registration token; whoever has used it stays"),
        "!invite revoke 1f2e3d4c",
        (
            Argument(
                "id",
                word("[0-9a-f]{8}", marked("Please name a token by its id, as the list shows it.")),
                marked("which token, by its id"),
            ),
        ),
        roles=_MANAGERS,
        others="lead",
        where=ALONE,
        act="invitation_revoke",
        title=marked("End a registration token"),
    ),
    Command(
        ("invite",),
        marked("makes a registration token, with which new people of an organisation join"),
        "!invite --uses 3 --expires 7d",
        (
            Argument(
                "uses",
                number(1, 100),
                marked("how many people may use it; one, where you say nothing"),
                required=False,
                flag=True,
            ),
            Argument(
                "expires",
                DURATION,
                marked("for how long it holds; seven days, where you say nothing"),
                required=False,
                flag=True,
            ),
            Argument("name", LINE, marked("the new member's name, for a token of one use"), required=False, flag=True),
            _ORGANISATION,
        ),
        roles=_MANAGERS,
        others="lead",
        where=ALONE,
        act="invitation_make",
        title=marked("Invite new people to the community"),
    ),
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
            " This cannot be undone, and neither their names nor the id are ever given again."
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
            " This cannot be undone, and the user name is never given again."
        ),
        title=marked("Off-board a member"),
    ),
)
