"""Reminds those who have not voted, once and not long before the end, in their own rooms; who wants none gets none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import choice
from belisha.translation import _, marked
from bots.kernel.answers import Link, Typed, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs, PollFacts
from bots.kernel.calls import Answer, Call, Entry
from bots.kernel.effects import Effect, Schedule, Send
from bots.polls import words
from bots.polls.tables import no_reminders

#: Begins the names of its jobs.
REMIND: Final = "poll remind "
#: Polls that are open for a shorter time, in seconds, remind nobody.
SHORTEST_S: Final = 3600.0
#: Others do when a quarter of their time is left, and at most so long before the end, in seconds.
LONGEST_BEFORE_S: Final = 86_400.0
#: How many are reminded by one job.
AT_ONCE: Final = 200

REMINDERS: Final = Command(
    ("poll", "reminders"),
    marked("chooses whether I remind you of polls in which you have not voted"),
    "!poll reminders off",
    (Argument("choice", choice("on", "off"), marked("whether you want to be reminded")),),
    where=ALONE,
    on_page=marked("chooses whether the steward reminds you of polls in which you have not voted"),
    title=marked("Choose whether I am reminded of polls"),
)


def entry() -> Entry:
    """The command, as the bot answers it."""
    return Entry(REMINDERS, _choose)


def _choose(call: Call, context: Context) -> Answer:
    mine = no_reminders.c.user_id == call.user_id
    context.database.execute(no_reminders.delete().where(mine))
    if call.arguments["choice"] == "on":
        return Answer((paragraph(_("Done: I remind you once of each poll that ends soon without your vote.")),))
    context.database.execute(no_reminders.insert().values(user_id=call.user_id))
    return Answer((paragraph(_("Done: I remind you of no polls.")),))


def planned(kept: Mapping[str, Any], now: float, closes: float) -> Sequence[Effect]:
    """The reminder of a poll that closes by itself."""
    rest = closes - now
    if rest < SHORTEST_S:
        return ()
    about = {"event_id": kept["event_id"], "room_id": kept["room_id"], "after": ""}
    return (Schedule(f"{REMIND}{kept['event_id']}", closes - min(rest / 4, LONGEST_BEFORE_S), about),)


def job_needs(job: Job) -> Needs | None:
    """What must be known to remind; None for other jobs."""
    if not job.name.startswith(REMIND):
        return None
    return Needs(poll=(str(job.arguments["room_id"]), str(job.arguments["event_id"])))


def remind(
    job: Job, kept: Mapping[str, Any], context: Context, link: Link, zone: ZoneInfo, voted: Collection[str]
) -> Sequence[Effect]:
    """Reminds those who may vote now and have not; the rest of many by a next job. Nothing of the poll is said."""
    facts, closes = context.poll, kept["closes"]
    is_running = kept["state"] == "open" and closes is not None and context.now < closes
    if not is_running or not isinstance(facts, PollFacts) or facts.ends:
        return ()
    voters = facts.closing if kept["voters"] == "closing" else facts.opening.keys() & facts.closing.keys()
    left = [voter for voter in sorted(voters) if voter not in voted and voter > str(job.arguments["after"])]
    some = left[:AT_ONCE]
    query = sa.select(no_reminders.c.user_id).where(no_reminders.c.user_id.in_(some))
    unwilling = set(context.database.execute(query).scalars())
    blocks = (
        say(
            _("You have not voted yet in {poll}, which closes at {moment}."),
            poll=link,
            moment=words.moment(closes, zone),
        ),
        say(_("I remind you once. To have no such reminders, write {off}."), off=Typed("!poll reminders off")),
    )
    effects: list[Effect] = [
        Send(notice(blocks), room=room, once=f"{REMIND}{kept['event_id']} {voter}", waits=True)
        for voter in some
        if voter not in unwilling and (room := facts.service_rooms.get(voter)) is not None
    ]
    if len(left) > len(some):
        effects.append(Schedule(job.name, context.now, {**job.arguments, "after": some[-1]}))
    return effects
