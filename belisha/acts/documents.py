"""Commands about files that a group shares: a part of the table `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import GROUPS, RUNNING, Argument, Command
from belisha.commands.values import TEXT
from belisha.translation import marked

#: What stands for no description.
NOTHING: Final = "-"

DOCUMENT_ACTS: Final = (
    Command(
        ("docs", "describe"),
        marked("says what the file of yours is that you answer: its caption, with #tags"),
        "!docs describe Tides of the northern coast, #spring and #neap",
        (Argument("text", TEXT, marked("what it is, with #tags; - for nothing")),),
        where=GROUPS,
        is_answer=True,
        act="document_describe",
        on_page=marked("says what a file of yours is: its caption, with #tags"),
        title=marked("Describe a file"),
    ),
    Command(
        ("docs", "pin"),
        marked("pins the file that you answer, so that it stands first among the group's documents"),
        "!docs pin",
        roles=RUNNING,
        others="maintainer",
        where=GROUPS,
        is_answer=True,
        act="document_pin",
        on_page=marked("pins a file, so that it stands first among its group's documents"),
        title=marked("Pin a file"),
    ),
    Command(
        ("docs", "withdraw"),
        marked("calls back the file of yours that you answer: it is closed to everybody, and erased"),
        "!docs withdraw",
        where=GROUPS,
        is_answer=True,
        act="document_withdraw",
        confirm=marked(
            "It is closed to everybody at once, wherever it was shared, and erased within a minute. That cannot be "
            "undone. Whoever has saved it has it still."
        ),
        on_page=marked("calls back a file of yours: it is closed to everybody, and erased"),
        title=marked("Call a file back"),
    ),
)
