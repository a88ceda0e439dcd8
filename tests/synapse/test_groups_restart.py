"""A room that a command asks for, the process killed at each step: in the end there is one, whole, and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.community import Community, unique
from tests.support.patience import until
from tests.support.sampling import sampled
from tests.support.settled import own_community
from tests.support.upgrade import joined, state_of
from tests.synapse.test_acts import hand_over, stored, typed
from tests.synapse.test_acts_restart import killed_at
from tests.synapse.test_groups import is_listed, own_room
from tests.synapse.test_red import said_in

pytestmark = pytest.mark.full

PLACES = (
    "before belisha_making_begin",
    "after belisha_making_begin",
    "amid the room",
    "before the invitation",
    "before belisha_making_made",
    "after belisha_making_made",
    "after belisha_making_end",
)


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community whose server dies when it is told to."""
    async with own_community(tmp_path_factory.mktemp("dying") / "data", "tests.synapse.dying.Dying") as here:
        yield here


def rooms_of(community: Community, name: str) -> set[str]:
    query = "SELECT room_id FROM local_current_membership WHERE user_id = ? AND membership IN ('join', 'invite')"
    return {row[0] for row in stored(community, query, community.id(name))}


async def finished(community: Community) -> None:
    """Waits until nothing is left to be done about any room."""

    async def is_so() -> bool:
        return stored(community, "SELECT * FROM belisha_making") == []

    await until(is_so)


async def handed_over(call: tuple[Any, ...]) -> tuple[int, dict[str, Any]]:
    """Hands a command over as often as the bot would: the server may be at it by itself."""

    async def answered() -> tuple[int, dict[str, Any]] | None:
        answer = await hand_over(*call)
        return None if answer[0] == 429 else answer

    found: tuple[int, dict[str, Any]] = await until(answered)
    return found


async def _asked(community: Community, name: str) -> tuple[Any, ...]:
    room = await own_room(community, "emil")
    event = await typed(community, "emil", room, f"!group create closed {name}")
    return community, room, event, "group_create", {"kind": "closed", "topic": name}


@pytest.mark.parametrize("place", sampled(PLACES, ("amid the room", "after belisha_making_made")))
async def test_a_group_is_made_once(community: Community, place: str) -> None:
    before = rooms_of(community, "emil")
    call = await _asked(community, unique("Watch "))
    await killed_at(community, place, call)
    status, answer = await handed_over(call)
    assert (status, answer.get("outcome")) == (200, "done"), answer
    assert await hand_over(*call) == (status, answer)
    made = answer["room_id"]
    await finished(community)
    assert rooms_of(community, "emil") - before == {made}, "nobody is in what was begun and given up"
    state = await state_of(community, made, "emil")
    assert state["org.belisha.room", ""]["kind"] == "closed" and state["m.room.name", ""]["name"].startswith("Watch")

    async def bot_is_in() -> bool:
        return await joined(community, made, "emil") == {"emil", "belisha_steward"}

    await until(bot_is_in)
    await is_listed(community, made)


@pytest.mark.parametrize(
    "place",
    sampled(("amid the room", "before the invitation", "before belisha_making_made"), ("before the invitation",)),
)
async def test_what_nobody_asks_for_again_is_ended_too(community: Community, place: str) -> None:
    before = rooms_of(community, "emil")
    call = await _asked(community, unique("Watch "))
    await killed_at(community, place, call)
    await finished(community)
    there = rooms_of(community, "emil") - before
    assert len(there) == (0 if place == "amid the room" else 1)
    status, answer = await handed_over(call)
    assert status == 200 and rooms_of(community, "emil") - before == {answer["room_id"]}
    assert there <= {answer["room_id"]}


@pytest.mark.parametrize(
    "place",
    sampled(
        ("amid the room", "before the invitation", "after belisha_making_made", "before belisha_making_end"),
        ("before belisha_making_end",),
    ),
)
async def test_a_room_of_named_people_says_its_subject_once(community: Community, place: str) -> None:
    before = rooms_of(community, "emil")
    room = await own_room(community, "emil")
    event = await typed(community, "emil", room, "!red @dina @finn Pumps")
    call = (community, room, event, "red", {"members": ["@dina", "@finn"], "subject": "Pumps"})
    await killed_at(community, place, call)
    status, answer = await handed_over(call)
    assert status == 200, answer
    await finished(community)
    made = answer["room_id"]
    assert rooms_of(community, "emil") - before == {made}
    state = await state_of(community, made, "emil")
    people = {
        key for (kind, key), content in state.items() if kind == "m.room.member" and content["membership"] != "leave"
    }
    assert people == {community.id(name) for name in ("emil", "dina", "finn")}
    assert len(await said_in(community, made, "emil")) == 1
