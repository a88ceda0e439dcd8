"""Off-boarding is asked for once more with its numbers, is not asked where it may not be, and its end is told."""

from __future__ import annotations

import pytest
import pytest_asyncio

from bots.kernel.store import Store
from bots.steward import Steward
from tests.bots.support import Homeserver, Json
from tests.bots.test_desk import BEN, OWN, Room

COUNTED: Json = {"people": 20, "groups": 60, "memberships": 200}
COMMAND = "!offboard organisation vale"


@pytest_asyncio.fixture
async def room(store: Store, homeserver: Homeserver) -> Room:
    return Room(store, homeserver, Steward)


def acts(room: Room) -> list[Json]:
    return [content for _, content in room.homeserver.sent.values() if "act" in content]


async def test_it_is_asked_first_with_what_it_concerns(room: Room) -> None:
    room.homeserver.extents["vale"] = (200, {**COUNTED, "name": "Vale Trust"})
    (question,) = await room.hears(room.says(COMMAND, sender=BEN))
    assert "Vale Trust (vale) concerns 20 members, with 200 memberships in 60 groups." in question
    assert "This cannot be undone" in question and "Shall I?" in question
    assert not acts(room)
    room.homeserver.acts = [(200, {"outcome": "done", "act": "organisation_offboard", **COUNTED, "left": 3})]
    (told,) = await room.hears(room.says("yes", sender=BEN))
    assert "vale is off-boarded: 20 members, with 200 memberships in 60 groups." in told
    assert "3 memberships are still to end." in told
    (act,) = acts(room)
    assert (act["act"], act["arguments"], act["room_id"]) == ("organisation_offboard", {"organisation": "vale"}, OWN)


@pytest.mark.parametrize(("left", "expected"), [(0, "in none of these groups"), (None, "end by themselves")])
async def test_what_is_left_is_told(room: Room, left: int | None, expected: str) -> None:
    room.homeserver.extents["@dina"] = (200, {"people": 1, "groups": 1, "memberships": 1})
    (question,) = await room.hears(room.says("!offboard @dina", sender=BEN))
    assert "@dina concerns 1 member, with 1 membership in 1 group." in question
    known = {} if left is None else {"left": left}
    room.homeserver.acts = [(200, {"outcome": "done", "act": "member_offboard", "people": 1, **known})]
    (told,) = await room.hears(room.says("yes", sender=BEN))
    assert expected in told


async def test_no_is_no(room: Room) -> None:
    room.homeserver.extents["vale"] = (200, COUNTED)
    assert await room.hears(room.says(COMMAND, sender=BEN), room.says("no", sender=BEN)) != []
    assert not acts(room)


async def test_what_would_be_refused_is_not_asked(room: Room) -> None:
    sentence = "There is no organisation with this id."
    room.homeserver.extents["vale"] = (403, {"errcode": "ORG.BELISHA.NO_SUCH_ORGANISATION", "error": sentence})
    said = await room.hears(room.says(COMMAND, sender=BEN), room.says("yes", sender=BEN))
    assert said[0] == sentence and not acts(room)


@pytest.mark.parametrize(
    "answer",
    [
        (403, {"errcode": "ORG.BELISHA.CANNOT_DECIDE", "error": "It cannot be decided now."}),
        (403, {"errcode": "M_FORBIDDEN", "error": "No."}),
        (404, {"errcode": "ORG.BELISHA.NOT_FOUND", "error": "nothing here"}),
        (500, {}),
    ],
)
async def test_what_cannot_be_counted_is_not_asked(room: Room, answer: tuple[int, Json]) -> None:
    room.homeserver.extents["vale"] = answer
    (told,) = await room.hears(room.says(COMMAND, sender=BEN))
    assert "I could not ask the server" in told and not acts(room)


async def test_who_may_not_ask_for_it_is_told_before_anything_is_counted(room: Room) -> None:
    (told,) = await room.hears(room.says(COMMAND))
    assert told == "Only stewards and managers can do this. Please ask one of them."
