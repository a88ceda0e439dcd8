"""When a poll closes, by the clock on the wall: every way of writing it, summer time, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belisha.commands.values import Wrong
from belisha.polls.deadlines import DEADLINE, EXAMPLES, NoDeadline, deadline

LONDON = ZoneInfo("Europe/London")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def wall(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        # 2026-06-03 is a Wednesday; London's clocks are an hour ahead of UTC then.
        ("2026-06-03 10:00", "Friday 17:00", "2026-06-05 16:00"),
        ("2026-06-03 10:00", "fri 17.00", "2026-06-05 16:00"),
        ("2026-06-03 10:00", "Wednesday 17:00", "2026-06-03 16:00"),
        ("2026-06-03 17:00", "Wednesday at 17:00", "2026-06-10 16:00"),
        ("2026-06-03 10:00", "17:00", "2026-06-03 16:00"),
        ("2026-06-03 10:00", "9:00", "2026-06-04 08:00"),
        ("2026-06-03 23:30", "today 1:00", "2026-06-04 00:00"),
        ("2026-06-03 10:00", "  TOMORROW,  9:00 ", "2026-06-04 08:00"),
        ("2026-06-03 10:00", "2026-12-24 17:00", "2026-12-24 17:00"),
        ("2026-06-03 10:00", "2026-12-24T17:00", "2026-12-24 17:00"),
        ("2026-06-03 10:00", "90m", "2026-06-03 11:30"),
        ("2026-06-03 10:00", "2 days", "2026-06-05 10:00"),
        ("2026-06-03 10:00", "1w", "2026-06-10 10:00"),
        # On 29 March 2026 the clocks go from 1:00 to 2:00, on 25 October from 2:00 back to 1:00.
        ("2026-03-28 12:00", "tomorrow 1:30", "2026-03-29 01:30"),
        ("2026-03-28 12:00", "Sunday 12:00", "2026-03-29 11:00"),
        ("2026-03-28 12:00", "1d", "2026-03-29 12:00"),
        ("2026-10-24 12:00", "Sunday 1:30", "2026-10-25 00:30"),
        ("2026-10-25 00:45", "1:30", "2026-10-25 01:30"),
        ("2026-10-25 01:45", "Sunday 1:30", "2026-11-01 01:30"),
        ("2026-10-24 12:00", "Sunday 12:00", "2026-10-25 12:00"),
    ],
)
def test_every_way_of_writing_it(now: str, text: str, expected: str) -> None:
    assert wall(deadline(text, at(now), LONDON)) == expected
    assert not isinstance(DEADLINE.read(text), Wrong)
    assert wall(deadline(DEADLINE.read(text), at(now), LONDON)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("today 9:00", "is over"),
        ("2026-06-01 10:00", "is over"),
        ("0m", "is over"),
        ("2028-01-01 10:00", "within a year"),
        ("9999w", "within a year"),
        ("9999-12-31 23:59", "within a year"),
    ],
)
def test_a_moment_that_cannot_be_is_told(text: str, words: str) -> None:
    with pytest.raises(NoDeadline, match=words):
        deadline(text, at("2026-06-03 10:00"), LONDON)


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "Friday", "25:00", "17:60", "5 pm", "t 17:00", "s 17:00", "noday 17:00", "2026-13-01 10:00"),
        *("2026-02-30 10:00", "-2d", "2d 3h", "0001-01-01 0:00x", "\u0661d"),
    ],
)
def test_what_names_no_moment_is_answered_with_examples(text: str) -> None:
    with pytest.raises(NoDeadline) as told:
        deadline(text, at("2026-06-03 10:00"), LONDON)
    assert EXAMPLES in str(told.value)
    assert isinstance(DEADLINE.read(text), Wrong)


def test_the_examples_are_accepted() -> None:
    for one in EXAMPLES.split(", "):
        moment = deadline(one, at("2026-06-03 10:00"), LONDON)
        assert moment > at("2026-06-03 10:00")


@given(
    st.integers(1_580_000_000, 1_900_000_000),
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    st.times(),
    st.sampled_from(["UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_a_weekday_is_its_next_one(moment: int, day: str, time: object, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    hour, minute = int(f"{time:%H}"), int(f"{time:%M}")
    found = datetime.fromtimestamp(deadline(f"{day} {hour}:{minute:02}", moment, zone), zone)
    assert 0 < found.timestamp() - moment <= 8 * 86_400
    # Where the clocks skip it comes as much later, which may be on the next day.
    assert found.strftime("%a").lower() == day or found.hour < 3
