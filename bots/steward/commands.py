"""The steward's own commands; those that the module carries out stand in `belisha/acts/`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import LABEL, TEXT
from belisha.translation import marked

HELP: Final = Command(
    ("help",),
    marked("shows what you can ask for here, or explains one command"),
    "!help tlp",
    (Argument("command", TEXT, marked("which command"), required=False),),
    for_anyone=True,
    is_about_room=True,
    title=marked("See what I can ask for"),
    on_page=marked("shows what you can ask for in a group, or explains one command"),
)
GROUP_LIST: Final = Command(
    ("group", "list"),
    marked("lists the groups that you may join or ask for, with their size and how lively they are"),
    "!group list",
    where=ALONE,
    aliases=(("groups",),),
    title=marked("Find groups"),
)
TLP: Final = Command(
    ("tlp",),
    marked("explains the labels, or one of them, and tells who can read this room"),
    "!tlp red",
    (Argument("label", replace(LABEL, takes_rest=True), marked("which label"), required=False),),
    for_anyone=True,
    is_about_room=True,
    title=marked("Look up labels, and who can read a group"),
    on_page=marked("explains the labels, or one of them, and tells who can read a group"),
)
