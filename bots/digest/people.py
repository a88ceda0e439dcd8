"""Members who could help with the reader's challenges, and of whom they were not told yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Shown, Why
from belisha.translation import _
from bots.digest.source import Asked, Source
from bots.directory import profiles
from bots.directory.tables import no_suggestions, suggested
from bots.kernel.answers import Strong, Words, say
from bots.kernel.store import insert_on

#: So many are told at once, for so many challenges.
_MOST: Final = 3
_CHALLENGES: Final = 10


class People(Source):
    """The source of members who match; who wants no suggestions has none here either."""

    reasons: ClassVar = frozenset({Why.PEOPLE})
    names_items: ClassVar = False

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """Who matches, as far as the reader may see it at this moment; they are told of each a single time."""
        is_out = sa.select(no_suggestions.c.user_id).where(no_suggestions.c.user_id == asked.user_id)
        if asked.sight is None or connection.execute(is_out).first() is not None:
            return ()
        known = set(connection.scalars(sa.select(suggested.c.other).where(suggested.c.user_id == asked.user_id)))
        known -= asked.again
        found: dict[str, str] = {}
        for challenge, hits in profiles.matches(connection, asked.sight, asked.until, _CHALLENGES).items():
            for hit in hits:
                if hit.user_id not in known and len(found) < _MOST:
                    found.setdefault(hit.user_id, challenge)
        listed = profiles.listed_of_all(connection, found)
        told = {user: challenge for user, challenge in found.items() if user in listed}
        return [
            Entry(
                Why.PEOPLE,
                at=float(place),
                facts={
                    "name": f"{listed[user].name} ({listed[user].organisation_name})",
                    "address": user,
                    "challenge": challenge,
                },
            )
            for place, (user, challenge) in enumerate(told.items())
        ]

    def told(self, connection: sa.Connection, user_id: str, shown: Sequence[Shown]) -> None:
        """Remembers of whom they were told, like the weekly suggestions."""
        rows = [{"user_id": user_id, "other": one.entry.facts["address"]} for one in shown]
        if rows:
            connection.execute(insert_on(connection, suggested).on_conflict_do_nothing(), rows)

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """Who, and with what."""
        facts = shown.entry.facts
        return say(
            _("{who}, {address}, knows about what you named as a challenge: “{challenge}”."),
            who=Strong(facts["name"]),
            address=facts["address"],
            challenge=facts["challenge"],
        ).words
