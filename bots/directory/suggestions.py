"""Once a week: who could help with a member's challenges, where there is somebody of whom they were not told yet.

What is told is decided when it is told (rule P2): each member has a job of their own, before which the module is asked
whom they may find. `!suggestions off` ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Final

import sqlalchemy as sa

from belisha.commands.declaration import ALONE, Argument, Command
from belisha.commands.values import choice
from belisha.directory.values import Hit
from belisha.translation import _, marked
from bots.directory import profiles, words
from bots.directory.tables import directory_member, no_suggestions, profile_field, suggested
from bots.kernel.answers import Typed, notice, paragraph, say
from bots.kernel.bot import Context, Job, Needs
from bots.kernel.calls import Answer, Call, Entry
from bots.kernel.effects import Effect, Schedule, Send
from bots.kernel.listed import Sight
from bots.kernel.rules import Rule, share_of

NAME: Final = "directory suggestions"
RULE: Final = Rule(time(9), weekdays=frozenset({0}))
#: Begins the names of the jobs for one member each.
ONE: Final = "directory suggestion "
#: So many are told at once, of so many challenges; they are spread over so many seconds.
_MOST: Final = 3
_CHALLENGES: Final = 10
_SPREAD: Final = 3600

SUGGESTIONS: Final = Command(
    ("suggestions",),
    marked("says whether I tell you once a week who could help with your challenges"),
    "!suggestions off",
    (Argument("wanted", choice("on", "off"), marked("on or off"), required=False),),
    where=ALONE,
    title=marked("Weekly suggestions"),
    on_page=marked("says whether the bot tells you once a week who could help with your challenges"),
)


def entry() -> Entry:
    """The command as the steward answers it."""
    return Entry(SUGGESTIONS, _answer)


def job_needs(job: Job) -> Needs | None:
    """Whom a member may find, for the job that tells them."""
    if not job.name.startswith(ONE):
        return None
    return Needs(sight_for=(str(job.arguments["room"]), str(job.arguments["user"])))


def run(job: Job, context: Context) -> Sequence[Effect] | None:
    """Plans a week's suggestions, or tells one member; None for other jobs."""
    if job.name == NAME:
        return _planned(context)
    return _told(str(job.arguments["user"]), context) if job.name.startswith(ONE) else None


def forget(connection: sa.Connection, user_id: str) -> None:
    """Erases of whom a member was told, and who was told of them."""
    connection.execute(suggested.delete().where((suggested.c.user_id == user_id) | (suggested.c.other == user_id)))
    connection.execute(no_suggestions.delete().where(no_suggestions.c.user_id == user_id))


def _answer(call: Call, context: Context) -> Answer:
    mine, connection = no_suggestions.c.user_id == call.user_id, context.database
    if "wanted" in call.arguments:
        connection.execute(no_suggestions.delete().where(mine))
        if call.arguments["wanted"] == "off":
            connection.execute(no_suggestions.insert().values(user_id=call.user_id))
    if connection.execute(sa.select(no_suggestions.c.user_id).where(mine)).first() is not None:
        return Answer(
            (say(_("I suggest nobody to you. To have it otherwise, write {on}."), on=Typed("!suggestions on")),)
        )
    text = _(
        "On Mondays I tell you who is new among those who could help with your challenges. To end it, write {off}."
    )
    return Answer((say(text, off=Typed(SUGGESTIONS.example)),))


def _planned(context: Context) -> Sequence[Effect]:
    query = (
        sa.select(directory_member.c.user_id, directory_member.c.service_room)
        .join(profile_field, profile_field.c.user_id == directory_member.c.user_id)
        .where(
            profile_field.c.field == "challenges",
            profile_field.c.value != "[]",
            directory_member.c.standing == "active",
            directory_member.c.service_room.is_not(None),
            directory_member.c.user_id.not_in(sa.select(no_suggestions.c.user_id)),
        )
        .order_by(directory_member.c.user_id)
    )
    return [
        Schedule(
            f"{ONE}{row.user_id}",
            context.now + share_of(row.user_id) * _SPREAD,
            {"user": row.user_id, "room": row.service_room},
        )
        for row in context.database.execute(query)
    ]


def _told(user_id: str, context: Context) -> Sequence[Effect]:
    connection, sight = context.database, context.sight
    is_out = connection.execute(sa.select(no_suggestions.c.user_id).where(no_suggestions.c.user_id == user_id)).first()
    room = connection.scalar(
        sa.select(directory_member.c.service_room).where(
            directory_member.c.user_id == user_id, directory_member.c.standing == "active"
        )
    )
    if is_out is not None or room is None or not isinstance(sight, Sight) or sight.asker.user_id != user_id:
        return ()
    known = set(connection.scalars(sa.select(suggested.c.other).where(suggested.c.user_id == user_id)))
    found = dict[str, list[Hit]]()
    for challenge, hits in profiles.matches(connection, sight, context.now, _CHALLENGES).items():
        for hit in hits:
            if hit.user_id not in known and sum(map(len, found.values())) < _MOST:
                known.add(hit.user_id)
                found.setdefault(challenge, []).append(hit)
    if not found:
        return ()
    others = [hit.user_id for hits in found.values() for hit in hits]
    connection.execute(suggested.insert(), [{"user_id": user_id, "other": other} for other in others])
    listed = profiles.listed_of_all(connection, others)
    blocks = (
        paragraph(_("Who could help you, and of whom I have not told you yet:")),
        *words.challenges(found, listed, ""),
        say(_("To have no more of these, write {off}."), off=Typed(SUGGESTIONS.example)),
    )
    return (Send(notice(blocks), room=room, waits=True),)
