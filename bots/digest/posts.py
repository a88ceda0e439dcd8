"""New posts in the blogs that the reader is in. What they are called is not said: a title is a word of a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Shown, Why
from belisha.translation import _
from bots.digest.recent import Recent
from bots.digest.source import Asked, Source
from bots.kernel.answers import Words, say
from bots.polls.words import moment
from bots.steward.announcements import link_of


class Posts(Source):
    """The source of posts."""

    reasons: ClassVar = frozenset({Why.POST})
    names_items: ClassVar = True

    def __init__(self, recent: Recent) -> None:
        """Knows what was written lately."""
        self._recent = recent

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """The posts of others that the reader has not seen, the newest first."""
        groups, time = asked.facts.groups, asked.time
        written = self._recent.of(connection, groups, asked.until, asked.now)
        return [
            Entry(Why.POST, one.room_id, (one.event_id,), -float(one.at), {"at": str(one.at)})
            for room_id, there in written.items()
            for one in there.posts
            if time.spans(one) and one.sender != asked.user_id and groups[room_id].is_new(one)
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """Who, where and when."""
        at = moment(int(shown.entry.facts["at"]) / 1000, zone)
        link = link_of(shown.entry.room_id, shown.entry.items[0], shown.place)
        who = ", ".join(shown.names) or _("somebody")
        return say(_("A new post by {who} in {group}, {moment}."), who=who, group=link, moment=at).words
