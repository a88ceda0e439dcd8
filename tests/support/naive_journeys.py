"""Journeys once more, as plain SQL over the facts, and nothing taken from `belisha.metrics`; see `naive_metrics`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from tests.support.naive_metrics import Raw, london

_STEP = """CASE WHEN action IN ('signed_in', 'viewed') THEN '1arrived'
WHEN action = 'completed_profile' THEN '2introduced'
WHEN action = 'joined' THEN '3joined' WHEN action = 'read' THEN '4read' WHEN action = 'downloaded' THEN '5opened'
WHEN action IN ('reacted', 'voted') THEN '6reacted' WHEN action IN ('posted', 'answered') THEN '7wrote' END"""


class NaiveJourneys:
    """All steps in a table."""

    def __init__(self, facts: Iterable[Raw]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE TABLE fact (key PRIMARY KEY, at INT, day INT, m INT, action)")
        rows = [(key, at, london(at), member, action) for key, at, member, action, *_ in facts]
        self._db.executemany("INSERT OR IGNORE INTO fact VALUES (?,?,?,?,?)", rows)
        # A step begins with a digit, so that steps of one moment are in order by themselves.
        self._db.execute(
            f"CREATE TABLE step AS SELECT * FROM (SELECT at, day, m, {_STEP} AS step FROM fact) WHERE step IS NOT NULL"  # noqa: S608
        )

    def close(self) -> None:
        self._db.close()

    def moves(self, first: int, last: int) -> dict[tuple[str, str], int]:
        query = """
        WITH near AS (SELECT m, at, step, lag(at) OVER o AS at0, lag(step) OVER o AS step0,
                             lead(at) OVER o AS at1, lead(step) OVER o AS step1
                      FROM step WHERE day BETWEEN :a AND :b WINDOW o AS (PARTITION BY m, day ORDER BY at, step)),
             move AS (
               SELECT m, substr(step0, 2) AS x, substr(step, 2) AS y FROM near WHERE at - at0 <= 1800000
               UNION SELECT m, '', substr(step, 2) FROM near WHERE at0 IS NULL OR at - at0 > 1800000
               UNION SELECT m, substr(step, 2), '' FROM near WHERE at1 IS NULL OR at1 - at > 1800000)
        SELECT x, y, count(DISTINCT m) FROM move WHERE x != y GROUP BY x, y
        """
        return {(x, y): count for x, y, count in self._db.execute(query, {"a": first, "b": last})}

    _BEGAN = """
    WITH born AS (SELECT m, min(day) AS day FROM step GROUP BY m),
         taken AS (SELECT step.m, born.day, step, min(at) AS at FROM step JOIN born USING (m)
                   WHERE born.day BETWEEN :a AND :b AND step.day BETWEEN born.day AND born.day + 6
                   GROUP BY step.m, step)
    """

    def paths(self, first: int, last: int) -> dict[str, int]:
        query = f"""{self._BEGAN},
             placed AS (SELECT m, step, row_number() OVER (PARTITION BY m ORDER BY at, step) AS place FROM taken),
             path AS (SELECT m, group_concat(substr(step, 2), '>') AS path
                      FROM (SELECT * FROM placed WHERE place <= 4 ORDER BY m, place) GROUP BY m)
        SELECT path, count(*) FROM path GROUP BY path
        """  # noqa: S608
        return dict(self._db.execute(query, {"a": first, "b": last}).fetchall())

    def stopped(self, first: int, last: int) -> dict[str, int]:
        query = f"""{self._BEGAN},
             latest AS (SELECT m, day, substr(step, 2) AS step,
                               row_number() OVER (PARTITION BY m ORDER BY at DESC, step DESC) AS place FROM taken)
        SELECT step, count(*) FROM latest WHERE place = 1 AND NOT EXISTS (
          SELECT 1 FROM step s WHERE s.m = latest.m AND s.day BETWEEN latest.day + 7 AND latest.day + 34)
        GROUP BY step
        """  # noqa: S608
        return dict(self._db.execute(query, {"a": first, "b": last}).fetchall())
