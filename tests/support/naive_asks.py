"""What became of posts once more, as plain SQL over the facts: what `belisha.metrics.asks` is held to.

A fact here is key, milliseconds since 1970, member, action, and what it is about.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing

from tests.support.naive_metrics import london

Raw = tuple[str, int, int, str, str]
_QUERY = """
WITH post AS (
    SELECT * FROM fact p WHERE action = 'posted' AND about != '' AND NOT EXISTS (
        SELECT 1 FROM fact e WHERE e.action = 'posted' AND e.about = p.about AND (e.minute, e.key) < (p.minute, p.key)
    )
)
SELECT p.m, a.minute - p.minute, a.m FROM post p LEFT JOIN fact a ON a.key = (
    SELECT key FROM fact b
    WHERE b.action = 'answered' AND b.about = p.about AND b.m != p.m AND b.minute BETWEEN p.minute AND p.minute + 10080
    ORDER BY b.minute, b.key LIMIT 1
)
WHERE p.day BETWEEN :a AND :b
"""


def naive_asks(facts: Iterable[Raw], first: int, last: int) -> tuple[list[int], int, set[int], set[int], set[int]]:
    """The waits in minutes, how many posts were left without, who was heard, who was not, and who answered first."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE fact (key PRIMARY KEY, minute INT, day INT, m INT, action, about)")
        db.executemany(
            "INSERT OR IGNORE INTO fact VALUES (?,?,?,?,?,?)",
            [(key, at // 60_000, london(at), *rest) for key, at, *rest in facts],
        )
        rows = db.execute(_QUERY, {"a": first, "b": last}).fetchall()
    heard = {who for who, wait, _ in rows if wait is not None}
    return (
        sorted(wait for _, wait, _ in rows if wait is not None),
        sum(wait is None for _, wait, _ in rows),
        heard,
        {who for who, _, _ in rows} - heard,
        {other for _, _, other in rows if other is not None},
    )
