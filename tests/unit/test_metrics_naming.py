"""Whether an organisation was active: said of five members at least, or not at all."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from belisha.metrics.days import Period, month_of
from belisha.metrics.facts import Fact
from belisha.metrics.naming import activity, is_due
from belisha.metrics.rollups import Rollups
from tests.support.naive_naming import Raw, naive_activity

JUNE = month_of(date(2026, 6, 1))
DECIDED = date(2026, 7, 4)
_keys = map(str, count())


def seen(members: range, organisation: str, day: date, action: str = "read") -> list[Fact]:
    return [Fact(next(_keys), 0, day, number, action, organisation=organisation) for number in members]


def found(*facts: list[Fact], month: Period = JUNE, today: date = DECIDED) -> dict[str, bool | None]:
    rollups = Rollups()
    rollups.add(one for some in facts for one in some)
    return activity(rollups, month, today)


SPRING, THEN = date(2026, 4, 1), date(2026, 6, 10)
FIVE = range(1, 6)


def test_one_of_five_is_enough_and_none_of_five_is_told_too() -> None:
    assert found(seen(FIVE, "ash", SPRING)) == {"ash": False}
    assert found(seen(FIVE, "ash", SPRING), seen(range(3, 4), "ash", THEN)) == {"ash": True}
    assert found(seen(FIVE, "ash", SPRING), seen(FIVE, "ash", THEN, "searched")) == {"ash": False}


def test_of_four_nothing_is_told_whatever_they_do() -> None:
    four = range(1, 5)
    assert (
        found(seen(four, "ash", SPRING)) == found(seen(four, "ash", SPRING), seen(four, "ash", THEN)) == {"ash": None}
    )


def test_young_accounts_fill_no_organisation_up() -> None:
    young = seen(range(5, 6), "ash", THEN)
    assert found(seen(range(1, 5), "ash", SPRING), young) == {"ash": None}
    assert found(seen(range(1, 5), "ash", SPRING), young, today=THEN + timedelta(days=30)) == {"ash": True}


def test_who_has_left_or_changed_counts_no_more() -> None:
    five, left = seen(FIVE, "ash", SPRING), seen(range(5, 6), "ash", date(2026, 6, 30), "left")
    assert found(five, left) == {"ash": None}
    assert found(five, left, seen(range(5, 6), "ash", date(2026, 6, 30))) == {"ash": None}, "the day on which they left"
    late = seen(range(5, 6), "ash", date(2026, 7, 1), "left")
    assert found(five, late) == {"ash": False}, "who left in July was there in June"
    assert found(five, seen(range(5, 6), "bay", THEN)) == {"ash": None, "bay": None}
    assert found(seen(FIVE, "", SPRING)) == {}, "accounts without one are of none"


def test_who_is_seen_in_two_organisations_on_their_last_day_is_of_both() -> None:
    five = seen(FIVE, "bay", SPRING)
    assert found(seen(range(1, 2), "ash", SPRING), five) == found(five, seen(range(1, 2), "ash", SPRING))
    assert found(seen(range(1, 2), "ash", SPRING), five) == {"ash": None, "bay": False}


def test_whom_nobody_has_seen_for_a_year_is_of_none() -> None:
    assert found(seen(FIVE, "ash", date(2025, 5, 31))) == {}
    assert found(seen(FIVE, "ash", date(2025, 6, 1))) == {"ash": False}


def test_a_month_waits_for_what_comes_late() -> None:
    assert [is_due(JUNE, JUNE.last + timedelta(days=days)) for days in (3, 4)] == [False, True]


events = st.tuples(
    st.integers(0, 120),
    st.integers(1, 9),
    st.sampled_from(["read", "searched", "left", "posted", "invited"]),
    st.sampled_from(["", "ash", "bay"]),
)


@given(st.lists(events, max_size=60), st.integers(4, 40))
def test_it_is_what_plain_sql_finds(raw: list[tuple[int, int, str, str]], later: int) -> None:
    first = date(2026, 3, 20)
    facts: list[Raw] = [(first.toordinal() + day, who, did, where) for day, who, did, where in raw]
    rollups = Rollups()
    rollups.add(
        Fact(str(n), 0, date.fromordinal(day), who, did, organisation=where)
        for n, (day, who, did, where) in enumerate(facts)
    )
    today = JUNE.last + timedelta(days=later)
    assert activity(rollups, JUNE, today) == naive_activity(
        facts, JUNE.first.toordinal(), JUNE.last.toordinal(), date(2025, 6, 1).toordinal(), today.toordinal()
    )
