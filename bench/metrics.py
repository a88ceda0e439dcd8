"""What a year of activity costs: every day's DAU, WAU and MAU and all weekly cohorts, beside DuckDB and SQLite.

20 million facts of 100,000 members in 365 days are made up and rolled up in batches, as they would come in. Then the
four are computed from the roll-ups, and by both databases from a table of who was active on which day, each in two
ways: by joining every window with its days ("rollup"), and by window functions that count a member from one active
day to the next ("windowed"); the quicker counts, series by series. All have to give the same numbers, or the
benchmark ends with 1.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any, Final

import duckdb
import numpy as np

from belisha.metrics.days import Period, weeks
from belisha.metrics.facts import Fact, distinct
from belisha.metrics.measures import active_users, cohorts
from belisha.metrics.rollups import Rollups
from bench.metrics_queries import COHORTS, ROLLUP, WINDOWED
from bench.report import Bar, BenchFailed, Result, say

_START: Final = date(2026, 1, 5)  # a Monday
_BATCH: Final = 10_000
#: A hundred acts of members, as they fall.
_ACTIONS: Final = ("read",) * 82 + ("viewed",) * 7 + ("posted",) * 5 + ("answered",) * 3 + ("voted",) * 2 + ("reacted",)
_TIMES: Final = 5
_DAY: Final = timedelta(days=1)
#: Each series and its window in days.
_SERIES: Final = {"daily": 1, "weekly": 7, "monthly": 30}
Answers = dict[str, list[Any]]


@dataclass(frozen=True)
class Size:
    """How large the community is, and how many of its members are active on a day."""

    members: int
    days: int
    facts: int
    active: int


FULL: Final = Size(100_000, 365, 20_000_000, 5_000)
QUICK: Final = Size(3_000, 120, 60_000, 150)


def run(*, quick: bool) -> Result:
    """Rolls up, asks all three, and compares."""
    size = QUICK if quick else FULL
    say(f"{size.facts:,} facts of {size.members:,} members in {size.days} days, rolled up …")
    rollups, seconds, active = _roll_up(size)
    period = Period(_START, _START + _DAY * (size.days - 1))
    ours, series_ms = _timed_ours(rollups, period)
    figures = {
        "all_series_ms": sum(series_ms.values()),
        **{f"{name}_ms": value for name, value in series_ms.items()},
        "facts_per_s": size.facts / seconds,
        "facts": float(size.facts),
        "members_met": float(len(rollups.members("known", period))),
        "rollup_mb": sum(len(rollups.dump(day)) for day in period.days()) / 1e6,
    }
    say("DuckDB …")
    duck = _duckdb(active, size.days, ours)
    say("SQLite …")
    lite = _sqlite(active, size.days, ours)
    for name, best in (("duckdb", duck), ("sqlite", lite)):
        figures |= {f"{name}_{series}_ms": value for series, value in best.items()}
        figures[f"{name}_all_series_ms"] = sum(best.values())
    return Result(
        bench="metrics",
        figures=figures,
        ratios={
            "faster_than_duckdb": figures["duckdb_all_series_ms"] / figures["all_series_ms"],
            "faster_than_sqlite": figures["sqlite_all_series_ms"] / figures["all_series_ms"],
        },
        bars={
            "all_series_ms": Bar(most=150),
            "faster_than_duckdb": Bar(least=5),
            "facts_per_s": Bar(least=20_000),
        },
        meaning="A year's daily, weekly and monthly series and its weekly cohorts together take so many milliseconds.",
    )


def _roll_up(size: Size) -> tuple[Rollups, float, np.ndarray]:
    """The roll-ups, the seconds that adding the facts took, and who was active on which day: rows of day and member."""
    rollups, seconds, active = Rollups(), 0.0, []
    for number, batches in _days(size):
        members: set[int] = set()
        for batch in batches:
            began = time.perf_counter()
            rollups.add(distinct(batch))
            seconds += time.perf_counter() - began
            members.update(fact.member for fact in batch)
        active.append(np.array([(number, member) for member in sorted(members)]))
    return rollups, seconds, np.concatenate(active)


def _days(size: Size) -> Iterator[tuple[int, Iterator[list[Fact]]]]:
    """For each day its facts in batches; a few members come nearly every day, most seldom, not all from the start."""
    dice = np.random.default_rng(11)
    weight = dice.lognormal(0.0, 1.2, size.members)
    came = np.sort(dice.integers(-size.days, size.days, size.members))
    for number in range(size.days):
        there = int(np.searchsorted(came, number, side="right"))
        odds = weight[:there] / weight[:there].sum()
        today = 1 + dice.choice(there, min(there, size.active), replace=False, p=odds)
        count = size.facts * (number + 1) // size.days - size.facts * number // size.days
        # Everybody who is drawn does something, and then whoever it falls to.
        who = np.concatenate([today[:count], dice.choice(today, max(0, count - len(today)))])
        yield number, _batches(number, who.tolist(), dice.integers(0, 1 << 30, len(who)).tolist())


def _batches(number: int, who: list[int], drawn: list[int]) -> Iterator[list[Fact]]:
    day = _START + _DAY * number
    for first in range(0, len(who), _BATCH):
        yield [
            Fact(
                f"{number}-{first + at}",
                0,
                day,
                member,
                _ACTIONS[chance % 100],
                f"!group{chance // 100 % 40}",
                ("TLP:GREEN", "TLP:AMBER")[chance // 4_000 % 2],
                f"org{member % 300}",
                f"org{chance // 8_000 % 300}" if _ACTIONS[chance % 100] in ("answered", "reacted") else "",
            )
            for at, (member, chance) in enumerate(
                zip(who[first : first + _BATCH], drawn[first : first + _BATCH], strict=True)
            )
        ]


def _timed_ours(rollups: Rollups, period: Period) -> tuple[Answers, dict[str, float]]:
    asked: dict[str, Callable[[], list[Any]]] = {
        name: lambda window=window: active_users(rollups, period, window) for name, window in _SERIES.items()
    }
    whole = weeks(period)
    asked["cohorts"] = lambda: [list(cohort.retained) for cohort in cohorts(rollups, whole)]
    answers, found = {}, {}
    for name, ask in asked.items():
        answers[name], found[name] = _timed(ask, _TIMES)
    return answers, found


def _timed(ask: Callable[[], list[Any]], times: int) -> tuple[list[Any], float]:
    """The answer, and the median of the milliseconds that it took."""
    taken, answer = [], []
    for _ in range(times):
        began = time.perf_counter()
        answer = ask()
        taken.append((time.perf_counter() - began) * 1000)
    return answer, median(taken)


def _duckdb(active: np.ndarray, days: int, ours: Answers) -> dict[str, float]:
    with duckdb.connect() as connection:
        columns = {"day": active[:, 0], "m": active[:, 1]}  # noqa: F841, RUF100 - DuckDB reads the variable
        connection.execute("CREATE TABLE active AS SELECT day::INT AS day, m::INT AS m FROM columns ORDER BY day, m")
        return _best(lambda query: connection.execute(query).fetchall(), days, ours, 3, "DuckDB", least="least")


def _sqlite(active: np.ndarray, days: int, ours: Answers) -> dict[str, float]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE TABLE active (day INT, m INT, PRIMARY KEY (m, day)) WITHOUT ROWID")
        connection.executemany("INSERT INTO active VALUES (?, ?)", active.tolist())
        connection.execute("CREATE INDEX active_day ON active (day, m)")
        connection.execute("ANALYZE")
        # Joining each window takes SQLite minutes for what window functions do in seconds: asked of the small size.
        joined = days < FULL.days
        return _best(lambda query: connection.execute(query).fetchall(), days, ours, 1, "SQLite", "min", joined=joined)
    finally:
        connection.close()


def _best(
    ask: Callable[[str], list[tuple[Any, ...]]],
    days: int,
    ours: Answers,
    times: int,
    name: str,
    least: str,
    *,
    joined: bool = True,
) -> dict[str, float]:
    """The milliseconds of the quicker way, series by series, after each gave what the roll-ups gave."""
    found: dict[str, float] = {}
    for series, window in _SERIES.items():
        ways = [WINDOWED, *([ROLLUP] if joined else [])]
        if window == 1:
            ways = ["SELECT day, count(*) FROM active GROUP BY day ORDER BY day"]
        for way in ways:
            query = way.format(window=window, days=days, least=least)
            rows, taken = _timed(lambda query=query: ask(query), times)
            if [int(count) for _, count in rows] != ours[series]:
                raise BenchFailed(f"{name} and the roll-ups do not agree on the {series} series.")
            found[series] = min(taken, found.get(series, taken))
    for way in COHORTS:
        rows, taken = _timed(lambda query=way: ask(query), times)
        table = {(int(cohort), int(week)): int(count) for cohort, week, count in rows}
        last = len(ours["cohorts"])
        if [[table.get((c, w), 0) for w in range(c, last)] for c in range(last)] != ours["cohorts"]:
            raise BenchFailed(f"{name} and the roll-ups do not agree on the cohorts.")
        found["cohorts"] = min(taken, found.get("cohorts", taken))
    return found
