"""`!digest`: how often a member wants one, at which hour and by which way; and when the next is due."""

from __future__ import annotations

from datetime import time
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.translation import _
from bots.digest.commands import CHAT, DAILY, MAIL, OFF, WEEKLY
from bots.digest.mailbox import Mailbox
from bots.digest.tables import digest_member
from bots.kernel.answers import Block, Typed, paragraph, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call
from bots.kernel.rules import Rule, next_due, share_of
from bots.kernel.store import insert_on
from bots.polls.words import moment

HOUR: Final = "08:00"
#: Those of many members at one hour are spread over so many seconds.
SPREAD_S: Final = 1800.0
_MONDAY: Final = 0


def chosen(connection: sa.Connection, user_id: str, now: float, zone: ZoneInfo) -> dict[str, Any]:
    """A member's row; whoever has chosen nothing has a weekly digest."""
    row = connection.execute(digest_member.select().where(digest_member.c.user_id == user_id)).mappings().one_or_none()
    return beginning(user_id, now, zone) if row is None else dict(row)


def beginning(user_id: str, now: float, zone: ZoneInfo) -> dict[str, Any]:
    """The row of a member who has chosen nothing yet; what was before is not new to them."""
    due = following(user_id, WEEKLY, HOUR, now, zone)
    return {"user_id": user_id, "every": WEEKLY, "hour": HOUR, "since": now, "due": due}


def following(user_id: str, every: str, hour: str, now: float, zone: ZoneInfo) -> float:
    """When a member's next digest is due, in seconds since 1970: at their hour on the community's wall, and a little.

    The little is each member's own, so that those of thousands are not made in one minute.
    """
    aside = share_of(user_id) * SPREAD_S
    weekdays = frozenset({_MONDAY}) if every != DAILY else frozenset[int]()
    return next_due(Rule(time.fromisoformat(hour), weekdays), now - aside, zone) + aside


def answer(call: Call, context: Context, zone: ZoneInfo, mailbox: Mailbox) -> Answer:
    """Changes what is asked for, and says how it is."""
    connection, asked = context.database, call.arguments
    if "by" in asked and (refusal := mailbox.choose(connection, call.user_id, str(asked["by"]))) is not None:
        return Answer((paragraph(refusal),))
    row = chosen(connection, call.user_id, context.now, zone)
    if asked:
        was_off = row["every"] == OFF
        row["every"] = asked.get("every", row["every"])
        row["hour"] = asked.get("at", row["hour"])
        row["due"] = following(call.user_id, row["every"], row["hour"], context.now, zone)
        if was_off:  # what went by meanwhile was not wanted
            row["since"] = context.now
        put = insert_on(connection, digest_member).values(row)
        connection.execute(put.on_conflict_do_update(index_elements=["user_id"], set_=row))
    return Answer(_told(row, zone, mailbox.way(connection, call.user_id)))


def _told(row: dict[str, Any], zone: ZoneInfo, way: str) -> tuple[Block, ...]:
    if row["every"] == OFF:
        return (say(_("You get no digest. To have one, write {weekly}."), weekly=Typed("!digest weekly")),)
    often = (
        _("Every day at about {hour} I tell you {where} what is new for you; the next time on {next}.")
        if row["every"] == DAILY
        else _("On Mondays at about {hour} I tell you {where} what is new for you; the next time on {next}.")
    )
    where = _("here") if way == CHAT else _("by mail") if way == MAIL else _("here and by mail")
    return (
        say(often, hour=row["hour"], where=where, next=moment(row["due"], zone)),
        paragraph(
            _("First what asks for you, then what went on in your groups, as far as I know that you have not read it."),
            " ",
            _("Where there is nothing new, I say nothing."),
        ),
        say(
            _("To have it otherwise, write {daily}, {weekly} or {off}."),
            daily=Typed("!digest daily --at 07:30"),
            weekly=Typed("!digest weekly"),
            off=Typed("!digest off"),
        ),
    )
