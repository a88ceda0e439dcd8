"""Groups by commands (P3): made as a member's own client would, found in the Space, and no wider than that (R1, M1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import joined, path_of, state_of
from tests.synapse.test_acts import asks, hand_over, stored, typed
from tests.synapse.test_room_freezing import V3, group, policy

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its Space is looked at."""
    here = await make_community(tmp_path_factory.mktemp("groups") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def own_room(community: Community, name: str) -> str:
    """A member's room with the steward."""
    found = stored(community, "SELECT service_room_id FROM belisha_member WHERE localpart = ?", name)
    return str(found[0][0])


async def listed(community: Community) -> set[str]:
    """The rooms that the community's Space lists."""
    _, found = await request(community["ana"], "GET", f"{V3}/directory/room/{quote('#community:belisha.localhost')}")
    state = await state_of(community, found["room_id"], "ana")
    return {key for (kind, key), content in state.items() if kind == "m.space.child" and content}


async def is_listed(community: Community, room: str, *, wanted: bool = True) -> None:
    """Waits until a room is in the Space, or is not."""

    async def is_so() -> bool:
        return (room in await listed(community)) == wanted

    await until(is_so)


async def makes(community: Community, by: str, words: str, **arguments: Any) -> tuple[int, Json]:
    """`!group create` in a member's own room."""
    room = await own_room(community, by)
    return await asks(community, by, room, f"!group create {words}", "group_create", arguments)


def named(community: Community, name: str) -> int:
    """How many rooms have this name, by their state: Synapse's table of names comes after it."""
    rows = stored(
        community,
        "SELECT json FROM current_state_events JOIN event_json USING (event_id) WHERE type = 'm.room.name'",
    )
    return sum(json.loads(row[0])["content"].get("name") == name for row in rows)


# --- !group create -----------------------------------------------------------------------------------------------


async def test_a_member_makes_an_open_group(community: Community) -> None:
    room = await own_room(community, "emil")
    event = await typed(community, "emil", room, '!group create open "Tides and winds"')
    arguments = {"kind": "open", "topic": "Tides and winds"}
    answers = [await hand_over(community, room, event, "group_create", arguments) for _ in range(2)]
    assert answers[0] == answers[1] and answers[0][0] == 200, answers
    made = answers[0][1]["room_id"]
    state = await state_of(community, made, "emil")
    assert state["org.belisha.room", ""] == {
        "kind": "open",
        "default": "TLP:GREEN",
        "ceiling": "TLP:GREEN",
        "organisations": [],
        "purpose": "discussion",
    }
    assert state["m.room.name", ""] == {"name": "Tides and winds"}
    assert state["m.room.topic", ""]["topic"] == "Tides and winds"
    assert state["m.room.join_rules", ""]["join_rule"] == "public"
    users = state["m.room.power_levels", ""]["users"]
    assert users == {community.id("emil"): 95, community.id("steward"): 100}
    await is_listed(community, made)

    async def are_in() -> bool:
        return await joined(community, made, "emil") == {"emil", "belisha_steward"}

    await until(are_in)
    assert named(community, "Tides and winds") == 1
    assert stored(community, "SELECT * FROM belisha_making") == []


async def test_a_closed_group_is_kept_to_organisations(community: Community) -> None:
    words = '--organisations harbour closed "Berths" --purpose documents'
    arguments = {"kind": "closed", "topic": "Berths", "organisations": ["harbour"], "purpose": "documents"}
    status, answer = await makes(community, "ana", words, **arguments)
    assert status == 200, answer
    now = await policy(community, answer["room_id"])
    assert (now["kind"], now["organisations"], now["purpose"]) == ("closed", ["harbour"], "documents")
    assert now["ceiling"] == "TLP:AMBER+STRICT"


@pytest.mark.parametrize(
    ("words", "arguments", "code"),
    [
        ('closed "Joint" --organisations harbour,police', {"organisations": ["harbour", "police"]}, "UNKNOWN_ORG"),
        ('closed "Joint" --organisations coastguard', {"organisations": ["coastguard"]}, "ORGANISATIONS"),
        ('open "Joint" --organisations harbour', {"kind": "open", "organisations": ["harbour"]}, "ORGANISATIONS"),
        ('closed "TLP:AMBER Joint"', {"topic": "TLP:AMBER Joint"}, "NOT_PUBLIC"),
        ('closed "TLP:PURPLE Joint"', {"topic": "TLP:PURPLE Joint"}, "UNKNOWN_LABEL"),
    ],
)
async def test_what_a_client_could_not_make_is_not_made(
    community: Community, words: str, arguments: Json, code: str
) -> None:
    rooms = stored(community, "SELECT count(*) FROM rooms")
    status, answer = await makes(community, "ana", words, **{"kind": "closed", "topic": "Joint", **arguments})
    assert status == 403 and answer["errcode"].startswith(f"ORG.BELISHA.{code}"), answer
    assert stored(community, "SELECT count(*) FROM rooms") == rooms
    assert stored(community, "SELECT * FROM belisha_making") == []


async def test_one_command_handed_over_twice_at_once_makes_one_group(community: Community) -> None:
    room = await own_room(community, "dina")
    event = await typed(community, "dina", room, "!group create closed Harbour walls")
    arguments = {"kind": "closed", "topic": "Harbour walls"}
    calls = (hand_over(community, room, event, "group_create", arguments) for _ in range(4))
    answers = await asyncio.gather(*calls)
    assert {status for status, _ in answers} <= {200, 429}
    final = await hand_over(community, room, event, "group_create", arguments)
    assert final[0] == 200 and all(answer == final for answer in answers if answer[0] == 200)
    assert named(community, "Harbour walls") == 1


async def test_nobody_makes_a_group_in_anothers_name(community: Community) -> None:
    room = await group(community, "closed", "ben")
    event = await typed(community, "ben", room, "!group create open Mine")
    answer = await hand_over(community, room, event, "group_create", {"kind": "open", "topic": "Yours"})
    assert_refused(*answer, "DIFFERS", rule="P3")
    forged = {"org.belisha.making": "0" * 32}
    status, made = await community.create("ben", {"preset": "public_chat", "creation_content": forged})
    assert status == 200, made
    state = await state_of(community, made["room_id"], "ben")
    assert "org.belisha.making" not in state["m.room.create", ""], "a client marks no room"


# --- The Space ---------------------------------------------------------------------------------------------------


async def test_a_group_made_in_a_client_gets_its_place(community: Community) -> None:
    for kind in ("open", "closed"):
        await is_listed(community, await group(community, kind))


async def test_what_nobody_may_ask_for_has_no_place(community: Community) -> None:
    room = await group(community, "closed")
    await is_listed(community, room)
    rule = path_of(room, "state/m.room.join_rules/")
    assert (await request(community["ana"], "PUT", rule, {"join_rule": "invite"}))[0] == 200
    await is_listed(community, room, wanted=False)
    assert (await request(community["ana"], "PUT", rule, {"join_rule": "knock"}))[0] == 200
    await is_listed(community, room)
    everything = await listed(community)
    _, stewards = await request(community["cora"], "GET", f"{V3}/directory/room/{quote('#stewards:belisha.localhost')}")
    assert not everything & {community.rooms["named"], community.rooms["service"], stewards["room_id"]}
