"""What a member can ask about being counted."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import choice
from belisha.translation import marked

MINE: Final = Command(
    ("metrics", "mine"),
    marked("shows what is counted about you"),
    "!metrics mine",
    where=ALONE,
    title=marked("What is counted about me"),
)
OPT_OUT: Final = Command(
    ("metrics", "optout"),
    marked("takes you out of the community's figures, and deletes what was counted about you"),
    "!metrics optout",
    where=ALONE,
    title=marked("Be counted no more"),
)
OPT_IN: Final = Command(
    ("metrics", "optin"),
    marked("has you counted in the community's figures again"),
    "!metrics optin",
    where=ALONE,
    title=marked("Be counted again"),
)
PULSE: Final = Command(
    ("pulse",),
    marked("chooses whether I ask you, once a quarter, two questions about this community"),
    "!pulse off",
    (Argument("choice", choice("on", "off"), marked("whether you want to be asked")),),
    where=ALONE,
    on_page=marked("chooses whether the steward asks you, once a quarter, two questions about this community"),
    title=marked("Choose whether I am asked about this community"),
)
