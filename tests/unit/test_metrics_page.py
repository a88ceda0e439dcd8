"""docs/metrics.md is right: its actions are the code's, and every example in it comes out of its facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from belisha.metrics.acknowledging import time_to_acknowledgement
from belisha.metrics.actions import ACTIONS, ACTIVE, CONTRIBUTED
from belisha.metrics.arrivals import arrivals
from belisha.metrics.asks import asks
from belisha.metrics.days import Period, months, week_of, weeks
from belisha.metrics.facts import Fact
from belisha.metrics.in_groups import Part, health, reach, turnout
from belisha.metrics.journeys import STEPS, add_journeys, called, first_weeks, moves
from belisha.metrics.measures import (
    active_users,
    cohorts,
    connections,
    funnel,
    growth,
    reading,
    searching,
    stickiness,
    top_decile,
)
from belisha.metrics.naming import activity
from belisha.metrics.pulse import PARTS, QUESTIONS, pulse_cells
from belisha.metrics.rollups import GROUP, LABEL, Rollups

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
CATEGORIES = {"ash": "government", "bay": "industry"}


def table(heading: str) -> list[list[str]]:
    """The rows below a table's heading, without its line of dashes."""
    _, _, after = PAGE.partition(f"| {heading} |\n")
    rows = re.match(r"\|[-|]+\|\n((?:\|.*\|\n)+)", after)
    assert rows, heading
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1].splitlines()]


def counts(sets: Mapping[str, Sized]) -> str:
    return ", ".join(f"{name} {len(members)}" for name, members in sets.items())


def _growth(rollups: Rollups, period: Period) -> str:
    (one,) = growth(rollups, [week_of(period.first - timedelta(days=7)), period])
    return counts({name: getattr(one, name) for name in ("new", "returning", "resurrected", "dormant", "lost")})


def _cohorts(rollups: Rollups, period: Period) -> str:
    return ", ".join(" ".join(map(str, cohort.retained)) for cohort in cohorts(rollups, weeks(period)))


def _year_funnel(rollups: Rollups, period: Period) -> str:
    cells = arrivals(rollups, months(period))
    last = months(period)[-1]
    return counts({one.name.part: one.members for one in cells if one.name[:2] == (last, "funnel")})


def _quarter(rollups: Rollups, period: Period) -> str:
    cells = [one for one in arrivals(rollups, months(period)) if one.name[:2] == (months(period)[0], "cohort")]
    return counts({one.name.part or "newcomers": one.members for one in sorted(cells, key=lambda one: one.name)})


def _connections(rollups: Rollups, period: Period) -> str:
    return counts({" to ".join(pair): who for pair, who in connections(rollups, period, CATEGORIES).items()})


def _health(rollups: Rollups, period: Period) -> str:
    found = health(rollups, week_of(period.first - timedelta(days=7)), period)
    names = ("active", "contributed", "stayed", "joined")
    return "; ".join(f"{group}: {counts({n: getattr(one, n) for n in names})}" for group, one in found.items())


def _took(parts: Mapping[str, Part]) -> str:
    return ", ".join(f"{group} {len(one.took)} of {len(one.active)}" for group, one in parts.items())


def _told(heading: str) -> list[Fact]:
    """The facts of a table of times, members, actions and what these are about."""
    facts, members = [], dict[str, int]()
    for key, (time, name, action, about) in enumerate(table(heading)):
        when = datetime.fromisoformat(time).replace(tzinfo=UTC)
        member, at = members.setdefault(name, len(members) + 1), int(when.timestamp() * 1000)
        facts.append(Fact(str(key), at, when.date(), member, action, ref=about))
    return facts


def _reports(_: Rollups, period: Period) -> str:
    facts = _told("at (UTC) | reporter | did | report")
    who = {one.member for one in facts if one.action == "reported" and one.day in period}
    return f"{len(who)} members, {time_to_acknowledgement(facts, period)} minutes"


def _named(_: Rollups, period: Period) -> str:
    rollups, members = Rollups(), dict[str, int]()
    for row, (day, names, organisation, action) in enumerate(table("when | who | of | did")):
        for name in names.split(", "):
            number, when = members.setdefault(name, len(members) + 1), date.fromisoformat(day)
            rollups.add([Fact(f"{row} {name}", 0, when, number, action, organisation=organisation)])
    said = {True: "active", False: "not active", None: "withheld"}
    states = activity(rollups, period, period.last + timedelta(days=30))
    return ", ".join(f"{name}: {said[active]}" for name, active in states.items())


def _asks(_: Rollups, period: Period) -> str:
    one = asks(_told("time (UTC) | member | action | about"), period)
    sets = counts({part: getattr(one, part) for part in ("heard", "unheard", "answerers")})
    return f"unanswered {one.unanswered}, after {one.time_to_first_answer} minutes, {sets}"


def _walked() -> Rollups:
    rollups, facts, members = Rollups(), list[Fact](), dict[str, int]()
    for key, (time, name, action) in enumerate(table("when (UTC) | who | did")):
        when = datetime.fromisoformat(time).replace(tzinfo=UTC)
        member = members.setdefault(name, len(members) + 1)
        facts.append(Fact(str(key), int(when.timestamp() * 1000), when.date(), member, action))
    rollups.add(facts)
    add_journeys(rollups, facts)
    return rollups


def _moves(_: Rollups, period: Period) -> str:
    made = {called(move): who for move, who in moves(_walked(), period).items() if who}
    return counts(dict(sorted(made.items())))


def _stopped(_: Rollups, period: Period) -> str:
    return counts({step: who for step, who in first_weeks(_walked(), period).stopped.items() if who})


def _pulse(_: Rollups, period: Period) -> str:
    given = {n: (int(row[1]), int(row[2])) for n, row in enumerate(table("who answered | sharing | using"), 1)}
    (whole, *parts), _partitions = pulse_cells(given, period)
    found = {one.name.part: len(one.members) for one in parts}
    told = [
        ", ".join([*(f"{part} {found[f'{question} {part}']}" for part in PARTS), f"middle {whole.figures[question]:g}"])
        for question in QUESTIONS
    ]
    told = [f"{question}: {numbers}" for question, numbers in zip(QUESTIONS, told, strict=True)]
    return f"answered {len(whole.members)}, {'; '.join(told)}"


MEASURES: dict[str, Callable[[Rollups, Period], str]] = {
    "DAU": lambda rollups, period: ", ".join(map(str, active_users(rollups, period))),
    "WAU": lambda rollups, period: ", ".join(map(str, active_users(rollups, period, 7))),
    "MAU": lambda rollups, period: ", ".join(map(str, active_users(rollups, period, 30))),
    "stickiness": lambda rollups, period: "{} of {}".format(*stickiness(rollups, period)),
    "growth": _growth,
    "funnel": lambda rollups, period: counts(funnel(rollups, period)),
    "cohorts": _cohorts,
    "year_funnel": _year_funnel,
    "quarter": _quarter,
    "reading": lambda rollups, period: counts(reading(rollups, period)._asdict()),
    "top_decile": lambda rollups, period: "{} of {}".format(*top_decile(rollups, period).share),
    "groups": lambda rollups, period: counts(rollups.by(ACTIVE, GROUP, period)),
    "labels": lambda rollups, period: counts(rollups.by(CONTRIBUTED, LABEL, period)),
    "connections": _connections,
    "searching": lambda rollups, period: counts(searching(rollups, period)._asdict()),
    "asks": _asks,
    "named": _named,
    "reports": _reports,
    "health": _health,
    "turnout": lambda rollups, period: _took(turnout(rollups, period)),
    "moves": _moves,
    "paths": lambda _, period: counts(first_weeks(_walked(), period).paths),
    "stopped": _stopped,
    "pulse": _pulse,
    "reach": lambda rollups, period: _took(reach(rollups, period)),
}
EXAMPLES = re.findall(r"^\| (\w+) \| (\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d) \| (.+) \|$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def rollups() -> Rollups:
    """The page's facts, rolled up."""
    members: dict[str, int] = {}
    facts = []
    for number, row in enumerate(table("day | member | organisation | action | group | label | answers")):
        day, name, organisation, action, group, label, other = row
        member = members.setdefault(name, len(members) + 1)
        when = date.fromisoformat(day)
        facts.append(Fact(str(number), 0, when, member, action, group, label, organisation, other))
    found = Rollups()
    found.add(facts)
    return found


@pytest.mark.parametrize(("measure", "first", "last", "value"), EXAMPLES)
def test_an_example_is_right(rollups: Rollups, measure: str, first: str, last: str, value: str) -> None:
    assert MEASURES[measure](rollups, Period(date.fromisoformat(first), date.fromisoformat(last))) == value


def test_every_measure_has_an_example() -> None:
    assert {measure for measure, *_ in EXAMPLES} == set(MEASURES)


def test_the_actions_are_those_of_the_code() -> None:
    shown = {row[0].strip("`"): row[1:] for row in table("action | when | active | contributes")}
    yes = {True: "yes", False: ""}
    assert shown == {
        name: [action.means, yes[action.active], yes[action.contributes]] for name, action in ACTIONS.items()
    }


def test_the_steps_are_those_of_the_code() -> None:
    assert [(row[0].strip("`"), tuple(row[1].split(", "))) for row in table("step | actions")] == list(STEPS.items())
