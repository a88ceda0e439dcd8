"""Lists of members, as the steward tells them."""

from __future__ import annotations

import pytest_asyncio

from bots.kernel.store import Store
from bots.steward import Steward
from tests.bots.support import Homeserver, Json
from tests.bots.test_desk import BEN, Room

ANA: Json = {
    "member": "@ana",
    "name": "Ana Pilot",
    "organisation": "harbour",
    "organisation_name": "Harbour Trust",
    "roles": ["lead"],
    "since": "2026-01-02",
    "last": "2026-11-28",
    "frozen": None,
}
BO: Json = {**ANA, "member": "@bo", "name": "Bo", "roles": [], "last": None, "frozen": "steward"}


@pytest_asyncio.fixture
async def room(store: Store, homeserver: Homeserver) -> Room:
    return Room(store, homeserver, Steward)


async def told(room: Room, words: str, **outcome: object) -> str:
    room.homeserver.acts = [(200, {"outcome": "done", "act": "x", **outcome})]
    (said,) = await room.hears(room.says(words, sender=BEN))
    return said


async def test_a_list_says_who_since_when_and_when_last(room: Room) -> None:
    named = {"organisation": "harbour", "names": {"organisation": "Harbour Trust"}}
    said = await told(room, "!members", **named, frozen=False, count=2, page=1, members=[ANA, BO])
    assert said == (
        "Harbour Trust (harbour) has 2 members:\n\n"
        "• Ana Pilot (@ana): lead, since 2026-01-02, last active on 2026-11-28\n"
        "• Bo (@bo): since 2026-01-02, not seen yet, frozen by a steward"
    )
    said = await told(room, "!members", organisation="harbour", frozen=True, count=51, page=1, members=[ANA])
    assert "The organisation is frozen" in said and "for the next one add --page 2" in said
    assert await told(room, "!members harbour", organisation="harbour", count=0, members=[]) == "harbour has 0 members:"


async def test_the_dormant_are_told_with_their_organisation(room: Room) -> None:
    said = await told(room, "!dormant", days=90, count=1, page=1, members=[ANA])
    assert said.startswith("For 90 days and longer not seen: 1 member.")
    assert "• Ana Pilot (@ana), Harbour Trust: lead" in said
    assert await told(room, "!dormant 7", days=7, count=0, members=[]) == "Everybody was here within 7 days."
