"""Spaces and restricted joins as an attacker would use them: what may be listed, and what listing tells."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.community import Community, assert_refused, unique
from tests.support.server import request
from tests.support.upgrade import path_of, state_of, upgrade

pytestmark = pytest.mark.more

Json = dict[str, Any]


async def _made(here: Community, by: str, **body: Any) -> str:
    status, answer = await here.create(by, body)
    assert status == 200, answer
    return str(answer["room_id"])


async def _space(here: Community, by: str) -> str:
    return await _made(here, by, preset="public_chat", name="Mine", creation_content={"type": "m.space"})


async def _link(here: Community, by: str, room: str, what: str, other: str, **content: Any) -> tuple[int, Json]:
    body = content or {"via": [here.server.name]}
    return await request(here[by], "PUT", path_of(room, f"state/m.space.{what}/{quote(other)}"), body)


async def _listed(here: Community, by: str, space: str) -> set[str]:
    status, body = await request(here[by], "GET", f"/_matrix/client/v1/rooms/{quote(space)}/hierarchy")
    assert status == 200, body
    return {room["room_id"] for room in body["rooms"]}


async def test_a_space_lists_groups_that_its_makers_are_in(community: Community) -> None:
    space, own = await _space(community, "ana"), await _made(community, "ana", preset="public_chat", name="Own")
    assert (await _link(community, "ana", space, "child", own, via=[community.server.name], order="a"))[0] == 200
    assert own in await _listed(community, "emil", space)
    foreign = await _made(community, "finn", preset="private_chat", name="Finn's")
    for other in (foreign, community.rooms["named"], community.rooms["service"], "!nowhere12345:belisha.localhost"):
        assert_refused(*await _link(community, "ana", space, "child", other), "NOT_LISTED", "R3")
    assert_refused(*await _link(community, "ana", community.rooms["closed"], "child", own), "NO_SPACE", "R1")
    assert_refused(*await _link(community, "ana", own, "parent", foreign), "NOT_LISTED", "R3")
    assert_refused(*await _link(community, "ana", own, "parent", community.rooms["closed"]), "NOT_LISTED", "R3")
    assert (await _link(community, "ana", own, "parent", space, via=[community.server.name], canonical=True))[0] == 200
    wished = {"type": "m.space.parent", "state_key": foreign, "content": {"via": [community.server.name]}}
    status, answer = await community.create("ana", {"preset": "private_chat", "initial_state": [wished]})
    assert_refused(status, answer, "NOT_LISTED", "R3")
    wished["state_key"] = space
    status, answer = await community.create("ana", {"preset": "private_chat", "initial_state": [wished]})
    assert status == 200, answer
    path = path_of(space, f"state/m.space.child/{quote(own)}")
    assert (await request(community["ana"], "PUT", path, {}))[0] == 200, "what is listed can be taken away"
    assert own not in await _listed(community, "emil", space)


@pytest.mark.parametrize(
    "content",
    [
        {"via": ["the-pump-is-off.example"]},
        {"via": ["belisha.localhost"], "order": "x" * 51},
        {"via": ["belisha.localhost"], "order": "é"},
        {"via": ["belisha.localhost"], "suggested": "the pump is off"},
        {"via": ["belisha.localhost"], "note": "the pump is off"},
        {"via": "the pump is off"},
    ],
    ids=["via", "long order", "order", "suggested", "another key", "no list"],
)
async def test_a_place_in_a_space_carries_no_text(community: Community, content: Json) -> None:
    space, own = await _space(community, "ana"), await _made(community, "ana", preset="public_chat")
    assert_refused(*await _link(community, "ana", space, "child", own, **content), "MALFORMED", "R3")
    assert_refused(*await _link(community, "ana", own, "parent", space, **content), "MALFORMED", "R3")
    marked = {"via": [community.server.name], "order": "TLP:RED"}
    assert (await _link(community, "ana", space, "child", own, **marked))[0] == 403


async def test_nobody_comes_in_by_being_in_another_room(community: Community) -> None:
    """A restricted join would let in whoever is in a room with other rules (rule M1)."""
    room, open_room = await _made(community, "ana", preset="private_chat"), community.rooms["open"]
    allow = [{"type": "m.room_membership", "room_id": open_room}]
    path = path_of(room, "state/m.room.join_rules")
    for rule in ("restricted", "knock_restricted", "invite", "knock"):
        status, answer = await request(community["ana"], "PUT", path, {"join_rule": rule, "allow": allow})
        assert_refused(status, answer, "JOIN_RULE", "R1")
        state = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": rule, "allow": allow}}
        status, answer = await community.create("ana", {"preset": "private_chat", "initial_state": [state]})
        assert_refused(status, answer, "JOIN_RULE", "R1")
    assert (await request(community["ana"], "PUT", path, {"join_rule": "invite"}))[0] == 200
    assert (await request(community["finn"], "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 403


async def test_an_upgraded_group_keeps_its_place_in_the_space(community: Community) -> None:
    space = await _space(community, "ana")
    group = await _made(community, "ana", preset="public_chat", name=unique("Group"))
    link = {"via": [community.server.name], "order": "b", "suggested": True}
    assert (await _link(community, "ana", space, "child", group, **link))[0] == 200
    assert (await _link(community, "ana", group, "parent", space))[0] == 200
    new = await upgrade(community, group)
    children = await state_of(community, space, "ana")
    assert (children["m.space.child", new], children["m.space.child", group]) == (link, {})
    assert ("m.space.parent", space) in await state_of(community, new, "ana")
    newer_space = await upgrade(community, space)
    assert (await state_of(community, newer_space, "ana"))["m.space.child", new] == link
    assert (await state_of(community, new, "ana"))["m.space.parent", newer_space] == {"via": [community.server.name]}
