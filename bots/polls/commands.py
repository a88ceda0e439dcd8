"""What the bot itself answers about polls; what the module carries out stands in `belisha/acts/polls.py`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import GROUPS, Command
from belisha.translation import marked

EXPORT: Final = Command(
    ("poll", "export"),
    marked("shows where the votes of the poll that you answer are to be had as a file"),
    "!poll export",
    where=GROUPS,
    is_answer=True,
    on_page=marked("shows where the votes of a poll are to be had as a file"),
    title=marked("Export a poll"),
)
