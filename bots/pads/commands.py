"""The command that begins a pad. Its message is the pad's item: its sender is the source, its label is the pad's."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import GROUPS, Argument, Command
from belisha.commands.values import TEXT
from belisha.translation import marked

PAD: Final = Command(
    ("pad",),
    marked("begins a document that everybody in the group can write in together, on the portal"),
    "!pad Tide tables for the spring",
    (Argument("title", TEXT, marked("what the document is about"), required=False),),
    where=GROUPS,
    title=marked("Write together"),
    page="/pads",
)
