"""Who waits for the reader's decision: at a group they maintain, or at their organisation's door. Nobody is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from belisha.digest.values import Entry, Shown, Why
from belisha.translation import _
from bots.digest.source import Asked, Source
from bots.kernel.answers import Strong, Typed, Words, say


class Approvals(Source):
    """The source of what only the reader and few others can decide."""

    reasons: ClassVar = frozenset({Why.APPROVAL})
    names_items: ClassVar = False

    def new(self, connection: sa.Connection, asked: Asked) -> Sequence[Entry]:
        """How many wait, by door, as the module tells at this moment."""
        return [
            Entry(
                Why.APPROVAL,
                at=-float(one.count),
                facts={"name": one.name, "count": str(one.count), "organisation": "yes" if one.organisation else ""},
            )
            for one in asked.facts.waits
        ]

    def line(self, shown: Shown, zone: ZoneInfo) -> Sequence[Words]:
        """How many, where, and how to see them."""
        facts = shown.entry.facts
        told = (
            _("{count} ask to be let into your organisation {name}; you decide about it. See {queue}.")
            if facts["organisation"]
            else _("{count} ask to be let into {name}; you decide about it. See {queue}.")
        )
        return say(told, count=facts["count"], name=Strong(facts["name"]), queue=Typed("!queue")).words
