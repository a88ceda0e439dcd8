"""Decides about introductions: who may ask two members whether they want to meet, and who agrees (rules M1 and P2).

Who says no is nobody's business. So a no is written down nowhere, and looks like silence, like a member who wants no
introductions, and like one who ignores somebody: whoever asked learns after `OVER_S` that no room was opened, and not
why, nor by whom.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from belisha.policy.contact import DirectChats
from belisha.policy.decision import Decision, allow, refuse
from belisha.policy.people import Person

#: How an introduction ended.
OPENED: Final = "opened"
OVER: Final = "over"
TAKEN_BACK: Final = "taken back"
GONE: Final = "gone"

#: Seconds for which both can agree.
OVER_S: Final = 7 * 86_400
#: How many introductions one member asks for in a day.
MOST_A_DAY: Final = 5
A_DAY_S: Final = 86_400
#: Seconds in which one member asks for the same two once, however that ends.
AGAIN_S: Final = 30 * 86_400

_MAY: Final = allow("M1", "Whoever asks for this may.")
NOT_OPEN: Final = refuse(
    "M1", "NOT_OPEN", "There is no such introduction that waits for you: its time may be over, or it was taken back."
)


def decide_introducing(asker: Person, people: Collection[Person], *, today: int, asked_already: bool) -> Decision:
    """Decides whether somebody may have two members asked.

    Args:
        asker: who asks, and may act as a member at all.
        people: those to be introduced, the asker among them where it is about themselves.
        today: how many introductions they have asked for within a day.
        asked_already: whether they asked for the same two within `AGAIN_S`.
    """
    if len({one.user_id for one in people}) != 2:
        return refuse(
            "M1",
            "NOT_TWO",
            "Two members are introduced to each other. Please name two, or one whom you want to meet yourself.",
        )
    if asker.is_bot or not all(one.belongs and not one.is_bot for one in people):
        return refuse(
            "M1",
            "NOT_A_MEMBER",
            "There is no member with one of these addresses. Please look them up in the directory.",
        )
    if today >= MOST_A_DAY:
        return refuse(
            "M1", "TOO_OFTEN", f"You have asked for {MOST_A_DAY} introductions today. Please wait until tomorrow."
        )
    if asked_already:
        return refuse(
            "M1",
            "ASKED_ALREADY",
            "You have asked for this introduction within the last 30 days. I tell you here what comes of it.",
        )
    return _MAY


def is_asked(choice: DirectChats, *, ignores: bool) -> bool:
    """Whether a member is asked at all; where they are not, that looks to everybody else as if they did not answer.

    Args:
        choice: from whom they take direct chats.
        ignores: whether they ignore whom they would meet, or who asks.
    """
    return choice is not DirectChats.NOBODY and not ignores
