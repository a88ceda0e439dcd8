"""A pilot community that is made up: 200 members of 30 organisations over eight months, as facts of what they did.

It is drawn from a seed and knows nothing of the measures or of what may be shown. Organisations are of very different
sizes; a third of the members come in the first weeks and the rest over the months; most read, few write, and how
often differs from one to the next by a factor of ten and more; people go on holiday, fall silent, change
organisation, leave.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from belisha.metrics.days import day_of
from belisha.metrics.facts import Fact, fact_of

ZONE: Final = ZoneInfo("Europe/London")
START: Final = date(2026, 2, 2)
DAYS: Final = 242
#: Groups and their labels; members are drawn into the first ones more often.
GROUPS: Final = {
    "harbour": "TLP:GREEN",
    "tides": "TLP:GREEN",
    "weather": "TLP:GREEN",
    "lights": "TLP:CLEAR",
    "wrecks": "TLP:AMBER",
    "salvage": "TLP:AMBER",
    "pilots": "TLP:GREEN",
    "dredging": "TLP:AMBER+STRICT",
}
_CATEGORIES: Final = ("government", "industry", "academia", "charity")
_DAY: Final = timedelta(days=1)
_MINUTE: Final = 60_000
#: How often somebody who reads in a group above GREEN opens a file there.
_OPENS: Final = 0.2
#: How often somebody on the portal searches.
_SEARCHES: Final = 0.5
#: How often somebody who searches finds nothing.
_IN_VAIN: Final = 0.3
#: How often somebody who reads reports something, and how often a steward looks after it; in minutes, how soon.
_REPORTS, _LOOKED_AFTER, _SOON = 0.003, 0.95, 90.0
#: How often somebody makes a pause before the next thing.
_PAUSES: Final = 0.1


@dataclass
class Person:
    """A member: number, organisation since which day, when the account was made, and how they are."""

    number: int
    organisations: list[tuple[date, str]]
    since: date
    until: date | None
    reads: float
    writes: float
    groups: list[str]
    away: list[tuple[date, date]] = field(default_factory=list)

    def organisation(self, day: date) -> str:
        """Theirs on a day."""
        return next(name for since, name in reversed(self.organisations) if since <= day)


@dataclass(frozen=True)
class Pilot:
    """The community: people by number, categories by organisation, and all facts in the order of time."""

    people: dict[int, Person]
    categories: dict[str, str]
    facts: list[Fact]
    first: date
    last: date


def pilot(seed: int = 1, *, members: int = 200, organisations: int = 30, days: int = DAYS) -> Pilot:
    """Draws a community."""
    dice = random.Random(seed)  # noqa: S311  nothing is kept secret by it
    categories = {f"org{number:02}": _CATEGORIES[number * 7 % 10 % 4] for number in range(organisations)}
    # A few organisations have many members, most have few (Zipf).
    names = dice.choices(list(categories), [1 / (rank + 3) for rank in range(organisations)], k=members)
    last = START + _DAY * (days - 1)
    people = {n + 1: _person(dice, n + 1, name, sorted(categories), days) for n, name in enumerate(names)}
    facts = [fact for person in people.values() for fact in _life(dice, person, people, last)]
    # Drawn apart, so that a seed gives the same life with them as without.
    apart = random.Random(f"{seed} files")  # noqa: S311  nor by this
    facts += [_also(apart, fact, "downloaded") for fact in facts if _is_above_green(fact) and apart.random() < _OPENS]
    visits = [fact for fact in facts if fact.action == "viewed"]
    facts += [_also(apart, fact, "searched") for fact in visits if apart.random() < _SEARCHES]
    found = [fact for fact in facts if fact.action == "searched"]
    facts += [_also(apart, fact, "found_nothing") for fact in found if apart.random() < _IN_VAIN]
    facts = list(_in_sessions(random.Random(f"{seed} times"), facts))  # noqa: S311  nor by this
    facts += list(_reports(random.Random(f"{seed} reports"), facts, last))  # noqa: S311  nor by this
    return Pilot(people, categories, list(_with_refs(facts)), START, last)


def _person(dice: random.Random, number: int, organisation: str, others: list[str], days: int) -> Person:
    came = START + _DAY * (dice.randrange(21) if dice.random() < 0.35 else dice.randrange(days - 7))
    moved = [(came + _DAY * dice.randrange(30, 120), dice.choice(others))] if dice.random() < 0.03 else []
    until = came + _DAY * dice.randrange(40, 200) if dice.random() < 0.08 else None
    reads = min(0.95, dice.lognormvariate(-1.1, 0.8))
    writes = min(0.8, reads * dice.betavariate(0.7, 2.5))
    names = list(GROUPS)
    chosen = [name for rank, name in enumerate(names) if dice.random() < 0.75 / (1 + rank / 3)] or names[:1]
    away = []
    for _ in range(dice.randrange(4)):
        begins = came + _DAY * dice.randrange(days)
        away.append((begins, begins + _DAY * dice.choice((7, 14, 21, 45))))
    return Person(number, [(came, organisation), *moved], came, until, reads, writes, chosen, away)


def _life(dice: random.Random, person: Person, people: dict[int, Person], last: date) -> Iterator[Fact]:
    first_steps = [("invited", 0)]
    begins = person.since
    if dice.random() < 0.93:
        begins += _DAY * dice.randrange(6)
        first_steps.append(("signed_in", (begins - person.since).days))
        if dice.random() < 0.8:
            first_steps.append(("completed_profile", (begins - person.since).days + dice.randrange(4)))
    else:
        begins = last + _DAY
    for action, later in first_steps:
        yield _fact(dice, person, person.since + _DAY * later, action)
    for group in person.groups if begins <= last else ():
        yield _fact(dice, person, begins + _DAY * dice.randrange(3), "joined", group)
    end = min(last, person.until or last)
    for number in range(max(0, (end - begins).days)):
        yield from _day(dice, person, people, begins + _DAY * number)
    if person.until and person.until <= last:
        yield _fact(dice, person, person.until, "left")


def _day(dice: random.Random, person: Person, people: dict[int, Person], day: date) -> Iterator[Fact]:
    week = 0.25 if day.weekday() >= 5 else 1.0
    if any(begins <= day <= ends for begins, ends in person.away) or dice.random() > person.reads * week:
        return
    for group in person.groups:
        if dice.random() < 0.5:
            yield _fact(dice, person, day, "read", group, GROUPS[group])
            if dice.random() < 0.06:
                yield _fact(dice, person, day, "reacted", group, GROUPS[group], dice.choice(list(people.values())))
    if dice.random() < 0.15:
        yield _fact(dice, person, day, "viewed")
    if dice.random() < 0.04:
        yield _fact(dice, person, day, "voted", dice.choice(person.groups))
    while dice.random() < person.writes:
        group = dice.choice(person.groups)
        if dice.random() < 0.45:
            yield _fact(dice, person, day, "answered", group, GROUPS[group], dice.choice(list(people.values())))
        else:
            yield _fact(dice, person, day, "posted", group, GROUPS[group])


def _with_refs(facts: list[Fact]) -> Iterator[Fact]:
    """Posts are about themselves, and each answer is to the newest post of somebody else in its group of a week."""
    latest: dict[str, list[Fact]] = {}
    for fact in sorted(facts, key=lambda fact: (fact.at, fact.key)):
        if fact.action == "posted":
            posted = fact._replace(ref=fact.key)
            latest.setdefault(fact.group, []).append(posted)
            yield posted
        elif fact.action == "answered":
            others = (one for one in reversed(latest.get(fact.group, ())) if one.member != fact.member)
            post = next(others, None)
            yield fact if post is None or post.day + _DAY * 7 < fact.day else fact._replace(ref=post.key)
        else:
            yield fact


def _in_sessions(dice: random.Random, facts: list[Fact]) -> Iterator[Fact]:
    """What somebody does on a day, in the order in which it was drawn, in one session or a few of them."""
    now: dict[tuple[int, date], datetime] = {}
    for fact in facts:
        day = datetime(fact.day.year, fact.day.month, fact.day.day, tzinfo=ZONE)
        latest = day.replace(hour=22, minute=59)
        begins = day.replace(hour=dice.randrange(7, 19), minute=dice.randrange(60))
        pause = dice.randrange(40, 120) if dice.random() < _PAUSES else dice.randrange(12)
        before = now.get((fact.member, fact.day))
        then = begins if before is None else min(latest, before + timedelta(minutes=pause))
        now[fact.member, fact.day] = then
        yield fact._replace(at=int(then.astimezone(UTC).timestamp() * 1000))


def _reports(dice: random.Random, facts: list[Fact], last: date) -> Iterator[Fact]:
    """What some who read report, and that most of it is looked after, by day and by night."""
    for fact in facts:
        if fact.action != "read" or dice.random() >= _REPORTS:
            continue
        key = f"{dice.getrandbits(64):016x}"
        report = fact._replace(key=key, action="reported", group="", label="", ref=key)
        yield report
        at = fact.at + int(dice.lognormvariate(0.0, 1.2) * _SOON) * _MINUTE
        if dice.random() < _LOOKED_AFTER and (day := day_of(at, ZONE)) <= last:
            yield report._replace(key=f"{key} acknowledged", at=at, day=day, action="acknowledged")


def _is_above_green(fact: Fact) -> bool:
    return fact.action == "read" and fact.label not in ("TLP:CLEAR", "TLP:GREEN")


def _also(dice: random.Random, fact: Fact, action: str) -> Fact:
    """What somebody did besides, at the same time and place."""
    return fact._replace(key=f"{dice.getrandbits(64):016x}", action=action)


def _fact(
    dice: random.Random,
    person: Person,
    day: date,
    action: str,
    group: str = "",
    label: str = "",
    other: Person | None = None,
) -> Fact:
    then = datetime(day.year, day.month, day.day, dice.randrange(7, 22), dice.randrange(60), tzinfo=ZONE)
    return fact_of(
        f"{dice.getrandbits(64):016x}",
        int(then.astimezone(UTC).timestamp() * 1000),
        ZONE,
        person.number,
        action,
        group=group,
        label=label,
        organisation=person.organisation(max(day, person.since)),
        counterpart="" if other is None else other.organisation(max(day, other.since)),
    )
