"""Reporting a message, and what those who moderate do about a report: a part of the table in `acts`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from belisha.commands.declaration import RUNNING, Argument, Command
from belisha.commands.values import DURATION, EVENT, LINE, TEXT, choice, number
from belisha.commands.values import YES as GIVEN
from belisha.translation import marked

#: Key of the message by which the module tells the stewards' room of a report; what stands under it has no content.
REPORT_KEY: Final = "org.belisha.report"

#: What a report may be about; what comes from a client's own menu is of the last kind.
KINDS: Final = ("harassment", "label", "spam", "danger", "other")

_NUMBER: Final = Argument(
    "number",
    replace(number(1, 999_999_999), shown="12"),
    marked("which report, by its number, where you do not answer its card"),
    required=False,
    flag=True,
    on_page=marked("which report, by its number"),
)
_WHY: Final = Argument("reason", LINE, marked("why, in words that the member may read"), required=False, flag=True)


def _on_a_report(word: str, help_: str, example: str, title: str, *arguments: Argument) -> Command:
    return Command(
        ("report", word),
        help_,
        example,
        (*arguments, _NUMBER),
        roles=RUNNING,
        is_answer=True,
        instead="number",
        names_message=True,
        act=f"report_{word}",
        title=title,
    )


REPORT_ACTS: Final = (
    Command(
        ("report",),
        marked("reports the message that you answer, or another, to those who moderate; nobody in the room is told"),
        "!report harassment --urgent",
        (
            Argument("kind", choice(*KINDS), marked("what it is about")),
            Argument(
                "urgent",
                GIVEN,
                marked("whether somebody has to look within ten minutes"),
                required=False,
                flag=True,
                on_page=marked("it is urgent: somebody has to look within ten minutes"),
            ),
            Argument("message", EVENT, marked("the link to the message"), required=False, flag=True),
        ),
        is_answer=True,
        instead="message",
        names_message=True,
        act="report",
        on_page=marked("reports a message to those who moderate; nobody in its room is told"),
        title=marked("Report a message"),
    ),
    _on_a_report(
        "acknowledge",
        marked("says that you look after a report"),
        "!report acknowledge --number 12",
        marked("Look after a report"),
    ),
    _on_a_report(
        "warn",
        marked("warns the member whom a report is about"),
        '!report warn --number 12 --reason "No names of patients here"',
        marked("Warn the member whom a report is about"),
        _WHY,
    ),
    _on_a_report(
        "mute",
        marked("keeps the member whom a report is about from writing there, for some time"),
        "!report mute 2h --number 12",
        marked("Mute the member whom a report is about"),
        Argument("time", DURATION, marked("for how long")),
        _WHY,
    ),
    _on_a_report(
        "redact",
        marked("takes the message back that a report is about"),
        "!report redact --number 12",
        marked("Take back the message that a report is about"),
        _WHY,
    ),
    _on_a_report(
        "remove",
        marked("removes the member whom a report is about from the group"),
        "!report remove --number 12",
        marked("Remove the member whom a report is about"),
        _WHY,
    ),
    _on_a_report(
        "close",
        marked("closes a report, and tells who made it what came of it"),
        '!report close --number 12 "Thank you, it is taken back"',
        marked("Close a report"),
        Argument("answer", TEXT, marked("what to say to who reported it"), required=False),
    ),
)

#: What a tap on a report's card asks for, without the signs that say how an emoji is drawn.
BUTTONS: Final = {
    "👀": "!report acknowledge",
    "⚠": "!report warn",
    "🔇": "!report mute 1d",
    "🗑": "!report redact",
    "🚪": "!report remove",
    "🏁": "!report close",
}


def tapped(key: object) -> str | None:
    """The command that a reaction to a card stands for; None for every other reaction."""
    return BUTTONS.get(key.replace("\ufe0f", "")) if isinstance(key, str) else None
