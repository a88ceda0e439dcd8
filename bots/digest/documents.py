"""New files in the reader's groups, counted for each group. What they are called is not said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.choosing import COUNTED, MORE
from belisha.digest.values import Entry, Shown, Why
from belisha.translation import _
from bots.digest.recent import Recent
from bots.digest.source import Asked, Source
from bots.kernel.answers import Words, say
from bots.steward.announcements import link_of


class Documents(Source):
    """The source of files."""

    reasons: ClassVar = frozenset({Why.DOCUMENT})
    names_items: ClassVar = True

    def __init__(self, recent: Recent) -> None:
        """Knows what was written lately."""
        self._recent = recent

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """For each group, the files of others that the reader has not seen."""
        time, groups = asked.time, asked.facts.groups
        found = dict[str, list[str]]()
        for room_id, there in self._recent.of(connection, groups, asked.until, asked.now).items():
            for one in there.files:
                if time.spans(one) and one.sender != asked.user_id and groups[room_id].is_new(one):
                    found.setdefault(room_id, []).append(one.event_id)
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
