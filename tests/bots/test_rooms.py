"""What the module tells of rooms, and what stands in for it where it tells nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bots.kernel.bot import Audience, Needs, Organisation, Policy, Unknown
from bots.kernel.matrix import BotClient, Unreachable
from bots.kernel.rooms import Rooms
from tests.bots.support import ADA, ROOM, STEWARD, Homeserver

NEEDS = Needs(policy=True)
OPEN = {"kind": "open", "default": "TLP:GREEN", "ceiling": "TLP:GREEN", "organisations": ["a"], "purpose": "blog"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def rooms(homeserver: Homeserver, clock: Clock) -> AsyncIterator[Rooms]:
    async with aiohttp.ClientSession() as session:
        client = BotClient(homeserver.url, STEWARD, "token", session)
        await client.register()
        yield Rooms(client, clock)


async def test_policies_are_kept_for_a_minute_unless_asked_for_again(
    homeserver: Homeserver, rooms: Rooms, clock: Clock
) -> None:
    homeserver.policies[ROOM] = OPEN
    assert await rooms.policy(ROOM, NEEDS) == Policy("open", "TLP:GREEN", "TLP:GREEN", ("a",), "blog")
    homeserver.policies[ROOM] = OPEN | {"kind": "closed"}
    kinds = []
    for needs, pause in ((NEEDS, 0), (NEEDS, 59), (Needs(policy=True, fresh=True), 0), (NEEDS, 61)):
        clock.now += pause
        policy = await rooms.policy(ROOM, needs)
        assert isinstance(policy, Policy)
        kinds.append(policy.kind)
    assert kinds == ["open", "open", "closed", "closed"]


async def test_an_unknown_room_is_asked_for_again(homeserver: Homeserver, rooms: Rooms) -> None:
    assert await rooms.policy(ROOM, NEEDS) == Unknown(no_such_room=True)
    homeserver.policies[ROOM] = OPEN
    assert isinstance(await rooms.policy(ROOM, NEEDS), Policy)


async def test_only_the_patient_wait_for_a_homeserver_that_is_gone(homeserver: Homeserver, rooms: Rooms) -> None:
    await homeserver.__aexit__()
    assert await rooms.policy(ROOM, NEEDS) == Unknown()
    assert await rooms.audience(ROOM) == Unknown()
    with pytest.raises(Unreachable):
        await rooms.policy(ROOM, Needs(policy=True, patient=True))
    await homeserver.__aenter__()


@pytest.mark.parametrize(
    "answer", [{}, {"kind": 5}, {"kind": None, "organisations": 7}, {"kind": ["open"], "default": {}}]
)
async def test_odd_policies_are_unknown(homeserver: Homeserver, rooms: Rooms, answer: dict[str, object]) -> None:
    homeserver.policies[ROOM] = answer
    assert await rooms.policy(ROOM, NEEDS) == Unknown()


async def test_audiences(homeserver: Homeserver, rooms: Rooms) -> None:
    assert await rooms.audience(ROOM) == Unknown()
    homeserver.audience = {"total": 3, "organisations": "many"}
    assert await rooms.audience(ROOM) == Unknown()
    listed = [{"id": "a", "name": "Harbour", "category": "charity", "count": 3}, {"id": "b", "count": "x"}]
    homeserver.audience = {"total": 3, "organisations": listed, "bots": 1, "could_join": True}
    expected = (Organisation("Harbour", "charity", 3), Organisation("b", "", 0))
    assert await rooms.audience(ROOM) == Audience(3, expected, 1, could_join=True)


async def test_people(homeserver: Homeserver, rooms: Rooms) -> None:
    homeserver.members[ROOM] = {ADA: {"display_name": "Ada"}, STEWARD: {}}
    assert await rooms.people(ROOM) == {ADA: "Ada", STEWARD: None}
