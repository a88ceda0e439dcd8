"""A second yes amid which the process is killed: in the end there is one room for both, whole, and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.community import Community
from tests.support.sampling import sampled
from tests.support.settled import own_community
from tests.synapse.test_acts import stored
from tests.synapse.test_acts_restart import killed_at
from tests.synapse.test_groups import own_room
from tests.synapse.test_groups_restart import finished, handed_over
from tests.synapse.test_introductions import WHY, agrees, asked, introduces, rooms_of, three
from tests.synapse.test_questions import asks as bot_asks
from tests.synapse.test_questions import taps
from tests.synapse.test_red import said_in

pytestmark = pytest.mark.full

PLACES = (
    "before belisha_introducing_agree",
    "after belisha_introducing_agree",
    "amid the room",
    "before belisha_making_made",
    "after belisha_making_made",
)


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community whose server dies when it is told to."""
    async with own_community(tmp_path_factory.mktemp("dying") / "data", "tests.synapse.dying.Dying") as here:
        yield here


@pytest.mark.parametrize("place", sampled(PLACES, ("after belisha_introducing_agree", "before belisha_making_made")))
async def test_one_room_is_opened(community: Community, place: str) -> None:
    by, one, other = await three(community)
    assert (await introduces(community, by, one, other))[0] == 200
    row = (await asked(community, one))[one]["id"]
    assert (await agrees(community, one, row))[0] == 200
    before = {name: rooms_of(community, name) for name in (one, other)}
    room = await own_room(community, other)
    yes = await taps(community, other, room, await bot_asks(community, room, f"!introductions agree {row}"))
    call = (community, room, yes, "introduction_agree", {"introduction": row})
    await killed_at(community, place, call)
    status, answer = await handed_over(call)
    assert (status, answer.get("opened")) == (200, True), answer
    await finished(community)
    (made,) = rooms_of(community, other) - before[other]
    assert rooms_of(community, one) - before[one] == {made}, "nobody is in what was begun and given up"
    assert len(await said_in(community, made, other)) == 1
    assert WHY in (await said_in(community, made, other))[0]["content"]["body"]
    assert stored(community, "SELECT ended FROM belisha_introducing WHERE id = ?", row) == [("opened",)]
