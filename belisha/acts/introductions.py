"""Introductions of two members to each other: a part of the table in `acts`."""

from __future__ import annotations

from typing import Final

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import MEMBERS, TEXT, word
from belisha.policy.introductions import OVER_S
from belisha.translation import marked

#: Under which a bot asks the module whom to ask, and what has ended.
TURN: Final = "introducing"

INTRODUCE: Final = Command(
    ("introduce",),
    marked("asks two members, or one for yourself, whether they want to meet; a room opens once both agree"),
    '!introduce @anna @ben "You both work on image hashing"',
    (
        Argument("members", MEMBERS, marked("the two members, or the one whom you want to meet yourself")),
        Argument("why", TEXT, marked("why, in words that both of them may read")),
    ),
    where=ALONE,
    act="introduce",
    title=marked("Introduce two members"),
)
AGREE: Final = Command(
    ("introductions", "agree"),
    marked("agrees to an introduction that you were asked about"),
    "!introductions agree 4f1c09a27be3",
    (
        Argument(
            "introduction",
            word(r"[0-9a-f]{12}", marked("Please name the introduction by its number, as I wrote it when I asked.")),
            marked("which introduction, by its number"),
            on_page=marked("which introduction, by its number"),
        ),
    ),
    where=ALONE,
    act="introduction_agree",
    title=marked("Agree to an introduction"),
    holds=float(OVER_S),
)

INTRODUCTION_ACTS: Final = (INTRODUCE, AGREE)
