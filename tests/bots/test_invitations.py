"""What the steward says of registration tokens."""

from __future__ import annotations

import pytest_asyncio

from bots.kernel.store import Store
from bots.steward import Steward
from tests.bots.support import Homeserver, Json
from tests.bots.test_desk import ADA, BEN, MEMBER, Room

LEAD = MEMBER | {"roles": ["member", "lead"]}
MADE: Json = {"outcome": "done", "act": "invitation_make", "id": "1f2e3d4c", "uses": 3, "expires": 1_800_000_000,
              "organisation": "Harbour", "homeserver": "https://matrix.example.org"}  # fmt: skip


@pytest_asyncio.fixture
async def room(store: Store, homeserver: Homeserver) -> Room:
    there = Room(store, homeserver, Steward)
    homeserver.askers[ADA] = LEAD
    return there


async def told(room: Room, words: str, outcome: Json) -> str:
    room.homeserver.acts = [(200, outcome)]
    (said,) = await room.hears(room.says(words))
    return said


async def test_a_token_is_told_with_what_to_do(room: Room) -> None:
    said = await told(room, "!invite --uses 3", MADE | {"token": "s3cret-token"})
    assert said.startswith("Hand this to 3 new members of Harbour, in a way that nobody else reads:")
    assert "as server https://matrix.example.org." in said and "write s3cret-token." in said
    assert "until 2027-01-15 08:00 UTC" in said and "!invite revoke 1f2e3d4c ends it" in said
    page = {"token": "s3cret-token", "page": "https://portal.example.org/join"}
    said = await told(room, "!invite", MADE | page)
    assert "open https://portal.example.org/join" in said and "write s3cret-token." in said
    assert "Create account" not in said, "no client has a place for the key of a second factor"
    said = await told(room, "!invite", MADE)
    assert "its answer was lost" in said and "!invite revoke 1f2e3d4c" in said


async def test_tokens_are_listed_by_their_ids(room: Room) -> None:
    one: Json = {"id": "1f2e3d4c", "name": "", "left": 1, "expires": 1_800_000_000, "made_by": "ada", "holds": True}
    two: Json = {**one, "id": "0a0b0c0d", "name": "Anna Keller", "made_by": None, "holds": False}
    done: Json = {"outcome": "done", "organisation": "harbour"}
    said = await told(room, "!invite list", {**done, "invitations": [one, two]})
    assert "• 1f2e3d4c: 1 use left, until 2027-01-15 08:00 UTC, made by @ada" in said
    assert "for Anna Keller, holds no more" in said
    assert await told(room, "!invite list", {**done, "invitations": []}) == "harbour has no registration token."
    assert "Whoever has used it stays." in await told(room, "!invite revoke 1f2e3d4c", done)


async def test_stewards_do_not_invite(room: Room) -> None:
    (said,) = await room.hears(room.says("!invite", sender=BEN))
    assert said == "Managers can do this, and leads for members of their own organisation."
