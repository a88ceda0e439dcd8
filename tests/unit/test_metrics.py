"""Facts, days, roll-ups and measures: cases, and everything against plain SQL on the same random histories."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from belisha.metrics.actions import ACTIONS, ACTIVE
from belisha.metrics.days import Period, day_of, month_of, months, week_of, weeks
from belisha.metrics.facts import Fact, Numbers, Pseudonyms, distinct, fact_of
from belisha.metrics.in_groups import health, reach, turnout
from belisha.metrics.measures import (
    Share,
    Top,
    active_users,
    cohorts,
    connections,
    first_steps,
    funnel,
    growth,
    reading,
    searching,
    stickiness,
    top_decile,
)
from belisha.metrics.rollups import GROUP, LABEL, ORGANISATION, DamagedRollup, Rollups
from belisha.metrics.windows import distinct_in_windows
from tests.support.naive_metrics import Naive, Raw

LONDON = ZoneInfo("Europe/London")
CATEGORIES = {"ash": "government", "bay": "government", "cob": "industry"}
MINUTE = 60_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def facts_of(raw: list[Raw]) -> list[Fact]:
    return [
        fact_of(key, when, LONDON, member, action, group=group, label=label, organisation=mine, counterpart=other)
        for key, when, member, action, group, label, mine, other in raw
    ]


def rolled(raw: list[Raw]) -> Rollups:
    rollups = Rollups()
    rollups.add(distinct(facts_of(raw)))
    return rollups


def ordinals(period: Period) -> tuple[int, int]:
    return period.first.toordinal(), period.last.toordinal()


def dumped(rollups: Rollups) -> dict[date, bytes]:
    span = rollups.span()
    return {day: rollups.dump(day) for day in span.days()} if span else {}


# --- Days ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2026-03-28T23:59:59", "2026-03-28"),  # the last evening of winter time
        ("2026-03-29T22:59:59", "2026-03-29"),  # a day of 23 hours
        ("2026-03-29T23:00:00", "2026-03-30"),
        ("2026-10-24T22:59:59", "2026-10-24"),
        ("2026-10-24T23:00:00", "2026-10-25"),  # a day of 25 hours
        ("2026-10-25T23:59:59", "2026-10-25"),
        ("2026-10-26T00:00:00", "2026-10-26"),
    ],
)
def test_a_day_is_one_by_the_communitys_clock(when: str, day: str) -> None:
    assert day_of(at(when), LONDON) == date.fromisoformat(day)


def test_weeks_begin_on_mondays_and_only_whole_ones_count() -> None:
    within = Period(date(2026, 1, 1), date(2026, 3, 30))
    assert week_of(date(2026, 1, 4)) == Period(date(2025, 12, 29), date(2026, 1, 4))
    assert month_of(date(2028, 2, 29)) == Period(date(2028, 2, 1), date(2028, 2, 29))
    found = weeks(within)
    assert (found[0].first, found[-1].last) == (date(2026, 1, 5), date(2026, 3, 29))
    assert all(week.length == 7 and week in within for week in found)
    assert months(within) == [month_of(date(2026, 1, 5)), month_of(date(2026, 2, 5))]
    assert weeks(Period(date(2026, 1, 6), date(2026, 1, 11))) == []


# --- Facts -----------------------------------------------------------------------------------------------------


def test_a_fact_has_neither_name_nor_exact_time_nor_an_events_id() -> None:
    names = Pseudonyms(bytes(32))
    numbers = Numbers()
    ana = names.member("@ana:x")
    fact = fact_of(
        names.fact("posted", "$event"),
        at("2026-03-29T23:00:59") + 999,
        LONDON,
        numbers.of(ana),
        "posted",
        ref=names.ref("$event"),
    )
    assert fact.at == at("2026-03-29T23:00:00")
    assert fact.day == date(2026, 3, 30)
    assert fact.member == 1
    assert "ana" not in repr(fact)
    assert "event" not in repr(fact)
    other = Pseudonyms(bytes([1]) * 32)
    assert len({ana, other.member("@ana:x"), names.ref("@ana:x"), names.fact("@ana:x")}) == 4
    assert names.fact("read", "a", "bc") != names.fact("read", "ab", "c")
    assert names.ref("") == ""


def test_what_is_no_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="no action called idled"):
        fact_of("k", 0, LONDON, 1, "idled")
    with pytest.raises(ValueError, match="from 1 to"):
        fact_of("k", 0, LONDON, 0, "read")
    with pytest.raises(ValueError, match="needs 32"):
        Pseudonyms(b"short")


def test_a_number_is_never_given_twice() -> None:
    numbers = Numbers({"a": 1, "b": 2}, highest=7)
    assert [numbers.of("b"), numbers.of("c"), numbers.of("c")] == [2, 8, 8]
    assert numbers.forget("c") == 8
    assert numbers.forget("c") is None
    assert numbers.of("c") == 9, "who comes back is somebody new"
    assert Numbers({"a": 3}).of("b") == 4
    with pytest.raises(OverflowError):
        Numbers(highest=2**32 - 1).of("one too many")


# --- Random histories ------------------------------------------------------------------------------------------

#: Around both changes of the clock, a leap day and the turn of a year, in London's evening hours too.
STARTS = [at(day) for day in ("2026-03-20T00:00", "2026-10-17T00:00", "2028-02-20T00:00", "2026-12-25T00:00")]
events = st.tuples(
    st.integers(0, 20 * 24 * 4),  # quarters of an hour
    st.integers(1, 12),
    st.sampled_from(sorted(ACTIONS)),
    st.sampled_from(["", "!tides", "!wrecks"]),
    st.sampled_from(["", "TLP:GREEN", "TLP:AMBER"]),
    st.sampled_from(["", *CATEGORIES]),  # whatever the member's was before: people change organisation
    st.sampled_from(["", *CATEGORIES]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Raw]:
    """Facts of three weeks, late and out of order, some of them twice."""
    start = draw(st.sampled_from(STARTS))
    raw = [
        (f"k{number}", start + quarter * 15 * MINUTE, *rest)
        for number, (quarter, *rest) in enumerate(draw(st.lists(events, max_size=60)))
    ]
    # Some who take the steps in their order, as few random facts would.
    for member in range(draw(st.integers(0, 3))):
        when = start
        for step in ("invited", "signed_in", "completed_profile", "joined", "read", "posted", "viewed"):
            when += draw(st.integers(0, 9)) * 24 * 60 * MINUTE
            raw.append((f"j{member}{step}", when, 20 + member, step, "!tides", "", "ash", ""))
    return raw + draw(st.lists(st.sampled_from(raw), max_size=10)) if raw else raw


@given(histories())
def test_every_measure_is_what_plain_sql_finds(raw: list[Raw]) -> None:
    rollups, naive = rolled(raw), Naive(raw)
    start = day_of(raw[0][1], LONDON) if raw else date(2026, 3, 20)
    whole = Period(start - timedelta(days=25), start + timedelta(days=25))
    ends = ordinals(whole)
    for window in (1, 7, 30):
        assert active_users(rollups, whole, window) == naive.active_users(*ends, window)
    some = weeks(whole)
    for periods in (some, months(Period(month_of(whole.first).first, month_of(whole.last).last))):
        for before, accounted in zip(periods, growth(rollups, periods), strict=False):
            parts = ("new", "returning", "resurrected", "dormant", "lost")
            expected = naive.growth(before.first.toordinal(), *ordinals(accounted.period))
            assert {part: len(getattr(accounted, part)) for part in parts} == expected
    for period in some:
        assert stickiness(rollups, period) == naive.stickiness(*ordinals(period))
        assert tuple(map(len, reading(rollups, period))) == naive.reading(*ordinals(period))
        assert tuple(map(len, searching(rollups, period))) == naive.searching(*ordinals(period))
        assert top_decile(rollups, period).share == naive.top_decile(*ordinals(period))
        assert list(map(len, funnel(rollups, period).values())) == naive.funnel(*ordinals(period))
        assert list(map(len, first_steps(rollups, period).values())) == naive.first_steps(*ordinals(period))
        matrix = {pair: len(members) for pair, members in connections(rollups, period, CATEGORIES).items()}
        assert matrix == naive.connections(*ordinals(period), CATEGORIES)
        for measure, action in ((turnout, "voted"), (reach, "downloaded")):
            parts_of = {group: (len(one.took), len(one.active)) for group, one in measure(rollups, period).items()}
            assert parts_of == naive.took(action, *ordinals(period))
    for before, period in pairwise(some):
        alive = {
            group: (len(one.active), len(one.contributed), len(one.stayed), len(one.joined))
            for group, one in health(rollups, before, period).items()
        }
        assert alive == naive.health(before.first.toordinal(), *ordinals(period))
    found = [list(cohort.retained) for cohort in cohorts(rollups, some)]
    assert found == naive.cohorts(some[0].first.toordinal(), len(some))
    for dimension, column in ((GROUP, "grp"), (LABEL, "label"), (ORGANISATION, "org")):
        counted = {value: len(members) for value, members in rollups.by(ACTIVE, dimension, whole).items()}
        assert counted == naive.by(column, *ends)
    naive.close()


@given(histories())
def test_growth_adds_up_to_zero(raw: list[Raw]) -> None:
    rollups = rolled(raw)
    span = rollups.span() or Period(date(2026, 3, 20), date(2026, 3, 20))
    periods = weeks(Period(span.first - timedelta(days=7), span.last + timedelta(days=14)))
    before = len(rollups.members(ACTIVE, periods[0]))
    for one in growth(rollups, periods):
        active = rollups.members(ACTIVE, one.period)
        assert one.new | one.returning | one.resurrected == active
        assert len(one.new) + len(one.returning) + len(one.resurrected) == len(active)
        assert len(one.returning) + len(one.dormant) + len(one.lost) == before
        assert one.change - (len(active) - before) == 0
        before = len(active)


# --- Roll-ups --------------------------------------------------------------------------------------------------


@given(histories(), st.randoms(use_true_random=False))
def test_a_rebuild_gives_identical_bytes(raw: list[Raw], dice: random.Random) -> None:
    """Whatever the order, in whatever batches, loaded in between or not."""
    once = dumped(rolled(raw))
    facts = list(distinct(facts_of(raw)))
    dice.shuffle(facts)
    piecewise = Rollups()
    for number, fact in enumerate(facts):
        piecewise.add([fact])
        if number % 7 == 0:
            assert piecewise.load(piecewise.dump(fact.day)) == fact.day
    assert dumped(piecewise) == once


@given(histories(), st.integers(1, 12))
def test_who_is_erased_was_never_there(raw: list[Raw], member: int) -> None:
    erased = rolled(raw)
    days = erased.erase(member)
    without = rolled([one for one in raw if one[2] != member])
    assert dumped(erased) == dumped(without)
    assert set(days) == {fact.day for fact in facts_of(raw) if fact.member == member}
    assert erased.erase(member) == []


def test_bytes_do_not_tell_how_a_set_came_about() -> None:
    """A bitmap that was long and is short again stores itself otherwise than one that was always short."""
    raw: list[Raw] = [(f"k{number}", STARTS[0], number, "read", "", "", "", "") for number in range(1, 9001)]
    rollups = rolled(raw)
    rollups.load(rollups.dump(day_of(STARTS[0], LONDON)))
    for number in range(1, 9001, 2):
        rollups.erase(number)
    plain = rolled([one for one in raw if one[2] % 2 == 0])
    assert dumped(rollups) == dumped(plain)


def test_damaged_bytes_are_refused_and_change_nothing() -> None:
    rollups = rolled([("k", STARTS[0], 3, "posted", "!tides", "TLP:GREEN", "ash", "")])
    day = day_of(STARTS[0], LONDON)
    data = rollups.dump(day)
    for broken in (data[:-1], data[:40] + bytes([data[40] ^ 1]) + data[41:], b"", b"x" * 100):
        with pytest.raises(DamagedRollup):
            rollups.load(broken)
    assert rollups.dump(day) == data
    empty = Rollups()
    assert rollups.load(empty.dump(day)) == day, "a day of which nothing is known is one too"
    assert rollups.span() is None


def test_a_fact_without_its_action_adds_nothing() -> None:
    rollups = Rollups()
    good = fact_of("k", STARTS[0], LONDON, 1, "read")
    with pytest.raises(ValueError, match="no action"):
        rollups.add([good, good._replace(action="idled")])
    assert rollups.span() is None


def test_counts_go_beyond_one_slice() -> None:
    made = [(member, number) for member in (1, 2, 3) for number in range(member * 100)]
    facts = [fact_of(f"{m}-{n}", STARTS[0], LONDON, m, "posted") for m, n in made]
    rollups = Rollups()
    for first in range(0, len(facts), 37):
        rollups.add(facts[first : first + 37])
    day = day_of(STARTS[0], LONDON)
    assert rollups.contributions(Period(day, day)) == {1: 100, 2: 200, 3: 300}
    assert top_decile(rollups, Period(day, day)).share == Share(300, 600)
    assert Share(0, 0).value is None


def test_a_tenth_is_rounded_up() -> None:
    rollups = Rollups()
    rollups.add(
        fact_of(f"{member}-{number}", STARTS[0], LONDON, member, "posted")
        for member in range(1, 12)
        for number in range(1 + (member in (4, 7)))
    )
    day = day_of(STARTS[0], LONDON)
    assert top_decile(rollups, Period(day, day)) == Top(BitMap([4, 7]), Share(4, 13))


@given(st.lists(st.frozensets(st.integers(0, 9)), max_size=20), st.integers(1, 9))
def test_windows_are_united_right(days: list[frozenset[int]], length: int) -> None:
    expected = [len(frozenset().union(*days[n : n + length])) for n in range(len(days) - length + 1)]
    assert distinct_in_windows([BitMap(day) for day in days], length) == expected


def test_a_window_has_a_length() -> None:
    with pytest.raises(ValueError, match="0 days"):
        distinct_in_windows([], 0)
