"""The command by which leads let their organisation stand in the figures by name: a part of `belisha.acts.ACTS`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import choice
from belisha.translation import marked

SHOW: Final = "show"

FIGURE_ACTS: Final = (
    Command(
        ("metrics", "organisation"),
        marked("chooses whether managers see in the figures, by its name, if your organisation is active"),
        "!metrics organisation show",
        (Argument("choice", choice(SHOW, "hide"), marked("whether it is shown")),),
        roles=frozenset({"lead"}),
        where=ALONE,
        act="organisation_figures",
        title=marked("Show my organisation in the figures"),
    ),
)
