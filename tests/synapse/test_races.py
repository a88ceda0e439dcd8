"""Acts at the same moment: never are both accepted where one excludes the other (R1, L3, L4, M1)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.community import Community
from tests.support.races import Race, race
from tests.support.sampling import sampled
from tests.support.server import ended
from tests.support.settled import make_community
from tests.synapse import racing, racing_policies
from tests.synapse.racing import Ceiling, JoinRule, Kind, Moved, Organisations, Raise

SORTS = {**racing.SORTS, **racing_policies.SORTS}
#: Of these `make test-full` has a few of one for each kind of rule, and `make test-nightly` many of all.
SAMPLED = sampled(SORTS, (Kind, Raise, Moved))


@pytest.mark.more
@pytest.mark.parametrize("sort", SAMPLED, ids=lambda sort: sort.__name__)
async def test_a_few_pairs(community: Community, sort: type[Race]) -> None:
    tally = await race(community, sort, 4, lanes=4)
    assert not tally.wrong, (tally.wrong, str(tally))


@pytest.mark.full
@pytest.mark.nightly
@pytest.mark.parametrize("sort", SORTS, ids=lambda sort: sort.__name__)
async def test_many_pairs(community: Community, sort: type[Race], capsys: pytest.CaptureFixture[str]) -> None:
    least = max(1, SORTS[sort] // 10)
    tally = await race(community, sort, SORTS[sort], interleaved=least)
    with capsys.disabled():
        sys.stdout.write(f"\n{sort.name}: {tally}\n")
    assert not tally.wrong, (tally.wrong, str(tally))
    assert tally.interleaved >= least, f"one side always wins, which shows nothing: {tally}"


@pytest.mark.full
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("missing", "sort"),
    [
        ("NoFirstStep", Kind),
        ("NoWait", Kind),
        ("NoWait", Ceiling),
        ("NoJoinRule", JoinRule),
        ("NeitherReviewNorFollowing", Organisations),
        ("NoPending", Raise),
        ("SlowAndForgetful", Moved),
    ],
)
async def test_without_its_part_both_are_accepted(tmp_path: Path, missing: str, sort: type[Race]) -> None:
    """These tests can fail: each part of the product is needed."""
    here = await make_community(tmp_path / "data", module=f"tests.synapse.hasty.{missing}")
    with ended(here.server):
        tally = await race(here, sort, 200)
        await here.close()
    assert tally.wrong, f"nothing was found without it: {tally}"


@pytest.mark.full
@pytest.mark.nightly
async def test_who_came_in_after_the_review_does_not_stay(tmp_path: Path) -> None:
    """Decided before a right ended, stored after everybody's rooms were looked through."""
    here = await make_community(tmp_path / "data", module="tests.synapse.hasty.Slow")
    with ended(here.server):
        tally = await race(here, Moved, 12, lanes=4)
        await here.close()
    assert not tally.wrong, (tally.wrong, str(tally))
    assert tally.both, str(tally)


@pytest.mark.full
@pytest.mark.parametrize(("was", "becomes"), [("closed", "open"), ("open", "closed")])
async def test_a_group_whose_history_forks_meanwhile_has_the_join_rule_of_what_it_becomes(
    tmp_path: Path, was: str, becomes: str
) -> None:
    """Of two join rules in a fork Matrix keeps that of who has less power: the maintainer's old one."""
    here = await make_community(tmp_path / "data", module="tests.synapse.hasty.Forked")
    with ended(here.server):
        group = Kind(here)
        await group.group(preset="public_chat" if was == "open" else "private_chat")
        await group.accepted(group.change(kind=becomes))
        await group.accepted(group.send("cora", "TLP:GREEN After it"))
        wrong = group.is_wrong()
        await here.close()
    assert wrong is None
