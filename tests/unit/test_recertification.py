"""The steps of recertification: when leads are asked, members warned and frozen, whatever days nobody was there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.policy.recertification import (
    ASKED,
    HOLDS,
    NOTICE,
    SPREAD,
    WARNED,
    Round,
    advance,
    baseline,
    unconfirmed,
)

OLD = {"ana": 1000 - HOLDS, "ben": 1000 - HOLDS + 1}


@pytest.mark.parametrize(
    ("current", "confirmed", "today", "after"),
    [
        (None, {}, 1000, None),
        (None, {"ana": 1000 - HOLDS + 1}, 1000, None),
        (None, OLD, 1000, Round(1000)),
        (Round(1000), OLD, 1000, Round(1000)),
        (Round(1000), OLD, 1000 + ASKED - 1, Round(1000)),
        (Round(1000), OLD, 1000 + ASKED, Round(1000, 1000 + ASKED)),
        (Round(1000), OLD, 1500, Round(1000, 1500)),
        (Round(1000), OLD | {"ana": 1003}, 1003, Round(1000, None, 1003)),
        (Round(1000), {}, 1003, Round(1000, None, 1003)),
        (Round(1000, 1014), OLD, 1014 + WARNED - 1, Round(1000, 1014)),
        (Round(1000, 1014), OLD, 1014 + WARNED, Round(1000, 1014, 1014 + WARNED, ("ana",))),
        (Round(1000, 1500), OLD, 1500 + WARNED - 1, Round(1000, 1500)),
        (Round(1000, 1014), OLD | {"ana": 1020}, 1500, Round(1000, 1014, 1500)),
    ],
)
def test_the_steps(current: Round | None, confirmed: dict[str, int], today: int, after: Round | None) -> None:
    assert advance(current, confirmed, today) == after


def test_when_it_freezes_is_told_from_what_was_really_done() -> None:
    assert (Round(1000).freezes, Round(1000, 1040).freezes) == (1000 + ASKED + WARNED, 1040 + WARNED)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(700, 1000), min_size=1),
    st.sets(st.integers(1000, 1300), min_size=1, max_size=60),
    st.dictionaries(st.integers(1000, 1300), st.sampled_from("abcdef"), max_size=20),
)
def test_nobody_is_frozen_who_was_not_warned_two_weeks_before(
    confirmed: dict[str, int], there: set[int], confirmations: dict[int, str]
) -> None:
    """On some days somebody is there to go on, and on some a member is confirmed."""
    current, frozen = None, set[str]()
    for day in range(1000, 1301):
        if (name := confirmations.get(day)) in confirmed:
            confirmed[str(name)] = day
        if day not in there:
            continue
        active = {name: last for name, last in confirmed.items() if name not in frozen}
        before, current = current, advance(current, active, day)
        assert advance(current, active, day) == current or current is None or current.ended is not None
        if current is None or current.ended is None:
            continue
        for name in current.frozen:
            assert before is not None and before.warned is not None
            assert day - before.warned >= WARNED and before.warned - before.asked >= ASKED
            assert confirmed[name] <= before.asked - HOLDS, "confirmed since they were asked, one is not frozen"
        assert set(current.frozen) <= set(unconfirmed(active, day))
        frozen |= set(current.frozen)
        current = None


def test_a_community_that_begins_with_it_is_not_asked_all_at_once() -> None:
    due = [baseline(f"organisation-{number}", 1000) + HOLDS for number in range(200)]
    assert min(due) >= 1000 + NOTICE and max(due) < 1000 + NOTICE + SPREAD
    assert len(set(due)) == SPREAD, "on every day some"
    assert baseline("harbour", 1000) == baseline("harbour", 1000), "the same in every process"
    assert baseline("harbour", 1000, 30) + 30 == baseline("harbour", 1000) + HOLDS, "however long it holds"


@pytest.mark.parametrize("holds", [30, 90, 730])
def test_for_how_long_it_holds_is_the_communitys_choice(holds: int) -> None:
    confirmed = {"ana": 1000}
    assert advance(None, confirmed, 1000 + holds - 1, holds) is None
    assert advance(None, confirmed, 1000 + holds, holds) == Round(1000 + holds)
    assert unconfirmed(confirmed, 1000 + holds, holds) == ("ana",)
