"""Journeys: sessions, moves, first weeks, against plain SQL on random histories; and when there are none."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from belisha.metrics.days import Period, day_of, month_of, months
from belisha.metrics.facts import Fact, distinct, fact_of
from belisha.metrics.journey_cells import journey_cells
from belisha.metrics.journeys import MOVES, STEPS, add_journeys, first_weeks, is_whole, moves
from belisha.metrics.respect import Name, release
from belisha.metrics.rollups import Rollups
from tests.support.naive_journeys import NaiveJourneys
from tests.support.naive_metrics import Raw
from tests.unit.test_metrics import LONDON, MINUTE, STARTS, at, dumped, facts_of, histories, ordinals

JUNE = month_of(date(2026, 6, 1))


def walked(raw: list[Raw]) -> Rollups:
    rollups, facts = Rollups(), list(distinct(facts_of(raw)))
    rollups.add(facts)
    add_journeys(rollups, facts)
    return rollups


def day(*taken: tuple[str, str], member: int = 1) -> list[Fact]:
    """What a member does on 3 June, by the clock in London."""
    return [
        fact_of(f"{member}{n}", at(f"2026-06-03T{clock}:00") - 60 * MINUTE, LONDON, member, action)
        for n, (clock, action) in enumerate(taken)
    ]


def moved(*facts: Fact) -> set[str]:
    rollups = Rollups()
    add_journeys(rollups, facts)
    return {">".join(move) for move, members in moves(rollups, JUNE).items() if members}


@st.composite
def busy(draw: st.DrawFn) -> list[Raw]:
    """Few members who do much within hours, around a midnight of a day on which the clock changes."""
    start = draw(st.sampled_from(STARTS)) + 8 * 24 * 60 * MINUTE + draw(st.integers(0, 3)) * 6 * 60 * MINUTE
    acts = st.tuples(
        st.integers(0, 60), st.integers(1, 3), st.sampled_from(["viewed", "read", "posted", "left", "joined"])
    )
    return [
        (f"b{n}", start + ten * 10 * MINUTE, member, action, "", "", "", "")
        for n, (ten, member, action) in enumerate(draw(st.lists(acts, max_size=40)))
    ]


@given(st.one_of(histories(), busy()))
def test_journeys_are_what_plain_sql_finds(raw: list[Raw]) -> None:
    rollups, naive = walked(raw), NaiveJourneys(raw)
    start = day_of(raw[0][1], LONDON) if raw else date(2026, 3, 20)
    for within in (
        Period(start - timedelta(days=25), start + timedelta(days=60)),
        Period(start, start + timedelta(days=3)),
    ):
        made = {move: len(members) for move, members in moves(rollups, within).items() if members}
        assert made == naive.moves(*ordinals(within))
        began = first_weeks(rollups, within)
        assert {path: len(members) for path, members in began.paths.items()} == naive.paths(*ordinals(within))
        stopped = {step: len(members) for step, members in began.stopped.items() if members}
        assert stopped == naive.stopped(*ordinals(within))
    naive.close()


@given(histories(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_a_rebuild_gives_identical_bytes_and_who_is_erased_was_never_there(
    raw: list[Raw], member: int, dice: random.Random
) -> None:
    once = walked(raw)
    dice.shuffle(raw)
    assert dumped(walked(raw)) == dumped(once)
    once.erase(member)
    assert dumped(once) == dumped(walked([one for one in raw if one[2] != member]))


def test_a_session_ends_with_a_pause_of_more_than_thirty_minutes_and_with_its_day() -> None:
    assert moved(*day(("09:00", "read"), ("09:30", "posted"))) == {">read", "read>wrote", "wrote>"}
    assert moved(*day(("09:00", "read"), ("09:31", "posted"))) == {">read", "read>", ">wrote", "wrote>"}
    assert moved(*day(("09:00", "read"), ("09:10", "read"))) == {">read", "read>"}, "the same again is no move"
    midnight = [*day(("23:50", "read")), *day(("23:55", "read"))[:0]]
    after = fact_of("late", at("2026-06-03T23:10:00"), LONDON, 1, "posted")  # ten past midnight in London
    assert moved(*midnight, after) == {">read", "read>", ">wrote", "wrote>"}
    assert moved(*day(("09:00", "invited"), ("09:01", "left"))) == set(), "nobody does these themselves"


def test_of_one_minute_what_comes_first_is_fixed() -> None:
    assert moved(*day(("09:00", "posted"), ("09:00", "read"), ("09:00", "signed_in"))) == {
        *(">arrived", "arrived>read", "read>wrote", "wrote>"),
    }


def test_every_move_is_asked_for_whether_anybody_made_it_or_not() -> None:
    rollups = Rollups()
    facts = day(("09:00", "read"))
    rollups.add(facts)
    add_journeys(rollups, facts)
    cells, _ = journey_cells(rollups, [JUNE])
    assert len(MOVES) == len(STEPS) * (len(STEPS) - 1) + 2 * len(STEPS)
    assert {one.name.part for one in cells if one.name.measure == "move"} == {">".join(one) for one in MOVES}


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_month_in_which_a_day_was_not_looked_at_has_no_journeys(looked_at: bool) -> None:
    rollups, facts = Rollups(), day(("09:00", "read"))
    other = fact_of("other", at("2026-06-20T09:00:00"), LONDON, 1, "read")
    rollups.add([*facts, other])
    add_journeys(rollups, [*facts, other] if looked_at else facts)
    assert is_whole(rollups, JUNE) is looked_at
    assert bool(journey_cells(rollups, [JUNE])[0]) is looked_at
    assert not is_whole(rollups, Period(date(2026, 7, 1), date(2026, 7, 31))), "nor has one in which nobody was active"


def test_paths_are_withheld_like_everything_else() -> None:
    """Of two ways to begin the one of too few is not shown, nor is the other, from which it would follow."""
    rollups = Rollups()
    facts: list[Fact] = []
    for number in range(1, 16):
        for when, action in (("04-08", "signed_in"), ("04-09", "read"), ("06-03", "read")):
            skipped = number > 12 and when == "04-09"
            if not skipped:
                noon = at(f"2026-{when}T12:00:00")
                facts.append(fact_of(f"{number}{when}", noon, LONDON, number, action, organisation="abc"[number % 3]))
    rollups.add(facts)
    add_journeys(rollups, facts)
    cells, parts = journey_cells(rollups, months(Period(date(2026, 4, 1), date(2026, 6, 30))))
    found = {one.name.part: one for one in cells if one.name.measure == "path"}
    assert {path: len(one.members) for path, one in found.items()} == {"arrived>read": 12, "arrived": 3}
    newcomers = cells[0].__class__(
        Name(found["arrived"].name.period, "cohort"), BitMap(range(1, 16)), Period(date(2026, 4, 1), date(2026, 6, 30))
    )
    decided = release(rollups, [newcomers, *found.values()], parts, date(2026, 12, 1), {})
    assert {name.part: one.members for name, one in decided.items()} == {"": 15, "arrived>read": None, "arrived": None}
