"""Whether organisations were active once more, as plain SQL: what `belisha.metrics.naming` is held to.

A fact here is its day as a number, the member, the action and the organisation; days are decided about before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing

from tests.support.naive_metrics import WORDS

Raw = tuple[int, int, str, str]
_QUERY = """
WITH reach AS (SELECT * FROM fact WHERE day BETWEEN :back AND :last),
newest AS (SELECT m, max(day) AS day FROM reach WHERE org != '' GROUP BY m),
place AS (SELECT DISTINCT r.m, r.org FROM reach r JOIN newest n ON n.m = r.m AND n.day = r.day WHERE r.org != ''),
one AS (SELECT m, org FROM place p WHERE NOT EXISTS (
    SELECT 1 FROM reach r JOIN newest n ON n.m = r.m AND n.day <= r.day WHERE r.m = p.m AND r.action = 'left'
) AND EXISTS (SELECT 1 FROM fact f WHERE f.m = p.m AND f.day <= :today - 30))
SELECT o.org,
    (SELECT count(DISTINCT m) FROM one WHERE one.org = o.org),
    EXISTS (SELECT 1 FROM one JOIN active a ON a.m = one.m WHERE one.org = o.org AND a.day BETWEEN :first AND :last)
FROM (SELECT DISTINCT org FROM reach WHERE org != '') o ORDER BY o.org
"""


def naive_activity(facts: Iterable[Raw], first: int, last: int, back: int, today: int) -> dict[str, bool | None]:
    """By organisation, of the days from `first` to `last`; `back` is the first day that is looked at."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE fact (day INT, m INT, action, org)")
        db.executemany("INSERT INTO fact VALUES (?,?,?,?)", facts)
        db.execute(f"CREATE VIEW active AS SELECT * FROM fact WHERE action IN ({WORDS['active']})")  # noqa: S608
        rows = db.execute(_QUERY, {"first": first, "last": last, "back": back, "today": today}).fetchall()
    return {name: None if count < 5 else bool(active) for name, count, active in rows}
