"""Counts a poll by the rule of MSC3381: the last response of each voter until the end, whatever the server took in.

Answers beyond the poll's number are cut. An answer that the poll does not have spoils the whole vote, before anything
is cut (matrix-js-sdk 43, `PollResponseEvent.validateAgainst`). A spoiled vote takes the place of the voter's earlier
one: an empty one is how a client takes a vote back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from belisha.polls.wire import Response, Start


@dataclass(frozen=True, slots=True)
class OrganisationVote:
    """The one vote of an organisation.

    Attributes:
        organisation: its id.
        voters: how many of it have voted.
        choices: the ids of the answers that it has chosen; empty where its voters are split.
    """

    organisation: str
    voters: int
    choices: tuple[str, ...]

    @property
    def split(self) -> bool:
        """Whether its voters did not agree."""
        return not self.choices


@dataclass(frozen=True, slots=True)
class Tally:
    """What a poll came to.

    Attributes:
        counts: votes for each answer, by id, in the poll's order.
        ballots: what each voter has chosen, by user id.
        spoiled: how many of those who may vote have spoiled theirs.
        not_eligible: how many have voted and may not.
        late: the votes that came after the end.
        organisations: the vote of each organisation, by its id; empty where they were not asked for.
        by_organisation: votes for each answer where each organisation has one.
    """

    counts: Mapping[str, int]
    ballots: Mapping[str, tuple[str, ...]]
    spoiled: int = 0
    not_eligible: int = 0
    late: int = 0
    organisations: tuple[OrganisationVote, ...] = ()
    by_organisation: Mapping[str, int] | None = None

    @property
    def voters(self) -> int:
        """How many votes count."""
        return len(self.ballots)

    def leading(self) -> tuple[str, ...]:
        """The answers with the most votes; none where nobody has voted."""
        return most_chosen(self.counts)


def most_chosen(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The ids with the highest count above zero."""
    most = max(counts.values(), default=0)
    return tuple(key for key, count in counts.items() if count == most and most)


def tally(
    start: Start,
    responses: Iterable[Response],
    until: int | None = None,
    eligible: Collection[str] | None = None,
    organisations: Mapping[str, str] | None = None,
) -> Tally:
    """Counts.

    Args:
        start: the poll.
        responses: every vote, in any order.
        until: the end, in milliseconds since 1970; a vote of that very moment counts. None while it is open.
        eligible: the user ids of those who may vote; None for everybody.
        organisations: the organisation of each who may vote; where given, each organisation has one vote besides.
    """
    last: dict[str, Response] = {}
    late = 0
    for one in responses:
        if until is not None and one.sent_at > until:
            late += 1
            continue
        known = last.get(one.sender)
        if known is None or (known.sent_at, known.order) <= (one.sent_at, one.order):
            last[one.sender] = one
    ids = frozenset(option.id for option in start.options)
    ballots: dict[str, tuple[str, ...]] = {}
    spoiled = not_eligible = 0
    for voter, response in last.items():
        if eligible is not None and voter not in eligible:
            not_eligible += 1
        elif response.answers is None or not ids.issuperset(response.answers):
            spoiled += 1
        else:
            ballots[voter] = tuple(dict.fromkeys(response.answers[: start.most]))
    counted = Counter(answer for chosen in ballots.values() for answer in chosen)
    counts = {option.id: counted[option.id] for option in start.options}
    if organisations is None:
        return Tally(counts, ballots, spoiled, not_eligible, late)
    votes = _of_organisations(start, ballots, organisations)
    chosen_by = Counter(choice for vote in votes for choice in vote.choices)
    by_organisation = {option.id: chosen_by[option.id] for option in start.options}
    return Tally(counts, ballots, spoiled, not_eligible, late, votes, by_organisation)


def _of_organisations(
    start: Start, ballots: Mapping[str, tuple[str, ...]], organisations: Mapping[str, str]
) -> tuple[OrganisationVote, ...]:
    """One vote for each organisation.

    With one choice it is the answer that most of its voters chose, and none where two answers have the most. With
    several it is every answer that more than half of them chose.
    """
    together: dict[str, list[tuple[str, ...]]] = {}
    for voter, chosen in ballots.items():
        if (organisation := organisations.get(voter)) is not None:
            together.setdefault(organisation, []).append(chosen)
    votes = []
    for organisation, theirs in sorted(together.items()):
        counted = Counter(answer for chosen in theirs for answer in chosen)
        if start.most == 1:
            leading = most_chosen(counted)
            choices: tuple[str, ...] = leading if len(leading) == 1 else ()
        else:
            choices = tuple(option.id for option in start.options if 2 * counted[option.id] > len(theirs))
        votes.append(OrganisationVote(organisation, len(theirs), choices))
    return tuple(votes)
