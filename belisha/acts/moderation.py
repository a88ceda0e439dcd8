"""Commands of those who moderate: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from belisha.commands.declaration import ALONE, GROUPS, RUNNING, Argument, Command
from belisha.commands.values import DURATION, LINE, MEMBER, ROOM
from belisha.commands.values import YES as GIVEN
from belisha.translation import marked

_WHOM: Final = Argument("member", MEMBER, marked("which member, by the address"))
_GROUP: Final = Argument(
    "group",
    ROOM,
    marked("which group, where it is not this one"),
    required=False,
    flag=True,
    on_page=marked("another group, by its address, where it is not in the list"),
)
_EVERYWHERE: Final = Argument(
    "everywhere",
    GIVEN,
    marked("in all rooms, not in this group"),
    required=False,
    flag=True,
    on_page=marked("in all rooms; then choose no group"),
)
_WHY: Final = Argument("reason", LINE, marked("why, in words that the member may read"), required=False, flag=True)

MODERATION_ACTS: Final = (
    Command(
        ("warn",),
        marked("warns a member, in their own room with the steward"),
        '!warn @anna --reason "No names of patients here"',
        (_WHOM, replace(_WHY, required=True)),
        roles=RUNNING,
        others="lead",
        act="member_warn",
        title=marked("Warn a member"),
    ),
    Command(
        ("mute",),
        marked("keeps a member from writing, for some time"),
        "!mute @anna 2h",
        (_WHOM, Argument("time", DURATION, marked("for how long")), _EVERYWHERE, _GROUP, _WHY),
        roles=RUNNING,
        others="maintainer or lead",
        is_about_room=True,
        act="member_mute",
        title=marked("Mute a member"),
    ),
    Command(
        ("unmute",),
        marked("lets a muted member write again"),
        "!unmute @anna",
        (_WHOM, _EVERYWHERE, _GROUP),
        roles=RUNNING,
        others="maintainer or lead",
        is_about_room=True,
        act="member_unmute",
        title=marked("Let a muted member write again"),
    ),
    Command(
        ("kick",),
        marked("removes a member from this group, who may come back as everybody may"),
        "!kick @anna",
        (_WHOM, _GROUP, _WHY),
        roles=RUNNING,
        others="maintainer",
        is_about_room=True,
        act="member_kick",
        on_page=marked("removes a member from a group, who may come back as everybody may"),
        title=marked("Remove a member from a group"),
    ),
    Command(
        ("ban",),
        marked("removes a member from this group, who cannot come back until unbanned"),
        "!ban @anna",
        (_WHOM, _GROUP, _WHY),
        roles=RUNNING,
        others="maintainer",
        is_about_room=True,
        act="member_ban",
        on_page=marked("removes a member from a group, who cannot come back until unbanned"),
        title=marked("Ban a member from a group"),
    ),
    Command(
        ("unban",),
        marked("lets a banned member come back to this group"),
        "!unban @anna",
        (_WHOM, _GROUP),
        roles=RUNNING,
        others="maintainer",
        is_about_room=True,
        act="member_unban",
        on_page=marked("lets a banned member come back to a group"),
        title=marked("Let a banned member come back"),
    ),
    Command(
        ("redact",),
        marked("takes back the message that you answer, with its edits"),
        '!redact --reason "It names a patient"',
        (_WHY,),
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_answer=True,
        act="item_redact",
        on_page=marked("takes back a message in a group, with its edits"),
        title=marked("Take back a message"),
    ),
    Command(
        ("mod", "log"),
        marked("shows what those who moderate have done to a member before"),
        "!mod log @anna",
        (_WHOM,),
        roles=RUNNING,
        where=ALONE,
        act="moderation_log",
        title=marked("See what was done to a member"),
    ),
)
