"""Commands that change the label of an item: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import Argument, Command
from belisha.commands.values import LABEL, TEXT
from belisha.translation import marked

LABEL_ACTS: Final = (
    Command(
        ("relabel",),
        marked("changes the label of the message that you answer"),
        '!relabel green "It is public now"',
        (
            Argument("label", LABEL, marked("the new label")),
            Argument("reason", TEXT, marked("why, in words that everybody in the room may read"), required=False),
        ),
        is_answer=True,
        act="item_relabel",
        on_page=marked("changes the label of a message"),
        title=marked("Change a message's label"),
    ),
    Command(
        ("raise",),
        marked("makes the label of the message that you answer stricter, whoever wrote it"),
        "!raise amber",
        (
            Argument("label", LABEL, marked("the new label")),
            Argument("reason", TEXT, marked("why, in words that everybody in the room may read"), required=False),
        ),
        roles=frozenset({"steward"}),
        is_answer=True,
        act="item_raise",
        on_page=marked("makes the label of a message stricter, whoever wrote it"),
        title=marked("Raise a message's label"),
    ),
)
