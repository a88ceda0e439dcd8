"""The time to acknowledgement once more, as plain SQL over the facts: what `belisha.metrics.acknowledging` is held to.

A fact here is key, milliseconds since 1970, member, action, and what it is about.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing

from tests.support.naive_metrics import london

Raw = tuple[str, int, int, str, str]
_QUERY = """
WITH report AS (
    SELECT * FROM fact r WHERE action = 'reported' AND day BETWEEN :a AND :b AND NOT EXISTS (
        SELECT 1 FROM fact e WHERE e.action = 'reported' AND e.about = r.about AND e.day BETWEEN :a AND :b
        AND (e.minute, e.key) < (r.minute, r.key)
    )
), waited AS (
    SELECT m, CASE WHEN first IS NULL OR first > minute + 10080 THEN 10080 WHEN first < minute THEN 0
    ELSE first - minute END AS wait FROM (
        SELECT m, minute,
        (SELECT min(minute) FROM fact a WHERE a.action = 'acknowledged' AND a.about = report.about) AS first FROM report
    )
), numbered AS (
    SELECT m, wait, row_number() OVER (PARTITION BY m ORDER BY wait) AS n, count(*) OVER (PARTITION BY m) AS c
    FROM waited
), own AS (SELECT wait, row_number() OVER (ORDER BY wait) AS n, count(*) OVER () AS c
    FROM numbered WHERE n = (c + 1) / 2
)
SELECT wait FROM own WHERE n = (c + 1) / 2
"""


def naive_time_to_acknowledgement(facts: Iterable[Raw], first: int, last: int) -> int | None:
    """The minutes, of what was reported on some days; None where nothing was."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE fact (key PRIMARY KEY, minute INT, day INT, m INT, action, about)")
        db.executemany(
            "INSERT OR IGNORE INTO fact VALUES (?,?,?,?,?,?)",
            [(key, at // 60_000, london(at), *rest) for key, at, *rest in facts],
        )
        row = db.execute(_QUERY, {"a": first, "b": last}).fetchone()
    return None if row is None else int(row[0])
