"""What a month's numbers say: docs/metrics.md has each rule with an example that is right, and at its limit."""

from __future__ import annotations

from datetime import date

import pytest

from belisha.metrics.advice import RULES, advice
from belisha.metrics.days import month_of
from belisha.metrics.respect import Name, Release, Shown
from tests.unit.test_metrics_page import table

JUNE, MAY, APRIL = (month_of(date(2026, month, 1)) for month in (6, 5, 4))
#: The quarter that ended three months before June, by its first month.
QUARTER = month_of(date(2026, 1, 1))
NAMES = {
    "active": Name(JUNE, "active"),
    "before": Name(MAY, "active"),
    "quiet": Name(JUNE, "growth", "quiet"),
    "wrote": Name(JUNE, "reading", "contributed"),
    "charity": Name(JUNE, "category", "charity"),
    "searched": Name(JUNE, "search", "searched"),
    "nothing": Name(JUNE, "search", "found_nothing"),
    "invited": Name(APRIL, "funnel", "invited"),
    "signed_in": Name(APRIL, "funnel", "signed_in"),
    "newcomers": Name(QUARTER, "cohort"),
    "third": Name(QUARTER, "cohort", "03"),
}
ROWS = table("rule | where | with | it says")


def shown(text: str) -> dict[Name, Shown]:
    """What `active 90, before 100` stands for."""
    numbers = {name: int(value) for name, value in (one.split() for one in text.split(", "))}
    found = {NAMES[name]: Shown(value) for name, value in numbers.items() if name in NAMES}
    if (share := numbers.get("share")) is not None:
        found[Name(JUNE, "top_decile")] = Shown(9, {"share": share / 100})
    if (often := numbers.get("stickiness")) is not None:
        found[NAMES["active"]] = Shown(numbers["active"], {"stickiness": often / 100})
    return found


def said(release: Release, rule: str) -> str | None:
    return next((one.changed for one in advice(release, JUNE) if one.rule == rule), None)


@pytest.mark.parametrize(("rule", "_where", "numbers", "says"), ROWS)
def test_a_rule_says_what_the_page_says(rule: str, _where: str, numbers: str, says: str) -> None:
    assert said(shown(numbers), rule.strip("`")) == says


def test_every_rule_is_on_the_page_in_its_order() -> None:
    assert [row[0].strip("`") for row in ROWS] == [rule.id for rule in RULES]


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        ("fewer", "active 91, before 100"),
        ("more", "active 109, before 100"),
        ("steady", "active 110, before 100"),
        ("steady", "active 90, before 100"),
        ("quiet", "quiet 29, before 100"),
        ("few-write", "wrote 33, active 100"),
        ("top-heavy", "share 49"),
        ("one-kind", "charity 59, active 100"),
        ("rarely", "stickiness 11, active 100"),
        ("nothing-found", "nothing 49, searched 100"),
        ("stuck", "invited 100, signed_in 61"),
        ("leaving", "newcomers 100, third 41"),
    ],
)
def test_a_rule_is_silent_beyond_its_limit(rule: str, numbers: str) -> None:
    assert said(shown(numbers), rule) is None


@pytest.mark.parametrize(("rule", "_where", "numbers", "_says"), ROWS)
def test_a_rule_is_silent_where_any_of_its_numbers_is_withheld(
    rule: str, _where: str, numbers: str, _says: str
) -> None:
    whole = shown(numbers)
    for name in whole:
        if rule.strip("`") == "rarely" or name.measure != "active" or "active" in numbers.split() or name.period == MAY:
            assert said({**whole, name: Shown(None)}, rule.strip("`")) is None, name
            assert said({one: value for one, value in whole.items() if one != name}, rule.strip("`")) is None, name


def test_the_worst_step_of_the_newest_funnel_is_named() -> None:
    steps = {"invited": 60, "signed_in": 50, "joined": 40, "read": 38, "came_back": 36, "contributed": 10}
    release = {Name(MAY, "funnel", step): Shown(number) for step, number in steps.items()}
    older = {Name(APRIL, "funnel", "invited"): Shown(50), Name(APRIL, "funnel", "signed_in"): Shown(5)}
    told = said({**older, **release}, "stuck")
    assert told == (
        "Of 36 newcomers of the twelve months up to May 2026 who came back in their second week, 10 wrote something."
    )


def test_a_month_of_which_nothing_is_shown_says_nothing() -> None:
    assert advice({}, JUNE) == []
    assert advice({name: Shown(None) for name in NAMES.values()}, JUNE) == []
