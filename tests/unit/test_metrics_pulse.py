"""The pulse: when it is asked, what a ballot says, what is counted, against plain SQL; and what of it may be shown."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.metrics.days import Period
from belisha.metrics.pulse import Given, asked_in, choices, middle, pulse_cells, quarter_of
from belisha.metrics.pulse import given as given_by
from belisha.metrics.respect import release
from tests.unit.test_metrics_respect import community

WITHIN = Period(date(2026, 4, 1), date(2026, 5, 29))
points = st.tuples(st.integers(1, 5), st.integers(1, 5))


@pytest.mark.parametrize(
    ("today", "until"),
    [
        ("2026-04-30", None),
        ("2026-05-01", "2026-05-28"),
        ("2026-06-02", "2026-06-29"),
        ("2026-06-20", "2026-06-30"),  # after a long time of being down
        ("2026-06-24", "2026-06-30"),
        ("2026-06-25", None),  # less than a week is left
        ("2028-02-29", "2028-03-27"),
        ("2026-12-31", None),
    ],
)
def test_it_is_asked_from_the_second_month_of_a_quarter_on(today: str, until: str | None) -> None:
    first = date.fromisoformat(today)
    expected = None if until is None else Period(first, date.fromisoformat(until))
    assert asked_in(first) == expected


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_every_day_is_in_one_quarter(day: date) -> None:
    quarter = quarter_of(day)
    assert day in quarter and quarter.first.month in (1, 4, 7, 10) and 90 <= quarter.length <= 92
    assert quarter_of(quarter.first) == quarter == quarter_of(quarter.last)
    assert quarter_of(quarter.last + timedelta(days=1)).first == quarter.last + timedelta(days=1)


@given(points)
def test_a_ballot_says_what_was_given(both: Given) -> None:
    assert given_by(choices(both)) == both


@pytest.mark.parametrize("chosen", [(), (1,), (6,), (1, 2), (6, 7), (1, 11), (0, 6), (1, 6, 7)])
def test_other_ballots_say_nothing(chosen: tuple[int, ...]) -> None:
    assert given_by(chosen) is None


@given(st.dictionaries(st.integers(1, 40), points, max_size=40))
def test_what_is_counted_is_what_plain_sql_finds(answers: dict[int, Given]) -> None:
    (whole, *parts), _ = pulse_cells(answers, WITHIN)
    database = sqlite3.connect(":memory:")
    database.execute('CREATE TABLE a (m, sharing, "using")')
    database.executemany("INSERT INTO a VALUES (?,?,?)", [(m, *both) for m, both in answers.items()])
    found = {one.name.part: len(one.members) for one in parts}
    assert len(whole.members) == database.execute("SELECT count(*) FROM a").fetchone()[0]
    for question in ("sharing", "using"):
        for part, where in (("agree", "IN (4, 5)"), ("neither", "= 3"), ("disagree", "IN (1, 2)")):
            query = f'SELECT count(*) FROM a WHERE "{question}" {where}'  # noqa: S608
            assert found[f"{question} {part}"] == database.execute(query).fetchone()[0]
        query = f'SELECT "{question}" FROM a ORDER BY 1 LIMIT 1 OFFSET (SELECT (count(*) - 1) / 2 FROM a)'  # noqa: S608
        row = database.execute(query).fetchone()
        assert whole.figures.get(question) == (row[0] if row else None)
    database.close()
    assert middle([]) is None


def shown(answers: dict[int, Given], organisations: str = "abcabcabcabcabcabc") -> dict[str, int | None]:
    rollups = community(organisations)
    cells, partitions = pulse_cells(answers, Period(date(2026, 4, 1), date(2026, 6, 30)))
    return {name.part: one.members for name, one in release(rollups, cells, partitions, date(2026, 7, 20), {}).items()}


def test_what_is_left_of_the_answers_is_about_five_as_well() -> None:
    """That nobody is left counts as too few; and who gave the same to both questions would be known by both numbers."""
    two = dict.fromkeys(range(1, 8), (5, 5)) | dict.fromkeys(range(8, 14), (1, 3))
    assert {part: value for part, value in shown(two).items() if value} == {"": 13, "sharing agree": 7}
    three = dict.fromkeys(range(1, 8), (5, 3)) | dict.fromkeys(range(8, 14), (3, 3))
    three |= dict.fromkeys(range(14, 19), (1, 3))
    expected = {"": 18, "sharing agree": 7, "sharing neither": 6, "sharing disagree": 5}
    assert {part: value for part, value in shown(three).items() if value} == expected


def test_of_few_who_differ_no_part_is_shown() -> None:
    found = shown(dict.fromkeys(range(1, 12), (5, 5)) | {12: (1, 5), 13: (1, 5)})
    assert found[""] == 13 and {value for part, value in found.items() if part} == {None}


def test_too_few_answers_or_those_of_one_organisation_are_not_shown_at_all() -> None:
    assert set(shown(dict.fromkeys(range(1, 5), (5, 5))).values()) == {None}
    assert set(shown(dict.fromkeys(range(1, 10), (5, 5)), "a" * 18).values()) == {None}
