"""Whether who writes gets an answer: cases, and against plain SQL on the same random histories."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from belisha.metrics.asks import Asks, asks
from belisha.metrics.days import Period, day_of, week_of
from belisha.metrics.facts import Fact, distinct, fact_of
from tests.support.naive_asks import Raw, naive_asks
from tests.unit.test_metrics import LONDON, MINUTE, STARTS, at

WEEK = week_of(date(2026, 6, 1))


def facts_of(raw: list[Raw]) -> list[Fact]:
    return [fact_of(key, when, LONDON, member, action, ref=ref) for key, when, member, action, ref in raw]


def found_in(*raw: tuple[str, int, str, str], within: Period = WEEK) -> Asks:
    rows = [(str(number), at(when), who, did, about) for number, (when, who, did, about) in enumerate(raw)]
    return asks(facts_of(rows), within)


def test_the_first_answer_of_somebody_else_counts() -> None:
    found = found_in(
        ("2026-06-02T11:00", 3, "answered", "a"),
        ("2026-06-02T10:30", 2, "answered", "a"),
        ("2026-06-02T09:10", 1, "answered", "a"),  # to a message too old for it to be known whose it was
        ("2026-06-02T08:50", 2, "answered", "a"),  # by a clock that goes wrong
        ("2026-06-02T09:00", 1, "posted", "a"),
    )
    assert found == Asks((90,), 0, BitMap([1]), BitMap(), BitMap([2]))
    assert found.time_to_first_answer == 90


def test_who_goes_on_about_the_same_has_asked_once() -> None:
    found = found_in(("2026-06-02T09:20", 1, "posted", "a"), ("2026-06-02T09:00", 1, "posted", "a"))
    assert found == Asks((), 1, BitMap(), BitMap([1]), BitMap())
    assert found.time_to_first_answer is None


def test_an_answer_is_waited_for_seven_times_24_hours() -> None:
    post = ("2026-06-02T09:00", 1, "posted", "a")
    assert found_in(post, ("2026-06-09T09:00", 2, "answered", "a")).waits == (7 * 24 * 60,)
    assert found_in(post, ("2026-06-09T09:01", 2, "answered", "a")).unanswered == 1


def test_a_post_is_of_the_day_on_which_it_was_posted() -> None:
    posts = [("2026-06-07T22:59", 1, "posted", "a"), ("2026-06-07T23:00", 2, "posted", "b")]
    found = found_in(*posts, ("2026-06-08T07:00", 3, "answered", "a"))
    assert (found.waits, found.unanswered) == ((8 * 60 + 1,), 0), "b is of Monday in London"


def test_who_was_answered_once_is_not_left_without() -> None:
    posts = [("2026-06-02T09:00", 1, "posted", "a"), ("2026-06-03T09:00", 1, "posted", "b")]
    found = found_in(*posts, ("2026-06-03T09:30", 2, "answered", "b"))
    assert (found.unanswered, found.heard, found.unheard) == (1, BitMap([1]), BitMap())


def test_the_median_is_the_lower_of_two() -> None:
    none = BitMap()
    assert Asks((5, 9, 30, 31), 0, none, none, none).time_to_first_answer == 9
    assert Asks((5, 9, 30), 0, none, none, none).time_to_first_answer == 9


events = st.tuples(
    st.integers(0, 20 * 24 * 4),  # quarters of an hour
    st.integers(1, 5),
    st.sampled_from(["posted", "posted", "answered", "answered", "reacted"]),
    st.sampled_from(["", "a", "b", "c", "d"]),
)


@st.composite
def histories(draw: st.DrawFn, events: st.SearchStrategy[tuple[int, int, str, str]]) -> list[Raw]:
    """Three weeks around a change of the clock, late and out of order, some of it twice."""
    start = draw(st.sampled_from(STARTS))
    raw = [
        (f"k{number}", start + quarter * 15 * MINUTE, who, did, about)
        for number, (quarter, who, did, about) in enumerate(draw(st.lists(events, max_size=40)))
    ]
    return raw + draw(st.lists(st.sampled_from(raw), max_size=10)) if raw else raw


@given(histories(events), st.integers(0, 20), st.integers(0, 20))
def test_asks_are_what_plain_sql_finds(raw: list[Raw], begins: int, length: int) -> None:
    start = day_of(raw[0][1], LONDON) if raw else date(2026, 3, 20)
    first = start + timedelta(days=begins - 10)
    within = Period(first, first + timedelta(days=length))
    found = asks(distinct(facts_of(raw)), within)
    assert (
        list(found.waits),
        found.unanswered,
        set(found.heard),
        set(found.unheard),
        set(found.answerers),
    ) == naive_asks(raw, within.first.toordinal(), within.last.toordinal())
