"""Giving back an account whose password is lost: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, RUNNING, Argument, Command
from belisha.commands.values import MEMBER
from belisha.translation import marked

#: Key of the messages by which the module tells of a recovery; it says nothing by itself.
RECOVERY_KEY: Final = "org.belisha.recovery"

RECOVERY_ACTS: Final = (
    Command(
        ("recover",),
        marked("makes a code with which a member who has lost the password sets a new one"),
        "!recover @anna",
        (Argument("member", MEMBER, marked("which member, by the address")),),
        roles=RUNNING,
        others="lead",
        where=ALONE,
        act="member_recover",
        confirm=marked(
            "You are given a code that holds for an hour. Whoever has it sets a new password, and all devices are "
            "signed out then. The member and the stewards are told that you asked for it. Make sure first who asks you."
        ),
        title=marked("Give back an account whose password is lost"),
    ),
)
