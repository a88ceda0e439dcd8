"""The command by which members choose who may write to them: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import choice
from belisha.policy.contact import DirectChats
from belisha.translation import marked

CONTACT_ACTS: Final = (
    Command(
        ("direct-chats",),
        marked("chooses who may write to you directly"),
        "!direct-chats my-groups",
        (Argument("choice", choice(*DirectChats), marked("who may write to you directly")),),
        where=ALONE,
        act="direct_chats",
        title=marked("Choose who may write to me directly"),
    ),
)
