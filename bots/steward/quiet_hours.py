"""`!quiet`: when the bot's messages that can wait are to wait."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import Type, Wrong
from belisha.translation import _, marked
from bots.kernel.answers import Typed, paragraph, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Entry
from bots.kernel.quiet import hours_of, let_out, set_hours

_HOURS: Final = re.compile(r"((?:[01]?\d|2[0-3]):[0-5]\d)\s*[-\u2013\u2014]\s*((?:[01]?\d|2[0-3]):[0-5]\d)")
OFF: Final = "off"


def _read(text: str) -> str | Wrong:
    if text.strip().casefold() == OFF:
        return OFF
    found = _HOURS.fullmatch(text.strip())
    if found is None or (begins := found[1].zfill(5)) == (ends := found[2].zfill(5)):
        return Wrong(marked("Please write two times such as 22:00-07:00, or off."))
    return f"{begins}-{ends}"


QUIET: Final = Command(
    ("quiet",),
    marked("sets the hours in which my messages to you wait, as far as they can"),
    "!quiet 22:00-07:00",
    (
        Argument(
            "hours",
            Type(_read, takes_rest=True, shown="22:00-07:00|off"),
            marked("from when to when, or “off”"),
            required=False,
        ),
    ),
    where=ALONE,
    title=marked("Set my quiet hours"),
)


def entry(zone: ZoneInfo) -> Entry:
    """The command as the steward answers it, by the community's clock."""
    return Entry(QUIET, lambda call, context: _answer(call, context, zone))


def _answer(call: Call, context: Context, zone: ZoneInfo) -> Answer:
    room, asked = call.asker.service_room or call.answer_in, call.arguments.get("hours")
    if isinstance(asked, str):
        begins, _dash, ends = asked.partition("-")
        set_hours(context.database, room, None if asked == OFF else (begins, ends))
        let_out(context.database, room, context.now, zone)
    hours = hours_of(context.database, room)
    if hours is None:
        return Answer(
            (say(_("I write to you at any hour. To change that, write {quiet}."), quiet=Typed(QUIET.example)),)
        )
    return Answer(
        (
            say(
                _("Between {begins} and {ends} my messages to you wait, by the community's clock."),
                begins=hours[0],
                ends=hours[1],
            ),
            paragraph(_("What concerns you at once does not wait: answers, questions, and what was done to you.")),
            say(_("To have them at any hour, write {off}."), off=Typed("!quiet off")),
        )
    )
