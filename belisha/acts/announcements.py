"""Announcements of those who run the community: a part of the table in `acts`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import ROOM, TEXT
from belisha.translation import marked

#: Key of an announcement, with the command that asked for it; it says nothing by itself.
ANNOUNCEMENT_KEY: Final = "org.belisha.announcement"
#: The reactions by which somebody acknowledges an announcement, the bot's button first.
ACKNOWLEDGES: Final = ("✅", "👍", "☑️", "☑")

ANNOUNCE_ACTS: Final = (
    Command(
        ("announce", "status"),
        marked("tells how many have acknowledged the newest announcements, by organisation"),
        "!announce status",
        roles=frozenset({"manager"}),
        where=ALONE,
        act="announce_status",
        title=marked("See who has acknowledged announcements"),
    ),
    Command(
        ("announce",),
        marked("announces something to everybody, or in a group for announcements, and asks for an acknowledgement"),
        '!announce "The harbour closes at six on Friday"',
        (
            Argument("text", TEXT, marked("what to announce, in your name")),
            Argument(
                "group",
                ROOM,
                marked("which group for announcements, where it is not for everybody"),
                required=False,
                flag=True,
            ),
        ),
        roles=frozenset({"manager"}),
        where=ALONE,
        act="announce",
        confirm=marked("Everybody there reads it in your name, and is asked to acknowledge it."),
        title=marked("Announce something"),
    ),
)
