"""New posts in the blogs that the reader is in. What they are called is not said: a title is a word of a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Message, Shown, Why
from belisha.translation import _
from bots.blog.tables import post
from bots.digest.source import Asked, Source
from bots.kernel.answers import Words, say
from bots.polls.words import moment
from bots.steward.announcements import link_of

_SINCE: Final = sa.select(post.c.event_id, post.c.room_id, post.c.author, post.c.sent_at).where(
    post.c.sent_at > sa.bindparam("since"), post.c.sent_at <= sa.bindparam("until")
)


class Posts(Source):
    """The source of posts."""

    reasons: ClassVar = frozenset({Why.POST})
    names_items: ClassVar = True

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """The posts of others that the reader has not seen, the newest first."""
        about = {"since": int(asked.since * 1000), "until": int(asked.until * 1000)}
        groups = asked.facts.groups
        messages = [Message(*row) for row in connection.execute(_SINCE, about)]
        return [
            Entry(Why.POST, one.room_id, (one.event_id,), -float(one.at), {"at": str(one.at)})
            for one in messages
            if one.sender != asked.user_id and one.room_id in groups and groups[one.room_id].is_new(one)
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """Who, where and when."""
        at = moment(int(shown.entry.facts["at"]) / 1000, zone)
        link = link_of(shown.entry.room_id, shown.entry.items[0], shown.place)
        who = ", ".join(shown.names) or _("somebody")
        return say(_("A new post by {who} in {group}, {moment}."), who=who, group=link, moment=at).words
