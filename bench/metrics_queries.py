"""The series of the metrics in SQL, for DuckDB and SQLite, over `active (day, m)`: a row for each day of each member.

Days are numbered from 0, a Monday. `{window}` is a number of days, `{days}` how many days there are, `{least}` the
database's smaller of two.
"""

from __future__ import annotations

from typing import Final

#: Every window is joined with the days in it.
ROLLUP: Final = """
WITH days AS (SELECT DISTINCT day FROM active)
SELECT days.day, count(DISTINCT m) FROM days JOIN active ON active.day BETWEEN days.day - {window} + 1 AND days.day
GROUP BY days.day ORDER BY days.day
"""
#: Who is active on a day is in the windows that end on it and later, until the next active day or the window's length.
WINDOWED: Final = """
WITH lasting AS (SELECT day, lead(day) OVER (PARTITION BY m ORDER BY day) AS again FROM active),
     steps AS (
         SELECT day, 1 AS step FROM lasting
         UNION ALL SELECT {least}(coalesce(again, day + {window}), day + {window}), -1 FROM lasting
     ),
     summed AS (SELECT day, sum(sum(step)) OVER (ORDER BY day) AS members FROM steps GROUP BY day)
SELECT day, members FROM summed WHERE day < {days} ORDER BY day
"""
#: Cohort, week, and how many of the cohort were active in it.
COHORTS: Final = (
    """
WITH seen AS (SELECT DISTINCT m, (day - day % 7) / 7 AS week FROM active),
     born AS (SELECT m, min(week) AS cohort FROM seen GROUP BY m)
SELECT cohort, week, count(*) FROM seen JOIN born USING (m) GROUP BY cohort, week
""",
    """
WITH seen AS (SELECT DISTINCT m, (day - day % 7) / 7 AS week FROM active),
     cohorts AS (SELECT week, min(week) OVER (PARTITION BY m) AS cohort FROM seen)
SELECT cohort, week, count(*) FROM cohorts GROUP BY cohort, week
""",
)
