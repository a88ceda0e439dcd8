"""What may be shown: its rules one by one, and a differencing attack on all that a made-up community would publish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

import pytest
from pyroaring import BitMap

from belisha.metrics import acknowledging, respect
from belisha.metrics.asks import Kept, asks, kept
from belisha.metrics.asks import cells as cells_of_asks
from belisha.metrics.days import Period, month_of, months, week_of, weeks
from belisha.metrics.facts import Fact
from belisha.metrics.journeys import add_journeys
from belisha.metrics.pilot import DAYS, Pilot, pilot
from belisha.metrics.report import Report, report
from belisha.metrics.respect import Cell, Name, Partition, Release, Shown, release
from belisha.metrics.rollups import Rollups
from tests.support.differencing import Attacker, Sets

JUNE = month_of(date(2026, 6, 1))
LATER = date(2026, 7, 20)
#: What is asked for behind the report, so that it takes nothing from it.
BEHIND = ("wrote_in", "voted_in", "opened_in", "search", "asks", "reports", "move", "path", "stopped")


def community(organisations: str = "abcabcabcabcabc", since: date = date(2026, 4, 1)) -> Rollups:
    """Members 1, 2, … of the organisations, each seen once then and twice in June."""
    rollups = Rollups()
    rollups.add(
        Fact(f"{number}{day}", 0, day, number, "read", organisation=organisation)
        for number, organisation in enumerate(organisations, 1)
        for day in (since, date(2026, 6, 3), date(2026, 6, 10))
    )
    return rollups


def cell(part: str, members: str | range, period: Period = JUNE) -> Cell:
    numbers = map(int, members.split()) if isinstance(members, str) else members
    return Cell(Name(period, "m", part), BitMap(numbers), period, {"share": 0.5})


def decide(
    rollups: Rollups, *cells: Cell, today: date = LATER, parts: tuple[Partition, ...] = ()
) -> dict[str, int | None]:
    found = release(rollups, cells, parts, today, {})
    return {name.part: shown.members for name, shown in found.items()}


# --- One cell --------------------------------------------------------------------------------------------------


def test_five_members_of_two_organisations_are_shown() -> None:
    rollups = community()
    assert release(rollups, [cell("a", "1 2 3 4 5")], [], LATER, {}) == {
        Name(JUNE, "m", "a"): Shown(5, {"share": 0.5}),
    }
    assert release(rollups, [cell("a", "1 2 3 4")], [], LATER, {}) == {Name(JUNE, "m", "a"): Shown(None)}
    assert decide(community("aaaaab"), cell("a", "1 2 3 4 5")) == {"a": None}, "one organisation"
    assert decide(community("aaaab"), cell("a", "1 2 3 4 5")) == {"a": 5}
    assert decide(rollups, cell("a", "")) == {"a": None}


def test_who_changed_organisation_is_of_the_last_one() -> None:
    rollups = community("aaaaa")
    rollups.add([Fact("k", 0, date(2026, 6, 2), 5, "read", organisation="b")])
    assert decide(rollups, cell("a", "1 2 3 4 5")) == {"a": None}
    rollups.add([Fact("l", 0, date(2026, 6, 30), 5, "read", organisation="b")])
    assert decide(rollups, cell("a", "1 2 3 4 5")) == {"a": 5}


def test_accounts_without_an_organisation_are_of_none() -> None:
    rollups = community("aaaaa")
    rollups.add([Fact("k", 0, date(2026, 4, 1), 6, "read")])
    assert decide(rollups, cell("a", "1 2 3 4 5 6")) == {"a": None}


def test_young_accounts_fill_no_cell_up() -> None:
    """Nor is it decided against them: a month later they are old."""
    made = date(2026, 6, 8)
    rollups = community("aab", since=date(2026, 4, 1))
    rollups.add(Fact(f"y{number}", 0, made, number, "read", organisation="b") for number in (4, 5))
    asked = cell("a", "1 2 3 4 5")
    assert decide(rollups, asked, today=made + timedelta(days=29)) == {}
    assert decide(rollups, asked, today=made + timedelta(days=30)) == {"a": 5}
    assert decide(rollups, cell("a", "1 2 3 4"), today=date(2026, 7, 4)) == {"a": None}, "too few whatever their age"


def test_a_period_has_to_be_over_and_whole() -> None:
    rollups = community()
    assert decide(rollups, cell("a", "1 2 3 4 5"), today=JUNE.last + timedelta(days=3)) == {}
    assert decide(rollups, cell("a", "1 2 3 4 5"), today=JUNE.last + timedelta(days=4)) == {"a": 5}
    week = week_of(date(2026, 6, 10))
    assert decide(rollups, cell("a", "1 2 3 4 5", week)) == {"a": 5}
    for odd in (Period(JUNE.first, JUNE.last - timedelta(days=1)), Period(date(2026, 6, 2), date(2026, 6, 8))):
        with pytest.raises(ValueError, match="neither of a whole week nor"):
            decide(rollups, cell("a", "1 2 3 4 5", odd))
    with pytest.raises(ValueError, match="neither of a whole week nor"):
        decide(rollups, Cell(Name(JUNE, "m"), BitMap([1, 2, 3, 4, 5]), week))
    with pytest.raises(ValueError, match="Two cells"):
        decide(rollups, cell("a", "1"), cell("a", "2"))


# --- Differences -----------------------------------------------------------------------------------------------


def test_a_difference_is_about_five_as_well() -> None:
    rollups = community()
    assert decide(rollups, cell("all", range(1, 11)), cell("some", range(1, 6))) == {"all": 10, "some": 5}
    assert decide(rollups, cell("all", range(1, 11)), cell("most", range(1, 7))) == {"all": 10, "most": None}
    assert decide(rollups, cell("most", range(1, 7)), cell("all", range(1, 11))) == {"most": 6, "all": None}
    assert decide(rollups, cell("all", range(1, 11)), cell("same", range(1, 11))) == {"all": 10, "same": None}
    nearly = cell("nearly", "1 2 3 4 5 6 11")  # who is in it alone changed organisation, say
    assert decide(rollups, cell("all", range(1, 11)), nearly) == {"all": 10, "nearly": None}
    aside = decide(community("abababaaaaa"), cell("all", range(1, 12)), cell("b", range(1, 7)))
    assert aside == {"all": 11, "b": None}, "the difference is of one organisation"


def test_periods_that_share_no_day_are_no_neighbours() -> None:
    rollups = community()
    week, later = week_of(date(2026, 6, 3)), week_of(date(2026, 6, 10))
    assert decide(rollups, cell("one", range(1, 7), week), cell("other", range(1, 8), later)) == {"one": 6, "other": 7}
    assert decide(rollups, cell("month", range(1, 9)), cell("week", range(1, 8), week)) == {"month": 8, "week": None}


def test_what_is_left_of_a_whole_is_about_five_as_well() -> None:
    rollups = community()
    whole, names = cell("all", range(1, 16)), [Name(JUNE, "m", part) for part in "abc"]
    split = (Partition(whole.name, tuple(names)),)
    a, b, c = cell("a", range(1, 8)), cell("b", range(8, 14)), cell("c", "14 15")
    assert decide(rollups, whole, a, b, c, parts=split) == {"all": 15, "a": 7, "b": None, "c": None}
    assert decide(rollups, whole, a, b, c) == {"all": 15, "a": 7, "b": None, "c": None}, "two leave it, said or not"
    d = cell("c", "")
    a, b = cell("a", range(1, 9)), cell("b", range(9, 16))
    assert decide(rollups, whole, a, b, d, parts=split) == {"all": 15, "a": 8, "b": None, "c": None}, "that nobody is"
    both = (Partition(whole.name, tuple(names[:2])),)
    assert decide(rollups, whole, a, b, parts=both) == {"all": 15, "a": 8, "b": 7}
    assert decide(rollups, a, b, whole, parts=both) == {"a": None, "b": None, "all": 15}, "parts come after their whole"


def test_two_cells_apart_leave_enough_of_a_third() -> None:
    """Said to be its parts or not: who knows that both lie in it, and that they are apart, computes what is left."""
    rollups = community("abc" * 6)
    whole, one, other = cell("all", range(1, 17)), cell("one", range(1, 7)), cell("other", range(7, 14))
    assert decide(rollups, whole, one, other) == {"all": 16, "one": 6, "other": None}
    assert decide(rollups, one, other, whole) == {"one": 6, "other": 7, "all": None}
    assert decide(rollups, whole, one, cell("other", range(7, 12))) == {"all": 16, "one": 6, "other": 5}
    assert decide(rollups, whole, one, cell("rest", range(7, 17))) == {"all": 16, "one": 6, "rest": None}, "nobody left"


def test_what_is_left_is_compared_too() -> None:
    """A part that was withheld is known from the others, and so is its difference to a week in it."""
    rollups = community("abc" * 8)
    whole, split = (
        cell("all", range(1, 25)),
        (Partition(Name(JUNE, "m", "all"), (Name(JUNE, "m", "a"), Name(JUNE, "m", "b"))),),
    )
    within_b = cell("week", range(13, 24), week_of(date(2026, 6, 10)))
    assert decide(rollups, whole, cell("a", range(1, 13)), within_b, parts=split) == {"all": 24, "a": 12, "week": None}
    assert decide(rollups, whole, within_b, cell("a", range(1, 13)), parts=split) == {"all": 24, "week": 11, "a": None}
    assert decide(rollups, whole, cell("a", range(1, 13)), within_b) == {"all": 24, "a": 12, "week": None}


def test_that_nobody_voted_in_a_group_looks_as_if_few_had() -> None:
    rollups = Rollups()
    rollups.add(
        Fact(f"{group}{number}{action}{day}", 0, day, number, action, group=group, organisation="ab"[number % 2])
        for group, votes in (("nobody", 0), ("few", 4), ("many", 6))
        for number in range(1, 13)
        for action in ("read", *["voted"] * (number <= votes))
        for day in (date(2026, 4, 1), date(2026, 6, 3))
    )
    cells, partitions = report(rollups, {}, [JUNE], [], {})
    asked = [one for one in cells if one.name.measure == "voted_in"]
    found = release(rollups, asked, partitions, LATER, {})
    assert {name.part: one.members for name, one in found.items()} == {"nobody": None, "few": None, "many": 6}
    assert [one.name for one in cells[-11:]] == [
        *(
            Name(JUNE, did, group)
            for did in ("wrote_in", "voted_in", "opened_in")
            for group in ("few", "many", "nobody")
        ),
        *(Name(JUNE, "search", part) for part in ("searched", "found_nothing")),
    ], "behind all others"


# --- Time ------------------------------------------------------------------------------------------------------


def test_what_was_decided_stays() -> None:
    """A number that changes by one, after a late fact or an erasure, is about that one."""
    rollups = community()
    before = release(rollups, [cell("a", range(1, 8)), cell("b", "1 2 3 4")], [], LATER, {})
    rollups.erase(7)
    after = release(rollups, [cell("a", range(1, 7)), cell("b", "1 2 3 4 5")], [], LATER, before)
    assert after == before
    assert {name.part: shown.members for name, shown in after.items()} == {"a": 7, "b": None}


def test_a_cell_whose_members_were_all_erased_stays_shown() -> None:
    rollups = community("abcabc")
    rollups.add(Fact(f"g{n}", 0, date(2026, 6, 10), n, "read", "tides", organisation="abc"[n % 3]) for n in range(1, 7))
    group = Name(JUNE, "group", "tides")
    before = release(rollups, [Cell(group, BitMap(range(1, 7)), JUNE)], [], LATER, {})
    for number in range(1, 7):
        rollups.erase(number)
    cells, partitions = report(rollups, {}, [JUNE], [], before)
    assert release(rollups, cells, partitions, LATER, before)[group] == Shown(6)


def test_new_numbers_are_compared_with_all_that_was_ever_shown() -> None:
    rollups = community()
    before = release(rollups, [cell("a", range(1, 8))], [], LATER, {})
    new = cell("b", range(1, 9))
    assert release(rollups, [cell("a", range(1, 8)), new], [], LATER, before)[new.name] == Shown(None)
    with pytest.raises(ValueError, match="was shown before"):
        release(rollups, [new], [], LATER, before)


# --- The pilot -------------------------------------------------------------------------------------------------


@cache
def answered(seed: int, days: int = DAYS) -> dict[Period, Kept]:
    """What became of each month's posts; nothing of a pilot comes late."""
    world = pilot(seed, days=days)
    whole = Period(world.first.replace(day=1), world.last)
    return {month: kept(asks(world.facts, month)) for month in months(whole)}


def everything(world: Pilot, rollups: Rollups, until: date, shown: Release, answers: Mapping[Period, Kept]) -> Report:
    span = Period(world.first.replace(day=1), until)
    further = cells_of_asks({month: one for month, one in answers.items() if month in span})
    further += acknowledging.cells(rollups, months(span), {})
    return report(rollups, world.categories, months(span), weeks(Period(world.first, until)), shown, further)


@cache
def published(seed: int, days: int = DAYS) -> tuple[Pilot, dict[Name, Cell], dict[Name, date], dict[Name, Shown]]:
    """A community, decided about on every other Friday with what was known then; and on which day what was shown."""
    world, rollups = pilot(seed, days=days), Rollups()
    facts, known = iter(world.facts), []
    shown: dict[Name, Shown] = {}
    on: dict[Name, date] = {}
    until = (world.last - world.first).days + 40
    held = next(facts, None)
    for friday in (world.first + timedelta(days=number) for number in range(4, until, 14)):
        while held is not None and held.day < friday:
            known.append(held)
            held = next(facts, None)
        rollups.add(known)
        add_journeys(rollups, known)
        known.clear()
        cells, partitions = everything(
            world, rollups, min(friday, world.last + timedelta(days=1)), shown, answered(seed, days)
        )
        shown = release(rollups, cells, partitions, friday, shown)
        on |= {name: friday for name, one in shown.items() if one.members is not None and name not in on}
    return world, {one.name: one for one in cells}, on, shown


def sets(seed: int) -> Sets:
    world, rollups = pilot(seed), Rollups()
    rollups.add(world.facts)
    add_journeys(rollups, world.facts)
    cells, _ = everything(world, rollups, world.last + timedelta(days=1), {}, answered(seed))
    return {one.name: frozenset(one.members) for one in cells}


@cache
def like_it() -> tuple[Sets, ...]:
    return tuple(sets(seed) for seed in range(11, 16))


def attacker(seed: int, days: int = DAYS) -> Attacker:
    world, cells, on, _ = published(seed, days)
    return Attacker(on, cells, world, [{name: frozenset(one.members) for name, one in cells.items()}, *like_it()])


def test_the_pilot_is_what_it_says() -> None:
    world = pilot(1)
    assert len(world.people) == 200
    assert len(world.categories) == 30
    assert len(months(Period(world.first.replace(day=1), world.last))) == 8
    assert world.facts == pilot(1).facts
    assert world.facts != pilot(2).facts


def test_the_monthly_report_keeps_four_cells_of_five() -> None:
    """With the funnels and cohorts; what has still to wait for its time is not counted."""
    _, cells, on, decided = published(1)
    of_report = {name: one for name, one in cells.items() if name.measure not in BEHIND}
    monthly = [name for name, one in of_report.items() if name.period == month_of(name.period.first) and one.members]
    monthly = [name for name in monthly if name in decided]
    assert len(monthly) >= 200
    assert sum(name in on for name in monthly) >= 0.8 * len(monthly)
    arrived = [name for name in monthly if name.measure in ("funnel", "cohort")]
    assert len(arrived) >= 12
    assert sum(name in on for name in arrived) >= 0.8 * len(arrived)


@pytest.mark.full
@pytest.mark.nightly
def test_no_difference_of_published_numbers_is_about_too_few() -> None:
    found = attacker(1)
    assert len(found.published) > 500
    assert found.too_small() == []
    assert list(found.finds()) == []


@pytest.mark.full
@pytest.mark.parametrize("taken_out", ["_differ", "_new_rests", "_leaves_enough"])
def test_the_attacker_would_find_one(taken_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With either rule of differences taken out, numbers about too few can be computed."""
    without = {"_differ": lambda *_: True, "_new_rests": lambda *_: {}, "_leaves_enough": lambda *_: True}
    monkeypatch.setattr(respect._Board, taken_out, without[taken_out])
    published.cache_clear()
    try:
        assert next(attacker(1, 120).finds(), None) is not None
    finally:
        published.cache_clear()
