"""What a month's numbers say: what changed, why it may have, and what to try; rules as data, each with its numbers.

A rule sees what was decided to be shown (`belisha.metrics.respect`) and nothing else: where a number that it needs is
withheld, it says nothing. So what it says tells no more than the numbers in it do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from belisha.metrics.days import Period, month_of, months_before
from belisha.metrics.measures import CAME_BACK, FIRST_STEPS
from belisha.metrics.respect import Name, Release
from belisha.translation import _, marked

Numbers = Mapping[str, int | str]
_HUNDRED: Final = 100
#: The limits of the rules, in hundredths.
CHANGED: Final = 10
QUIET: Final = 30
FEW_WRITE: Final = 33
TOP_HEAVY: Final = 50
ONE_KIND: Final = 60
RARELY: Final = 10
NOTHING_FOUND: Final = 50
STUCK: Final = 60
LEAVING: Final = 40
#: How long behind its quarter a cohort is looked at, in months; its quarter and these lie before the report's month.
_BEHIND: Final = 3
_QUARTER: Final = 3
#: What the members have done of whom a step of the funnel asks, and what not all of them did.
_STEPS: Final = {
    "invited": marked("had an account made"),
    "signed_in": marked("signed in"),
    "joined": marked("said what they do and joined a group"),
    "read": marked("read there"),
    CAME_BACK: marked("came back in their second week"),
    "contributed": marked("wrote something"),
}


class Month:
    """The shown numbers of a month, and of the one before it."""

    def __init__(self, release: Release, month: Period) -> None:
        """Looks up in everything that was decided."""
        self._release, self.period = release, month
        self._before = month_of(months_before(month.first, 1))

    def now(self, measure: str, part: str = "") -> int | None:
        """How many members; None where that is not shown."""
        return self._number(Name(self.period, measure, part))

    def before(self, measure: str, part: str = "") -> int | None:
        """The same of the month before."""
        return self._number(Name(self._before, measure, part))

    def percent(self, measure: str, figure: str) -> int | None:
        """A share beside a number, in hundredths."""
        found = self._release.get(Name(self.period, measure))
        value = None if found is None or found.members is None else found.figures.get(figure)
        return None if value is None else round(value * _HUNDRED)

    def cohort(self, part: str = "") -> int | None:
        """Of the newcomers of the quarter that ended three months ago: how many they were, or came `part` months on."""
        first = months_before(self.period.first, _BEHIND + _QUARTER - 1)
        return self._number(Name(month_of(first), "cohort", part))

    def funnel(self) -> tuple[Period, dict[str, int]]:
        """The newest funnel that was decided about, and how many took each step: a month's own has six weeks to go."""
        known = [one.period for one in self._release if one.measure == "funnel" and one.period.last <= self.period.last]
        newest = max(known, default=self.period)
        parts = {part: self._number(Name(newest, "funnel", part)) for part in ("invited", *FIRST_STEPS)}
        return newest, {part: number for part, number in parts.items() if number is not None}

    def categories(self) -> dict[str, int]:
        """The active members by the category of their organisation, as far as these are shown."""
        found = {one.part: shown for one, shown in self._release.items() if one[:2] == (self.period, "category")}
        return {part: shown.members for part, shown in sorted(found.items()) if shown.members is not None}

    def _number(self, name: Name) -> int | None:
        found = self._release.get(name)
        return None if found is None else found.members


Looks = Callable[[Month], Numbers | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a month's numbers may say.

    Attributes:
        id: what it is called; docs/metrics.md has its example under it.
        looks: gives the numbers with which it says it, or None where it does not.
        changed: what is so, with the numbers in their places.
        why: why it may be so.
        tries: what to try.
    """

    id: str
    looks: Looks
    changed: str
    why: str
    tries: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What a rule says of a month, in the community's language."""

    rule: str
    changed: str
    why: str
    tries: str


def advice(release: Release, month: Period) -> Sequence[Advice]:
    """What the numbers of a month say, the most important first.

    Args:
        release: everything that was decided.
        month: a whole month.
    """
    seen = Month(release, month)
    found = [(rule, rule.looks(seen)) for rule in RULES]
    return [
        Advice(rule.id, _(rule.changed).format(**numbers), _(rule.why), _(rule.tries))
        for rule, numbers in found
        if numbers is not None
    ]


def _share(part: int | None, whole: int | None) -> int | None:
    """A part of a whole in hundredths, rounded; None where one of them is not shown."""
    return None if part is None or not whole else round(_HUNDRED * part / whole)


def _change(month: Month) -> tuple[int, int, int] | None:
    """How many were active, and before, and the change in hundredths."""
    now, before = month.now("active"), month.before("active")
    share = _share(now, before)
    return None if now is None or before is None or share is None else (now, before, share - _HUNDRED)


def _fewer(month: Month) -> Numbers | None:
    found = _change(month)
    return {"now": found[0], "before": found[1], "percent": -found[2]} if found and found[2] <= -CHANGED else None


def _more(month: Month) -> Numbers | None:
    found = _change(month)
    return {"now": found[0], "before": found[1], "percent": found[2]} if found and found[2] >= CHANGED else None


def _steady(month: Month) -> Numbers | None:
    found = _change(month)
    return {"now": found[0], "before": found[1]} if found and abs(found[2]) < CHANGED else None


def _part(measure: str, part: str, whole: Callable[[Month], int | None], holds: Callable[[int], bool]) -> Looks:
    """Looks at a part of a whole, in hundredths."""

    def looks(month: Month) -> Numbers | None:
        number, of = month.now(measure, part), whole(month)
        share = _share(number, of)
        if number is None or of is None or share is None or not holds(share):
            return None
        return {"number": number, "of": of, "percent": share}

    return looks


def _figure(measure: str, name: str, holds: Callable[[int], bool]) -> Looks:
    def looks(month: Month) -> Numbers | None:
        share = month.percent(measure, name)
        return {"percent": share} if share is not None and holds(share) else None

    return looks


def _one_kind(month: Month) -> Numbers | None:
    found, active = month.categories(), month.now("active")
    if not found or active is None:
        return None
    kind, number = max(found.items(), key=lambda one: one[1])
    share = _share(number, active)
    return {"kind": kind, "number": number, "of": active} if share is not None and share >= ONE_KIND else None


def _stuck(month: Month) -> Numbers | None:
    """The step at which most are lost of those who took the one before it."""
    until, taken = month.funnel()
    shares = [
        (share, one, other)
        for one, other in pairwise(("invited", *FIRST_STEPS))
        if (share := _share(taken.get(other), taken.get(one))) is not None
    ]
    if not shares or (worst := min(shares))[0] > STUCK:
        return None
    _share_of, one, other = worst
    did, following = _(_STEPS[one]), _(_STEPS[other])
    return {"of": taken[one], "did": did, "number": taken[other], "next": following, "until": f"{until.first:%B %Y}"}


def _leaving(month: Month) -> Numbers | None:
    newcomers, stayed = month.cohort(), month.cohort(f"{_BEHIND:02}")
    share = _share(stayed, newcomers)
    if newcomers is None or stayed is None or share is None or share > LEAVING:
        return None
    return {"number": stayed, "of": newcomers}


#: What may be said of a month, the most important first.
RULES: Final[Sequence[Rule]] = (
    Rule(
        "fewer",
        _fewer,
        marked("{now} members were active, {percent} % fewer than the {before} of the month before."),
        marked("Holidays, an end of a common piece of work, or groups in which nobody asks anything."),
        marked("Look at the groups for where they went quiet, and have their maintainers put one question into each."),
    ),
    Rule(
        "more",
        _more,
        marked("{now} members were active, {percent} % more than the {before} of the month before."),
        marked("New organisations, something that concerned many, or people who came back."),
        marked("Find out what brought them and say so openly, while they still remember it."),
    ),
    Rule(
        "steady",
        _steady,
        marked("{now} members were active, about as many as the {before} of the month before."),
        marked("Those who came and those who went quiet are about as many."),
        marked("A good month to try something new in one group, and to see whether that changes."),
    ),
    Rule(
        "quiet",
        _part("growth", "quiet", lambda month: month.before("active"), lambda share: share >= QUIET),
        marked("{number} of the {of} members of the month before were not there any more."),
        marked("They may have come for one thing, or have had no answer when they asked."),
        marked("Ask the leads of a few organisations what their people missed; see that each question gets an answer."),
    ),
    Rule(
        "few-write",
        _part("reading", "contributed", lambda month: month.now("active"), lambda share: share < FEW_WRITE),
        marked("{number} of {of} active members wrote something; the others read."),
        marked("People may not be sure what they may share with whom, or nobody wants to be the first."),
        marked("Remind them what each label permits, and thank sources for what turned out to be useful."),
    ),
    Rule(
        "top-heavy",
        _figure("top_decile", "share", lambda share: share >= TOP_HEAVY),
        marked("The busiest tenth of those who wrote made {percent} % of all contributions."),
        marked("A few carry the conversation; without them it would stop."),
        marked("Ask others for their experience by name, in person, and let the busy ones answer second."),
    ),
    Rule(
        "one-kind",
        _one_kind,
        marked("{number} of {of} active members are of one kind of organisation ({kind})."),
        marked("Others may not have been invited, or find nothing that concerns them."),
        marked("Invite two organisations of another kind together, with a group about what they have in common."),
    ),
    Rule(
        "rarely",
        _figure("active", "stickiness", lambda share: share <= RARELY),
        marked("On an average day {percent} % of the month's active members came."),
        marked("Most look in when they are told of something, which suits many communities."),
        marked("See that members know of the digest, and that announcements come on the same day each week."),
    ),
    Rule(
        "nothing-found",
        _part("search", "found_nothing", lambda month: month.now("search", "searched"), lambda s: s >= NOTHING_FOUND),
        marked("{number} of the {of} members who searched found nothing at least once."),
        marked("What they look for may not be there, or stand in words that they do not use."),
        marked("Add synonyms to the directory, describe documents with tags, and ask in a group what was looked for."),
    ),
    Rule(
        "stuck",
        _stuck,
        marked("Of {of} newcomers of the twelve months up to {until} who {did}, {number} {next}."),
        marked("At this step more are lost than at any other."),
        marked(
            "Take that step yourself with a new account, and have somebody look after newcomers in their first week."
        ),
    ),
    Rule(
        "leaving",
        _leaving,
        marked("Of the {of} newcomers of the quarter that ended three months ago, {number} were still active."),
        marked("They may have found out what they came for, or nobody of their own organisation stayed."),
        marked("Write to those organisations' leads; two people of one organisation stay more often than one."),
    ),
)
