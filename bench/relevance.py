"""How good the first ten hits of the directory are, by nDCG over queries that were held out of tuning.

80 queries with judgements (`bench/judgements.py`) over a synthetic community of 800 members (`bench/community.py`),
both older than the ranking. Beside it plain BM25, that is FTS5 as it comes: one document for each profile, words or'ed,
Porter's stemmer, no synonyms. Gain is 2^grade - 1, as is usual (Burges 2005).
"""

from __future__ import annotations

import math
import re
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

import sqlalchemy as sa

from belisha.directory.values import Asker, Profile
from bench.community import Person, people
from bench.community_words import SYNONYMS
from bench.judgements import HELD_OUT, TUNED, Query, grades
from bench.report import Bar, Result, say
from bench.send import folder
from bots.directory import search
from bots.kernel.migrations.upgrade import upgrade

_MEMBERS: Final = 800
_FIRST: Final = 10
NOW: Final = 1.8e9


def run(*, quick: bool) -> Result:
    """Asks all queries; `quick` makes no difference, since it takes seconds."""
    community = list(people(_MEMBERS))
    with tempfile.TemporaryDirectory(prefix="belisha-bench-", dir=folder()) as made:
        engine = sa.create_engine(f"sqlite:///{Path(made) / 'bots.db'}")
        with engine.begin() as connection:
            upgrade(connection)
            fill(connection, community)
            say(f"{len(TUNED) + len(HELD_OUT)} queries …")

            def ours(text: str) -> list[str]:
                found = search.search(connection, text, Asker("@nobody:x", "x"), NOW).hits
                return [hit.user_id for hit in found]

            held, tuned = (mean(half, community, ours) for half in (HELD_OUT, TUNED))
        engine.dispose()
        plain = mean(HELD_OUT, community, bm25(community))
    return Result(
        bench="relevance",
        figures={"ndcg10": held, "ndcg10_tuned": tuned, "ndcg10_plain_bm25": plain, "queries": float(len(HELD_OUT))},
        ratios={"vs_plain_bm25": held / plain},
        bars={"ndcg10": Bar(least=0.85), "vs_plain_bm25": Bar(least=1.0)},
        meaning="1 would be the best ten members for every query, in the best order; BM25 answers the same.",
    )


def fill(connection: sa.Connection, community: Sequence[Person]) -> None:
    """Makes the index of a community, with its managers' synonyms."""
    for terms in SYNONYMS:
        search.add_synonyms(connection, terms)
    ordered = sorted(community, key=lambda person: (-person.age_days, person.number))
    search.rebuild(connection, ((profile(person), NOW - person.age_days * 86400) for person in ordered))


def profile(person: Person) -> Profile:
    """What the index is given of a member, with everything visible to the community."""
    return Profile(person.user_id, person.name, *person.organisation, person.fields)


def mean(queries: Sequence[Query], community: Sequence[Person], ask: Callable[[str], Sequence[str]]) -> float:
    """The mean nDCG of the first ten."""
    return fmean(ndcg(ask(query.text), grades(query, community)) for query in queries)


def ndcg(found: Sequence[str], judged: Mapping[str, int]) -> float:
    """Of one answer: its discounted gain, of the best there could be (Järvelin and Kekäläinen 2002)."""
    best = sorted(judged.values(), reverse=True)
    return _gain([judged.get(member, 0) for member in found]) / _gain(best)


def _gain(values: Sequence[int]) -> float:
    return sum((2**value - 1) / math.log2(place + 2) for place, value in enumerate(values[:_FIRST]))


def bm25(community: Sequence[Person]) -> Callable[[str], list[str]]:
    """FTS5 with its own ranking."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE plain USING fts5(user_id UNINDEXED, words, tokenize = porter)")
    for person in community:
        of = [person.name, *person.organisation[1:], *(text for texts in person.fields.values() for text in texts)]
        connection.execute("INSERT INTO plain VALUES (?, ?)", (person.user_id, "\n".join(of)))

    def ask(text: str) -> list[str]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        rows = connection.execute(
            "SELECT user_id FROM plain WHERE plain MATCH ? ORDER BY rank LIMIT ?", (words, _FIRST)
        )
        return [user_id for (user_id,) in rows]

    return ask
