"""What members do about their own account: a part of the table in `acts`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import MEMBER, word
from belisha.translation import marked

OWN_ACTS: Final = (
    Command(
        ("devices", "end"),
        marked("signs one of your devices out, such as a lost phone"),
        "!devices end ABCDEFGHIJ",
        (
            Argument(
                "device",
                word(r"[A-Za-z0-9_-]{1,48}", marked("Please name one device by its id, as !devices shows it.")),
                marked("which device, by its id"),
            ),
        ),
        where=ALONE,
        act="device_end",
        confirm=marked("It is signed out at once, with what it has kept of keys."),
        title=marked("Sign one of my devices out"),
    ),
    Command(
        ("devices",),
        marked("lists your devices that are signed in to Element"),
        "!devices",
        where=ALONE,
        act="devices",
        title=marked("See my devices"),
    ),
    Command(
        ("leave-community",),
        marked("ends your membership and your account, for good"),
        "!leave-community @anna",
        (Argument("member", MEMBER, marked("your own address, so that it does not happen by mistake")),),
        where=ALONE,
        act="leave_community",
        confirm=marked(
            "You are signed out everywhere and leave every room, your account is closed, and nobody can bring it back. "
            "What you have written stays where it is: take back before what shall not."
        ),
        title=marked("Leave the community"),
    ),
)
