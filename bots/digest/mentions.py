"""Who named the reader and got no answer: no reply, no word in that thread, no reaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Message, Shown, Why
from belisha.translation import _
from bots.digest.source import Asked, Source
from bots.digest.tables import digest_mention, digest_message
from bots.kernel.answers import Words, say
from bots.polls.words import moment
from bots.steward.announcements import link_of

_MESSAGE: Final = digest_message.c
_NAMED: Final = (
    sa.select(_MESSAGE.event_id, _MESSAGE.room_id, _MESSAGE.sender, _MESSAGE.at, _MESSAGE.arrived, _MESSAGE.thread)
    .join(digest_mention, digest_mention.c.event_id == _MESSAGE.event_id)
    .where(
        digest_mention.c.user_id == sa.bindparam("user"),
        _MESSAGE.arrived > sa.bindparam("since"),
        _MESSAGE.arrived <= sa.bindparam("until"),
    )
)


class Mentions(Source):
    """The source of what asks for the reader by name."""

    reasons: ClassVar = frozenset({Why.MENTION})
    names_items: ClassVar = True

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """The mentions without an answer that the reader has not seen."""
        about = {"user": asked.user_id, "since": asked.time.since, "until": asked.time.until}
        groups = asked.facts.groups
        messages = [Message(*row) for row in connection.execute(_NAMED, about)]
        return [
            Entry(Why.MENTION, one.room_id, (one.event_id,), float(one.at), {"at": str(one.at)})
            for one in messages
            if one.room_id in groups and groups[one.room_id].is_new(one)
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """Who, where and when."""
        at = moment(int(shown.entry.facts["at"]) / 1000, zone)
        link = link_of(shown.entry.room_id, shown.entry.items[0], shown.place)
        who = ", ".join(shown.names) or _("Somebody")
        return say(
            _("{who} named you in {group}, {moment}, and you have not answered."), who=who, group=link, moment=at
        ).words
