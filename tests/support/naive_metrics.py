"""The measures once more, as plain SQL over the facts, and nothing taken from `belisha.metrics`: what the roll-ups are
held to.

A fact here is what an event says: key, milliseconds since 1970, member, action, group, label, organisation,
counterpart. Which day that is in London is computed from the rule of the law (the last Sundays of March and October,
01:00 UTC), not from the tz database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

Raw = tuple[str, int, int, str, str, str, str, str]
WORDS = {
    "active": "'signed_in','completed_profile','joined','read','posted','answered','reacted','voted','downloaded',"
    "'viewed'",
    "contributed": "'posted','answered'",
}


def london(at: int) -> int:
    """The local day as a number (0001-01-01 is 1)."""
    then = datetime.fromtimestamp(at / 1000, UTC)
    summer = _last_sunday(then.year, 3) <= then < _last_sunday(then.year, 10)
    return (then + timedelta(hours=summer)).date().toordinal()


def _last_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, 31, 1, tzinfo=UTC)
    return day - timedelta(days=(day.weekday() + 1) % 7)


class Naive:
    """All facts in a table, and one query for each measure."""

    def __init__(self, facts: Iterable[Raw]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute(
            "CREATE TABLE fact (key PRIMARY KEY, day INT, m INT, action, grp, label, org, other)",
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO fact VALUES (?,?,?,?,?,?,?,?)",
            [(key, london(at), *rest) for key, at, *rest in facts],
        )
        for name, actions in WORDS.items():
            self._db.execute(f"CREATE VIEW {name} AS SELECT * FROM fact WHERE action IN ({actions})")  # noqa: S608

    def close(self) -> None:
        self._db.close()

    def _all(self, query: str, **values: object) -> list[tuple[int, ...]]:
        return self._db.execute(query, values).fetchall()

    def _one(self, query: str, **values: object) -> int:
        return int(self._all(query, **values)[0][0] or 0)

    def active_users(self, first: int, last: int, window: int) -> list[int]:
        return [
            self._one("SELECT count(DISTINCT m) FROM active WHERE day BETWEEN :a AND :b", a=day - window + 1, b=day)
            for day in range(first, last + 1)
        ]

    def stickiness(self, first: int, last: int) -> tuple[int, int]:
        days = self._one(
            "SELECT count(*) FROM (SELECT DISTINCT m, day FROM active WHERE day BETWEEN :a AND :b)", a=first, b=last
        )
        return days, self.active_users(last, last, last - first + 1)[0] * (last - first + 1)

    def growth(self, before: int, first: int, last: int) -> dict[str, int]:
        query = """
        WITH now AS (SELECT DISTINCT m FROM active WHERE day BETWEEN :a AND :b),
             prev AS (SELECT DISTINCT m FROM active WHERE day BETWEEN :q AND :a - 1),
             left_ AS (SELECT m FROM fact WHERE action = 'left' AND day BETWEEN :q AND :b)
        SELECT (SELECT count(*) FROM now WHERE m NOT IN (SELECT m FROM active WHERE day < :a)),
               (SELECT count(*) FROM now WHERE m IN prev),
               (SELECT count(*) FROM now WHERE m NOT IN prev AND m IN (SELECT m FROM active WHERE day < :a)),
               (SELECT count(*) FROM prev WHERE m NOT IN now AND m NOT IN left_),
               (SELECT count(*) FROM prev WHERE m NOT IN now AND m IN left_)
        """
        (row,) = self._all(query, q=before, a=first, b=last)
        return dict(zip(("new", "returning", "resurrected", "dormant", "lost"), row, strict=True))

    def cohorts(self, start: int, weeks: int) -> list[list[int]]:
        query = """
        WITH born AS (SELECT m, min(day) AS day FROM active GROUP BY m)
        SELECT count(DISTINCT m) FROM active JOIN born USING (m)
        WHERE born.day BETWEEN :s + 7 * :c AND :s + 7 * :c + 6 AND active.day BETWEEN :s + 7 * :k AND :s + 7 * :k + 6
        """
        return [[self._one(query, s=start, c=c, k=k) for k in range(c, weeks)] for c in range(weeks)]

    def funnel(self, first: int, last: int) -> list[int]:
        actions = [*(f"'{step}'" for step in ("signed_in", "completed_profile", "joined", "read"))]
        return self._reached(first, last, [*([one] for one in actions), [WORDS["contributed"]], [""]])

    def first_steps(self, first: int, last: int) -> list[int]:
        steps = [["'signed_in'"], ["'completed_profile'", "'joined'"], ["'read'"], [""], [WORDS["contributed"]]]
        return self._reached(first, last, steps)

    def _reached(self, first: int, last: int, steps: list[list[str]]) -> list[int]:
        did = (
            "EXISTS (SELECT 1 FROM fact f WHERE f.m = i.m AND f.action IN ({}) AND f.day BETWEEN i.day AND i.day + 27)"
        )
        # The first sign-in within the 28 days, and something done 7 to 13 days after it.
        came_back = f"""EXISTS (SELECT 1 FROM fact f WHERE f.m = i.m AND f.action IN ({WORDS["active"]}) AND f.day - (
            SELECT min(s.day) FROM fact s
            WHERE s.m = i.m AND s.action = 'signed_in' AND s.day BETWEEN i.day AND i.day + 27
            ) BETWEEN 7 AND 13)"""  # noqa: S608
        conditions = [" AND ".join(did.format(one) if one else came_back for one in step) for step in steps]
        return [
            self._one(
                "SELECT count(*) FROM (SELECT m, min(day) AS day FROM fact WHERE action = 'invited' GROUP BY m) i"  # noqa: S608
                " WHERE " + " AND ".join(["i.day BETWEEN :a AND :b", *conditions[:number]]),
                a=first,
                b=last,
            )
            for number in range(len(conditions) + 1)
        ]

    def reading(self, first: int, last: int) -> tuple[int, int, int]:
        query = """
        WITH who AS (SELECT m, max(action IN ('posted','answered')) AS c, max(action = 'read') AS r
                     FROM active WHERE day BETWEEN :a AND :b GROUP BY m)
        SELECT coalesce(sum(c), 0), coalesce(sum(r AND NOT c), 0), coalesce(sum(NOT r AND NOT c), 0) FROM who
        """
        contributed, only_read, neither = self._all(query, a=first, b=last)[0]
        return contributed, only_read, neither

    def searching(self, first: int, last: int) -> tuple[int, int]:
        query = """
        SELECT count(DISTINCT m), count(DISTINCT CASE WHEN action = 'found_nothing' THEN m END)
        FROM fact WHERE action IN ('searched', 'found_nothing') AND day BETWEEN :a AND :b
        """
        searched, nothing = self._all(query, a=first, b=last)[0]
        return searched, nothing

    def top_decile(self, first: int, last: int) -> tuple[int, int]:
        query = """
        WITH per AS (SELECT count(*) AS n FROM contributed WHERE day BETWEEN :a AND :b GROUP BY m ORDER BY n DESC)
        SELECT coalesce((SELECT sum(n) FROM (SELECT n FROM per LIMIT (SELECT (count(*) + 9) / 10 FROM per))), 0),
               coalesce((SELECT sum(n) FROM per), 0)
        """
        part, whole = self._all(query, a=first, b=last)[0]
        return part, whole

    def connections(self, first: int, last: int, category: dict[str, str]) -> dict[tuple[str, str], int]:
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS cat (org PRIMARY KEY, name)")
        self._db.executemany("INSERT OR REPLACE INTO cat VALUES (?,?)", category.items())
        query = """
        SELECT x.name, y.name, count(DISTINCT m) FROM active
        JOIN cat x ON x.org = active.org JOIN cat y ON y.org = other
        WHERE day BETWEEN :a AND :b GROUP BY x.name, y.name
        """
        return {(row[0], row[1]): row[2] for row in self._db.execute(query, {"a": first, "b": last})}

    def health(self, before: int, first: int, last: int) -> dict[str, tuple[int, ...]]:
        query = """
        SELECT grp, count(DISTINCT m),
               count(DISTINCT CASE WHEN action IN ('posted','answered') THEN m END),
               count(DISTINCT CASE WHEN EXISTS (SELECT 1 FROM active e WHERE e.m = a.m AND e.grp = a.grp
                                                AND e.day BETWEEN :q AND :a - 1) THEN m END),
               count(DISTINCT CASE WHEN action = 'joined' THEN m END)
        FROM active a WHERE grp != '' AND day BETWEEN :a AND :b GROUP BY grp
        """
        rows = self._db.execute(query, {"q": before, "a": first, "b": last})
        return {group: tuple(counts) for group, *counts in rows}

    def took(self, action: str, first: int, last: int) -> dict[str, tuple[int, int]]:
        query = """
        SELECT grp, count(DISTINCT CASE WHEN action = :did THEN m END), count(DISTINCT m)
        FROM active WHERE grp != '' AND day BETWEEN :a AND :b GROUP BY grp
        """
        rows = self._db.execute(query, {"did": action, "a": first, "b": last})
        return {group: (part, whole) for group, part, whole in rows}

    def by(self, column: str, first: int, last: int) -> dict[str, int]:
        query = (
            f"SELECT {column}, count(DISTINCT m) FROM active WHERE {column} != '' AND day BETWEEN :a AND :b GROUP BY 1"  # noqa: S608
        )
        return dict(self._db.execute(query, {"a": first, "b": last}).fetchall())
