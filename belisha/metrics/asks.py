"""Whether who writes gets an answer, and how soon, as docs/metrics.md defines it, over facts.

Roll-ups do not know which answer is to what, so of each month what it gives is kept as sets. It is exact and not to be
shown as it is: `belisha.metrics.respect` decides what may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from pyroaring import BitMap

from belisha.metrics.days import Period
from belisha.metrics.facts import Fact
from belisha.metrics.respect import Cell, Name

#: For so long an answer is waited for.
PATIENCE: Final = timedelta(days=7)
_MINUTE: Final = 60_000


@dataclass(frozen=True, slots=True)
class Asks:
    """What became of the posts of a period.

    Attributes:
        waits: how long each answered one waited for the first answer, in whole minutes, the shortest first.
        unanswered: how many had none in time.
        heard: the members of whose posts at least one was answered.
        unheard: the members all of whose posts were left without.
        answerers: the members who gave the first answers.
    """

    waits: tuple[int, ...]
    unanswered: int
    heard: BitMap
    unheard: BitMap
    answerers: BitMap

    @property
    def time_to_first_answer(self) -> int | None:
        """The median of the waits, in minutes, the lower one of two; None where nothing was answered."""
        return self.waits[(len(self.waits) - 1) // 2] if self.waits else None


def asks(facts: Iterable[Fact], within: Period) -> Asks:
    """What became of what was posted in a period.

    Args:
        facts: each once (`facts.distinct`), in any order, of the period and of the seven days behind it: a post whose
            answers are not among them counts as unanswered.
        within: the period in which it was posted.
    """
    posted: dict[str, Fact] = {}
    answers: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.action == "answered":
            answers.setdefault(fact.ref, []).append(fact)
        elif fact.action == "posted" and fact.ref:
            # Who answers themselves has posted about the same once more: that is no post of its own.
            posted[fact.ref] = min(posted.get(fact.ref, fact), fact, key=_when)
    waits, heard, all_who_asked, answerers = list[int](), BitMap(), BitMap(), BitMap()
    found = [post for post in posted.values() if post.day in within]
    latest = PATIENCE // timedelta(milliseconds=1)
    for post in found:
        all_who_asked.add(post.member)
        in_time = [
            one
            for one in answers.get(post.ref, ())
            if one.member != post.member and post.at <= one.at <= post.at + latest
        ]
        if in_time:
            first = min(in_time, key=_when)
            waits.append((first.at - post.at) // _MINUTE)
            heard.add(post.member)
            answerers.add(first.member)
    return Asks(tuple(sorted(waits)), len(found) - len(waits), heard, all_who_asked - heard, answerers)


class Kept(NamedTuple):
    """What is kept of a month's posts when their facts are gone: the members whom each number is about.

    Attributes:
        heard, unheard, answerers: as in `Asks`.
        minutes: the time to the first answer; None where nothing was answered.
    """

    heard: BitMap
    unheard: BitMap
    answerers: BitMap
    minutes: int | None


def kept(found: Asks) -> Kept:
    """What is kept of them."""
    return Kept(found.heard, found.unheard, found.answerers, found.time_to_first_answer)


def settled(month: Period) -> Period:
    """The days whose facts tell what became of a month's posts."""
    return Period(month.first, month.last + PATIENCE)


def cells(months: Mapping[Period, Kept]) -> list[Cell]:
    """What is asked for of posts: who was heard and who was not, and who answered first.

    The time to the first answer stands beside those who answered: it is about them. How many posts had no answer is
    not asked for: beside the members who had none it would tell how often each of few had tried.
    """
    found = []
    for month, one in months.items():
        span, minutes = settled(month), {} if one.minutes is None else {"minutes": float(one.minutes)}
        found += [
            Cell(Name(month, "asks", "heard"), one.heard, span),
            Cell(Name(month, "asks", "unheard"), one.unheard, span),
            Cell(Name(month, "asks", "answerers"), one.answerers, span, minutes),
        ]
    return found


def _when(fact: Fact) -> tuple[int, str]:
    return fact.at, fact.key
