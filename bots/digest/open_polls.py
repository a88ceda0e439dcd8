"""Polls that close before the reader's next digest, and in which they have not voted. What they ask is not said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Shown, Why
from belisha.translation import _
from bots.digest.source import Asked, Source
from bots.kernel.answers import Words, say
from bots.polls.anonymous import is_anonymous
from bots.polls.ballot_box import voted
from bots.polls.key_files import KeyFiles, LostKey
from bots.polls.tables import poll
from bots.polls.words import moment
from bots.steward.announcements import link_of

_SOON: Final = sa.select(poll).where(
    poll.c.state == "open", poll.c.closes > sa.bindparam("after"), poll.c.closes <= sa.bindparam("until")
)


class OpenPolls(Source):
    """The source of polls that wait for the reader's vote."""

    reasons: ClassVar = frozenset({Why.POLL})
    names_items: ClassVar = True

    def __init__(self, keys: KeyFiles | None = None) -> None:
        """Knows where the keys of anonymous polls are, which alone tell who has voted in one; None without these."""
        self._keys = keys

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """The polls that close soon; of open ones the module says whether the reader has voted."""
        return [
            Entry(Why.POLL, row["room_id"], (row["event_id"],), row["closes"], {"closes": str(row["closes"])})
            for row in connection.execute(_SOON, {"after": asked.now, "until": asked.following}).mappings()
            if row["room_id"] in asked.facts.groups and not self._is_done(connection, dict(row), asked.user_id)
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """Where, and until when."""
        link = link_of(shown.entry.room_id, shown.entry.items[0], shown.place)
        at = moment(float(shown.entry.facts["closes"]), zone)
        return say(_("A poll in {group} closes at {moment}, and you have not voted."), group=link, moment=at).words

    def _is_done(self, connection: sa.Connection, row: Mapping[str, Any], user_id: str) -> bool:
        """Whether the reader has voted in an anonymous poll, or nobody can tell any more."""
        if not is_anonymous(row):
            return False
        try:
            return self._keys is None or user_id in voted(connection, self._keys, row, [user_id])
        except LostKey:
            return True
