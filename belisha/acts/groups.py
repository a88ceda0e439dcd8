"""Acts on groups that any member may ask for, and those of a group's maintainers: a part of the table in `acts`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, GROUPS, RUNNING, Argument, Command
from belisha.commands.values import MEMBERS, ORGANISATIONS, ROOM, ROOM_BY_ADDRESS, TEXT, TITLE, choice
from belisha.policy.rooms import Purpose
from belisha.translation import marked

#: The most people that one command names.
MOST_PEOPLE: Final = 20

_THIS_GROUP: Final = Argument(
    "room", ROOM, marked("which group, where it is not this one"), required=False, on_page=marked("which group")
)

GROUP_ACTS: Final = (
    Command(
        ("group", "create"),
        marked("makes a group, of which you are the first maintainer"),
        '!group create closed "Tides and winds" --purpose documents',
        (
            Argument("kind", choice("open", "closed"), marked("whether any member may join, or only who is let in")),
            Argument("topic", TITLE, marked("what it is about, in words that every member may read")),
            Argument(
                "organisations",
                ORGANISATIONS,
                marked("the organisations that a closed group is kept to, by their ids"),
                required=False,
                flag=True,
            ),
            Argument("purpose", choice(*Purpose), marked("what it is for"), required=False, flag=True),
        ),
        act="group_create",
        title=marked("Make a group"),
    ),
    Command(
        ("red",),
        marked("opens a room for exactly these people, which carries TLP:RED"),
        '!red @anna @ben "The pump at pier 4"',
        (
            Argument("members", MEMBERS, marked("which members, by their addresses")),
            Argument(
                "subject",
                TEXT,
                marked("what to say there first; I can read it too"),
                required=False,
                on_page=marked("what to say there first; the steward can read it too"),
            ),
        ),
        where=ALONE,
        act="red",
        title=marked("Open a room for named people"),
    ),
    Command(
        ("group", "join"),
        marked("joins an open group, or asks a closed one to let you in"),
        "!group join #tides",
        (Argument("room", ROOM_BY_ADDRESS, marked("which group, by its address")),),
        act="group_join",
        title=marked("Join a group, or ask to be let in"),
    ),
    Command(
        ("group", "leave"),
        marked("leaves this group, or another one"),
        "!group leave",
        (_THIS_GROUP,),
        act="group_leave",
        on_page=marked("leaves a group"),
        title=marked("Leave a group"),
    ),
    Command(
        ("group", "invite"),
        marked("invites members to this group"),
        "!group invite @anna @ben",
        (Argument("members", MEMBERS, marked("which members, by their addresses")),),
        where=GROUPS,
        is_about_room=True,
        act="group_invite",
        on_page=marked("invites members to a group"),
        title=marked("Invite members to a group"),
    ),
    Command(
        ("group", "rename"),
        marked("gives this group another name"),
        '!group rename "Tides, winds and currents"',
        (Argument("name", TITLE, marked("its name, in words that every member may read")),),
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        act="group_rename",
        on_page=marked("gives a group another name"),
        title=marked("Rename a group"),
    ),
    Command(
        ("group", "topic"),
        marked("says anew what this group is about"),
        '!group topic "What the gauges show"',
        (Argument("topic", TITLE, marked("what it is about, in words that every member may read")),),
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        act="group_topic",
        on_page=marked("says anew what a group is about"),
        title=marked("Say what a group is about"),
    ),
    Command(
        ("group", "composer"),
        marked("puts the page for writing with a label into this group in Element, or takes it out"),
        "!group composer on",
        (Argument("shown", choice("on", "off"), marked("whether it is there")),),
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        act="group_composer",
        on_page=marked("puts the page for writing with a label into a group in Element, or takes it out"),
        title=marked("Put the page for writing into a group"),
    ),
    Command(
        ("group", "archive"),
        marked("closes this group for good or for a while: it can be read and left, and is listed nowhere"),
        "!group archive",
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        act="group_archive",
        on_page=marked("closes a group for good or for a while: it can be read and left, and is listed nowhere"),
        confirm=marked("Nobody can write in the group or join it any more, until it is brought back."),
        title=marked("Archive a group"),
    ),
    Command(
        ("group", "unarchive"),
        marked("brings an archived group back"),
        "!group unarchive #tides",
        (Argument("room", ROOM, marked("which group")),),
        roles=RUNNING,
        others="maintainer",
        act="group_unarchive",
        title=marked("Bring back an archived group"),
    ),
    Command(
        ("group", "policy"),
        marked("changes who may join this group and what it is for"),
        "!group policy closed --organisations harbour,police",
        (
            Argument("kind", choice("open", "closed"), marked("what the group becomes")),
            Argument(
                "organisations",
                ORGANISATIONS,
                marked("the organisations that it is for, by their ids, or * for any"),
                required=False,
                flag=True,
            ),
            Argument("purpose", choice(*Purpose), marked("what it is for"), required=False, flag=True),
        ),
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        openly=True,
        act="room_policy",
        on_page=marked("changes who may join a group and what it is for"),
        confirm=marked("This changes who can read what stands in the group."),
        title=marked("Change a group's rules"),
    ),
    Command(
        ("group", "upgrade"),
        marked("moves this group into a new room, with everybody who is in it"),
        "!group upgrade",
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_about_room=True,
        act="room_upgrade",
        on_page=marked("moves a group into a new room, with everybody who is in it"),
        confirm=marked("Everybody moves to a new room, and the old one is closed for good."),
        title=marked("Move a group to a new room"),
    ),
    Command(
        ("group", "freeze"),
        marked("stops everything in a group but reading and leaving it"),
        "!group freeze",
        (_THIS_GROUP,),
        roles=RUNNING,
        act="room_freeze",
        title=marked("Freeze a group"),
    ),
    Command(
        ("group", "thaw"),
        marked("lets a frozen group go on"),
        "!group thaw",
        (_THIS_GROUP,),
        roles=RUNNING,
        act="room_thaw",
        title=marked("Thaw a group"),
    ),
)
