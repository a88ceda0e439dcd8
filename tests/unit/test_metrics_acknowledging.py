"""How soon reports are looked after: cases, and against plain SQL on the same random histories."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from belisha.metrics.acknowledging import LONGEST, MEASURE, cells, quarters, time_to_acknowledgement
from belisha.metrics.days import Period, day_of, months
from belisha.metrics.facts import Fact, distinct, fact_of
from belisha.metrics.respect import Name, Shown, release
from belisha.metrics.rollups import Rollups
from tests.support.naive_acknowledging import Raw, naive_time_to_acknowledgement
from tests.unit.test_metrics import LONDON, at
from tests.unit.test_metrics_asks import histories

QUARTER = Period(date(2026, 4, 1), date(2026, 6, 30))
APRIL, MAY, JUNE = months(QUARTER)


def facts_of(raw: list[Raw]) -> list[Fact]:
    return [fact_of(key, when, LONDON, member, action, ref=ref) for key, when, member, action, ref in raw]


def found_in(*raw: tuple[str, int, str, str]) -> int | None:
    rows = [(str(number), at(when), who, did, about) for number, (when, who, did, about) in enumerate(raw)]
    return time_to_acknowledgement(facts_of(rows), QUARTER)


def test_the_first_act_of_a_steward_counts() -> None:
    report = ("2026-06-02T09:00", 1, "reported", "a")
    late, soon = ("2026-06-02T11:00", 1, "acknowledged", "a"), ("2026-06-02T09:40", 1, "acknowledged", "a")
    assert found_in(late, soon, report, ("2026-06-02T09:01", 1, "acknowledged", "b")) == 40
    assert found_in(report, ("2026-06-02T08:59", 1, "acknowledged", "a")) == 0, "a clock that goes wrong"
    assert found_in(late, soon) is None, "nothing was reported"


def test_what_nobody_looks_after_has_waited_for_seven_days() -> None:
    report = ("2026-06-30T09:00", 1, "reported", "a")
    assert found_in(report) == LONGEST == 7 * 24 * 60
    assert found_in(report, ("2026-07-07T08:59", 1, "acknowledged", "a")) == LONGEST - 1
    assert found_in(report, ("2026-07-09T09:00", 1, "acknowledged", "a")) == LONGEST


def test_who_reports_much_counts_once() -> None:
    """Or the figure would be about one member, whatever stands beside it."""
    much = [(f"2026-06-02T09:{n:02}", 1, did, f"a{n}") for n in range(20) for did in ("reported", "acknowledged")]
    others = [
        (f"2026-06-02T{hour}:00", who, did, f"b{who}")
        for who in (2, 3)
        for hour, did in (("09", "reported"), ("11", "acknowledged"))
    ]
    assert found_in(*much, *others) == 120
    assert found_in(*much, *others[:2]) == 0, "the lower one of two"


def test_only_whole_quarters_are_asked_for() -> None:
    assert quarters([MAY, JUNE]) == quarters([APRIL, MAY]) == {}
    assert quarters(months(Period(date(2026, 3, 1), date(2026, 7, 31)))) == {APRIL: QUARTER}


def shown(organisations: str) -> Shown:
    rollups = Rollups()
    rollups.add(
        Fact(f"{n}{day}", 0, day, n, action, organisation=one)
        for n, one in enumerate(organisations, 1)
        for day, action in ((date(2026, 1, 1), "read"), (date(2026, 5, 1), "reported"))
    )
    asked = cells(rollups, [APRIL, MAY, JUNE], {APRIL: 35})
    assert release(rollups, asked, [], date(2026, 7, 10), {}) == {}, "a week for an answer, and three days"
    return release(rollups, asked, [], date(2026, 7, 11), {})[Name(APRIL, MEASURE)]


def test_the_time_is_shown_beside_five_reporters_of_two_organisations_alone() -> None:
    assert shown("aaaab") == Shown(5, {"minutes": 35.0})
    assert shown("aaab") == shown("aaaaa") == Shown(None)


events = st.tuples(
    st.integers(0, 20 * 24 * 4),  # quarters of an hour
    st.integers(1, 5),
    st.sampled_from(["reported", "reported", "acknowledged", "read"]),
    st.sampled_from(["a", "b", "c", "d", "e"]),
)


@given(histories(events), st.integers(0, 20), st.integers(0, 20))
def test_it_is_what_plain_sql_finds(raw: list[Raw], begins: int, length: int) -> None:
    start = day_of(raw[0][1], LONDON) if raw else date(2026, 3, 20)
    first = start + timedelta(days=begins - 10)
    within = Period(first, first + timedelta(days=length))
    ends = within.first.toordinal(), within.last.toordinal()
    assert time_to_acknowledgement(distinct(facts_of(raw)), within) == naive_time_to_acknowledgement(raw, *ends)
