"""New files in the reader's groups, counted for each group. What they are called is not said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.choosing import COUNTED, MORE
from belisha.digest.values import Entry, Message, Shown, Why
from belisha.translation import _
from bots.digest.source import Asked, Source
from bots.digest.tables import digest_message
from bots.kernel.answers import Words, say
from bots.steward.announcements import link_of

_MESSAGE: Final = digest_message.c
_FILES: Final = (
    sa.select(_MESSAGE.event_id, _MESSAGE.room_id, _MESSAGE.sender, _MESSAGE.at, _MESSAGE.thread)
    .where(_MESSAGE.is_file, _MESSAGE.at > sa.bindparam("since"), _MESSAGE.at <= sa.bindparam("until"))
    .order_by(_MESSAGE.at)
)


class Documents(Source):
    """The source of files."""

    reasons: ClassVar = frozenset({Why.DOCUMENT})
    names_items: ClassVar = True

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """For each group, the files of others that the reader has not seen."""
        about = {"since": int(asked.since * 1000), "until": int(asked.until * 1000)}
        groups, found = asked.facts.groups, dict[str, list[str]]()
        for row in connection.execute(_FILES, about):
            one = Message(*row)
            if one.sender != asked.user_id and one.room_id in groups and groups[one.room_id].is_new(one):
                found.setdefault(one.room_id, []).append(one.event_id)
        return [
            Entry(Why.DOCUMENT, room_id, tuple(files[:COUNTED]), -len(files), {MORE: "yes"} if files[COUNTED:] else {})
            for room_id, files in found.items()
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """How many, by whom, and where."""
        entry = shown.entry
        count = f"{len(entry.items)}+" if entry.facts.get(MORE) else str(len(entry.items))
        link = link_of(entry.room_id, entry.items[0], shown.place)
        who = ", ".join(shown.names) or _("somebody")
        return say(_("New files in {group}: {count}, by {who}."), count=count, group=link, who=who).words
