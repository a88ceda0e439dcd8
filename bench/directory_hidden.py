"""Whether a stranger's answers take another time where members hide things: two communities, asked in turn.

In one, each tenth member has a field that nobody but their groups may see, full of what is asked; in the other nobody
has one. How far apart both are is one ratio of a run, so a busy machine is so for both; the time of somebody who shares
groups with some of them, and so may read it, is told beside it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Final

import sqlalchemy as sa

from belisha.directory.fields import Visibility
from belisha.directory.values import Asker, Profile
from bench.community import Person
from bench.community_words import SYNONYMS
from bench.directory_queries import two_words
from bench.relevance import NOW, profile
from bots.directory import search
from bots.kernel.store import Store

_PROFILES: Final = 5_000
_SHARES: Final = 200
_EVERY: Final = 10


async def ratios(bare: str, hiding: str, community: Sequence[Person], pairs: int) -> dict[str, float]:
    """How far apart the times of a stranger are, 1 for not at all; and that of who shares groups with some.

    Args:
        bare: the address of an empty database.
        hiding: the address of another of the same kind.
        community: of whom some thousands are taken.
        pairs: how many questions are asked of both.
    """
    some, draw = community[:_PROFILES], random.Random(7)
    texts = [two_words(draw, some) for _ in range(pairs)]
    hidden = tuple(sorted(set(texts)))[:20]
    stores = [Store(bare), Store(hiding)]
    try:
        for store, fields in zip(stores, ((), hidden), strict=True):
            await store.open()
            await store.write(lambda connection, fields=fields: _fill(connection, some, fields))  # type: ignore[misc]  # bound now
            if not store.is_sqlite:
                async with store.writing() as connection:
                    await connection.execute(sa.text("ANALYZE"))
        stranger = Asker("@asker:belisha.localhost", "none")
        shares = frozenset(person.user_id for person in some[: _SHARES * _EVERY : _EVERY])
        apart = await _apart(stores, stranger, texts)
        shared = await _apart(stores, replace(stranger, shares=shares), texts)
        return {"hidden_vs_none": max(apart, 1 / apart), "shared_vs_none": shared}
    finally:
        for store in stores:
            await store.close()


def _fill(connection: sa.Connection, some: Sequence[Person], hidden: tuple[str, ...]) -> None:
    for terms in SYNONYMS:
        search.add_synonyms(connection, terms)
    search.rebuild(connection, ((_profile(person, hidden), NOW - 1e6 + person.number) for person in some))


def _profile(person: Person, hidden: tuple[str, ...]) -> Profile:
    """What the community may read is the same in both."""
    made = profile(person)
    public = {key: value for key, value in made.fields.items() if key != "challenges"}
    hides = {"challenges": hidden} if hidden and person.number % _EVERY == 0 else {}
    return replace(made, fields=public | hides, visibility={"challenges": Visibility.GROUPS})


async def _apart(stores: Sequence[Store], asker: Asker, texts: Sequence[str]) -> float:
    """The median, over the questions, of the second one's time by the first one's."""
    found = []
    for number, text in enumerate(texts):
        times = {}
        for store in stores if number % 2 else reversed(stores):
            began = time.perf_counter()
            await store.read(lambda connection, text=text: search.search(connection, text, asker, NOW))  # type: ignore[misc]  # bound now
            times[id(store)] = time.perf_counter() - began
        found.append(times[id(stores[1])] / times[id(stores[0])])
    return median(found[len(found) // 10 :])
