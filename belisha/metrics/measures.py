"""The measures of activity, each as docs/metrics.md defines it, over roll-ups alone.

What they give is exact and not to be shown as it is: `belisha.metrics.respect` decides what may be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from pyroaring import BitMap

from belisha.metrics.actions import ACTIVE, CONTRIBUTED
from belisha.metrics.days import Period
from belisha.metrics.rollups import PAIR, Rollups, answered
from belisha.metrics.windows import distinct_in_windows

WEEK: Final = 7
#: The length of the rolling month, in days.
MONTH: Final = 30
#: How long after an invitation a step of the funnel counts, in days.
FUNNEL_DAYS: Final = 28
_DAY: Final = timedelta(days=1)


class Share(NamedTuple):
    """A part of a whole, kept as two whole numbers so that nothing is rounded."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None where the whole is nothing."""
        return self.part / self.whole if self.whole else None


def active_users(rollups: Rollups, within: Period, window: int = 1) -> list[int]:
    """For each day of a period how many were active in the `window` days that end with it: DAU, WAU (7), MAU (30)."""
    first = within.first - _DAY * (window - 1)
    days = [rollups.on(ACTIVE, day) for day in Period(first, within.last).days()]
    return distinct_in_windows(days, window)


def stickiness(rollups: Rollups, within: Period) -> Share:
    """Mean DAU over a period's active members: of the days on which these could have come, those on which they did."""
    days = sum(active_users(rollups, within))
    return Share(days, len(rollups.members(ACTIVE, within)) * within.length)


@dataclass(frozen=True, slots=True)
class Growth:
    """How the active members of a period came out of those of the one before: sets of member numbers.

    `new`, `returning` and `resurrected` together are the active members; `returning`, `dormant` and `lost` those of the
    period before.

    Attributes:
        period: it.
        new: active, and on no day before the period.
        returning: active, and in the period before too.
        resurrected: active, not in the period before, but earlier.
        dormant: active in the period before and not now, and still in the community.
        lost: active in the period before and not now, and their right to be here ended in one of the two.
    """

    period: Period
    new: BitMap
    returning: BitMap
    resurrected: BitMap
    dormant: BitMap
    lost: BitMap

    @property
    def change(self) -> int:
        """By how many the active members have become more."""
        return len(self.new) + len(self.resurrected) - len(self.dormant) - len(self.lost)


def growth(rollups: Rollups, periods: Sequence[Period]) -> list[Growth]:
    """Growth accounting of periods that follow each other: of all but the first, with which the second is compared."""
    if not periods:
        return []
    seen = rollups.before(ACTIVE, periods[0].first)
    before, left_before = rollups.members(ACTIVE, periods[0]), rollups.members("left", periods[0])
    seen |= before
    found = []
    for period in periods[1:]:
        now, left = rollups.members(ACTIVE, period), rollups.members("left", period)
        quiet, gone = before - now, left_before | left
        found.append(Growth(period, now - seen, now & before, (now & seen) - before, quiet - gone, quiet & gone))
        seen |= now
        before, left_before = now, left
    return found


@dataclass(frozen=True, slots=True)
class Cohort:
    """The members whose first active period this was.

    Attributes:
        period: it.
        members: they.
        retained: how many of them were active in it, in the next one, and so on; the first is all of them.
    """

    period: Period
    members: BitMap
    retained: tuple[int, ...]


def cohorts(rollups: Rollups, periods: Sequence[Period]) -> list[Cohort]:
    """Retention of the members who were first active in each of the periods, which follow each other."""
    if not periods:
        return []
    active = [rollups.members(ACTIVE, period) for period in periods]
    seen = rollups.before(ACTIVE, periods[0].first)
    found = []
    for number, (period, now) in enumerate(zip(periods, active, strict=True)):
        fresh = now - seen
        seen |= now
        later = active[number + 1 :]
        retained = (len(fresh), *(fresh.intersection_cardinality(other) for other in later))
        found.append(Cohort(period, fresh, retained))
    return found


#: The steps of the funnel behind the invitation, and the last, which is no action.
FUNNEL: Final = ("signed_in", "completed_profile", "joined", "read", CONTRIBUTED)
CAME_BACK: Final = "came_back"
#: The steps of the year's funnel, and what each needs: who writes has nearly always come back before.
FIRST_STEPS: Final[Mapping[str, Sequence[str]]] = {
    "signed_in": ("signed_in",),
    "joined": ("completed_profile", "joined"),
    "read": ("read",),
    CAME_BACK: (CAME_BACK,),
    CONTRIBUTED: (CONTRIBUTED,),
}


def funnel(rollups: Rollups, invited: Period) -> dict[str, BitMap]:
    """How far those got who were first invited in a period, by step; each step has only members of the one before.

    A step counts in the 28 days that begin with the invitation's. Coming back is being active 7 to 13 days after the
    first sign-in of these.
    """
    return _reached(rollups, invited, {step: (step,) for step in (*FUNNEL, CAME_BACK)})


def first_steps(rollups: Rollups, invited: Period) -> dict[str, BitMap]:
    """The same by the fewer steps of `FIRST_STEPS`, of which most have as many members between them as may be told."""
    return _reached(rollups, invited, FIRST_STEPS)


def _reached(rollups: Rollups, invited: Period, steps: Mapping[str, Sequence[str]]) -> dict[str, BitMap]:
    """Who came to each step, which needs all that is listed with it and the step before."""
    reached: dict[str, list[BitMap]] = {"invited": [], **{step: [] for step in steps}}
    seen = rollups.before("invited", invited.first)
    for day in invited.days():
        left = rollups.on("invited", day) - seen
        seen |= left
        window = Period(day, day + _DAY * (FUNNEL_DAYS - 1))
        reached["invited"].append(left)
        for step, needed in steps.items():
            for action in needed:
                if left:
                    left = left & (
                        _came_back(rollups, window) if action == CAME_BACK else rollups.members(action, window)
                    )
            reached[step].append(left)
    return {step: BitMap.union(*sets, BitMap()) for step, sets in reached.items()}


def _came_back(rollups: Rollups, window: Period) -> BitMap:
    """Who, having first signed in within the window, was active in the week that begins seven days later."""
    seen, found = BitMap(), BitMap()
    for day in window.days():
        first = rollups.on("signed_in", day) - seen
        seen |= first
        if first:
            found |= first & rollups.members(ACTIVE, Period(day + _DAY * WEEK, day + _DAY * (2 * WEEK - 1)))
    return found


class Reading(NamedTuple):
    """The active members of a period, in three parts: sets of member numbers."""

    contributed: BitMap
    only_read: BitMap
    neither: BitMap


def reading(rollups: Rollups, within: Period) -> Reading:
    """Who contributed, who read and did not, and who was active without either."""
    contributed = rollups.members(CONTRIBUTED, within)
    read = rollups.members("read", within) - contributed
    return Reading(contributed, read, rollups.members(ACTIVE, within) - contributed - read)


class Searching(NamedTuple):
    """Who searched on the portal, and who of these found nothing on one occasion at least: sets of member numbers."""

    searched: BitMap
    found_nothing: BitMap


def searching(rollups: Rollups, within: Period) -> Searching:
    """Who searched in a period, and to whom it gave no result."""
    nothing = rollups.members("found_nothing", within)
    return Searching(rollups.members("searched", within) | nothing, nothing)


@dataclass(frozen=True, slots=True)
class Top:
    """The tenth of the contributing members who contributed most.

    Attributes:
        members: they, rounded up; where counts are equal, those with the lower numbers.
        share: their contributions, of all.
    """

    members: BitMap
    share: Share


def top_decile(rollups: Rollups, within: Period) -> Top:
    """How much of the contributions of a period comes from the tenth of the contributors who made most."""
    counts: Counter[int] = rollups.contributions(within)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[: -(-len(counts) // 10)]
    return Top(BitMap([member for member, _ in ranked]), Share(sum(n for _, n in ranked), counts.total()))


def connections(rollups: Rollups, within: Period, category: Mapping[str, str]) -> dict[tuple[str, str], BitMap]:
    """Who of one category of organisations contributed or reacted to somebody of another, by both categories.

    Args:
        rollups: them.
        within: the period.
        category: of each organisation, by its id; pairs with an organisation that is not in it are left out.
    """
    found: dict[tuple[str, str], BitMap] = {}
    for pair, members in rollups.by(ACTIVE, PAIR, within).items():
        one, other = map(category.get, answered(pair))
        if one is not None and other is not None:
            found[one, other] = found.get((one, other), BitMap()) | members
    return dict(sorted(found.items()))
