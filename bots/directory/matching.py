"""Whose expertise fits a challenge: all of its words in their expertise, or half of them where nobody has all."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from belisha.directory.query import parse, spell_out
from belisha.directory.values import Asker, Facets, Hit
from bots.directory.finding import Finding
from bots.directory.looking_up import look_up


def match(connection: sa.Connection, challenge: str, asker: Asker, now: float, most: int) -> Sequence[Hit]:
    """See `search.match`."""
    parsed = parse(challenge)
    known, there = look_up(connection, parsed)
    units = spell_out(parsed, known)
    if not units:
        return ()
    hits = Finding(connection, asker, Facets(), now, there).experts(units)
    return sorted(hits, key=lambda hit: (hit.organisation == asker.organisation, -hit.score, hit.user_id))[:most]
