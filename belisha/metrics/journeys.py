"""Journeys: in which order members do things, as docs/metrics.md defines it, kept in roll-ups as sets of members.

A session is what a member does without a pause of more than thirty minutes, on one day by the community's clock: so a
day's sets follow from that day's facts alone, as everything does that is rolled up. Nobody's order of steps is kept but
as a set of all who took the same ones on that day, from which a member is erased like from any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise
from typing import Final

from pyroaring import BitMap

from belisha.metrics.actions import ACTIONS, ACTIVE
from belisha.metrics.days import Period
from belisha.metrics.facts import Fact
from belisha.metrics.rollups import Key, Rollups

#: The steps of a journey, and the actions that are one; of the same minute the ones that stand first here come first.
STEPS: Final = {
    "arrived": ("signed_in", "viewed"),
    "introduced": ("completed_profile",),
    "joined": ("joined",),
    "read": ("read",),
    "opened": ("downloaded",),
    "reacted": ("reacted", "voted"),
    "wrote": ("posted", "answered"),
}
#: A longer pause ends a session, in milliseconds.
PAUSE: Final = 30 * 60_000
#: How long a newcomer's first week is, how many of its first steps are a path, and until which day behind it somebody
#: must come again not to have stopped there, in days.
FIRST_WEEK: Final = 7
LONGEST_PATH: Final = 4
COMES_AGAIN: Final = 28
#: What is rolled up: who took one step after another in a session, and in which order steps were first taken on a day.
JOURNEY: Final = "journey"
STEP: Final = "step"
PATH: Final = "path"
_THEN: Final = ">"
_DAY: Final = timedelta(days=1)
_STEP_OF: Final = {action: step for step, actions in STEPS.items() for action in actions}
_IN_ORDER: Final = tuple(STEPS)
_RANK: Final = {step: rank for rank, step in enumerate(_IN_ORDER)}
if set(_STEP_OF) != {name for name, action in ACTIONS.items() if action.active}:
    raise ImportError("Every action that counts as active is a step of journeys, and no other.")

#: One step and the next: the first is empty where a session begins, the second where it ends.
Move = tuple[str, str]
#: All of them, whether anybody made them or not: that one is missing would tell that nobody did.
MOVES: Final = tuple(
    (before, after) for before in ("", *STEPS) for after in (*STEPS, "") if before != after and (before or after)
)


def add_journeys(rollups: Rollups, facts: Iterable[Fact]) -> None:
    """Rolls up the journeys of days; of each of these days all facts are given, each once, in any order.

    They are the same sets whenever they are made of the same facts. They take the place of none: a day is rolled up
    anew as a whole.
    """
    by_member = sorted(_steps(facts))
    for (day, member), taken in groupby(by_member, key=lambda one: (one[0], one[1])):
        moments = [(at, _IN_ORDER[rank]) for _, _, at, rank in taken]
        path = _THEN.join(dict.fromkeys(step for _, step in moments))
        rollups.put(day, Key(JOURNEY, PATH, path), member)
        for before, after in _moves(moments):
            rollups.put(day, Key(JOURNEY, STEP, f"{before}{_THEN}{after}"), member)


def _steps(facts: Iterable[Fact]) -> Iterator[tuple[int, int, int, int]]:
    """Day, member, moment and rank of each step."""
    for fact in facts:
        if (step := _STEP_OF.get(fact.action)) is not None:
            yield fact.day.toordinal(), fact.member, fact.at, _RANK[step]


def _moves(moments: Sequence[tuple[int, str]]) -> set[Move]:
    """The moves of a member's day; the same step again is none."""
    found = {("", moments[0][1]), (moments[-1][1], "")}
    for (before_at, before), (at, after) in pairwise(moments):
        if at - before_at > PAUSE:
            found |= {(before, ""), ("", after)}
        elif before != after:
            found.add((before, after))
    return found


def is_whole(rollups: Rollups, within: Period) -> bool:
    """Whether journeys were rolled up on every day of a period on which anybody was active, and there is one."""
    found = False
    for day in within.days():
        active = rollups.on(ACTIVE, day)
        if active:
            found = True
            if not any(rollups.by(JOURNEY, PATH, Period(day, day))):
                return False
    return found


def moves(rollups: Rollups, within: Period) -> dict[Move, BitMap]:
    """Who went from one step to the next in a session of a period, for each of `MOVES`."""
    made = rollups.by(JOURNEY, STEP, within)
    return {move: made.get(_THEN.join(move), BitMap()) for move in MOVES}


@dataclass(frozen=True, slots=True)
class FirstWeeks:
    """The first weeks of those who were first active in a period: sets of member numbers.

    Attributes:
        paths: who took which steps first, in which order; those of `LONGEST_PATH` steps may have taken more.
        stopped: who was not active in the four weeks behind it, by the step that was the last new one in it.
    """

    paths: dict[str, BitMap]
    stopped: dict[str, BitMap]


def first_weeks(rollups: Rollups, newcomers: Period) -> FirstWeeks:
    """How those began who were first active in a period, each in the seven days that begin with the first."""
    paths: defaultdict[str, BitMap] = defaultdict(BitMap)
    stopped = {step: BitMap() for step in STEPS}
    seen = rollups.before(ACTIVE, newcomers.first)
    for day in newcomers.days():
        fresh = rollups.on(ACTIVE, day) - seen
        seen |= fresh
        if not fresh:
            continue
        end = day + _DAY * FIRST_WEEK
        came = rollups.members(ACTIVE, Period(end, end + _DAY * (COMES_AGAIN - 1)))
        for member, taken in _first_steps(rollups, Period(day, end - _DAY), fresh).items():
            paths[_THEN.join(taken[:LONGEST_PATH])].add(member)
            if member not in came:
                stopped[taken[-1]].add(member)
    return FirstWeeks(dict(sorted(paths.items())), stopped)


def _first_steps(rollups: Rollups, within: Period, members: BitMap) -> dict[int, list[str]]:
    """The order in which each of some members first took each step in a period."""
    found: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for day in within.days():
        for path, theirs in rollups.by(JOURNEY, PATH, Period(day, day)).items():
            for member in theirs & members:
                found[member].update(dict.fromkeys(path.split(_THEN)))
    return {member: list(steps) for member, steps in found.items()}


def steps_of(path: str) -> list[str]:
    """The steps of a path, or the two of a move, by their names."""
    return path.split(_THEN)


def called(move: Move) -> str:
    """What a move is called: as `steps_of` reads it."""
    return _THEN.join(move)
