"""Whether who writes gets an answer, and how soon, as docs/metrics.md defines it, over facts.

Roll-ups do not know which answer is to what, so this is of the time for which facts are kept. What it gives is exact
and not to be shown as it is: `belisha.metrics.respect` decides what may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pyroaring import BitMap

from belisha.metrics.days import Period
from belisha.metrics.facts import Fact

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


def _when(fact: Fact) -> tuple[int, str]:
    return fact.at, fact.key
