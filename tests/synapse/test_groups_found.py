"""Which groups a member is shown (P2): those to join or ask for, in their own room, and nothing of the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, wish
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import path_of
from tests.synapse.test_acts import done, newcomer
from tests.synapse.test_group_acts import says
from tests.synapse.test_groups import own_room
from tests.synapse.test_room_freezing import freeze, group, send

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: all its groups are listed."""
    here = await make_community(tmp_path_factory.mktemp("found") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def ask(community: Community, room: str, name: str, by: str = "steward") -> tuple[int, Json]:
    member = quote(community.id(name) if name in community.people else name)
    path = f"/_synapse/client/org.belisha/v1/groups?room_id={quote(room)}&member={member}"
    return await request(community[by], "GET", path)


async def found(community: Community, name: str) -> dict[str, Json]:
    status, body = await ask(community, await own_room(community, name), name)
    assert status == 200, body
    return {one["room_id"]: one for one in body["groups"]}


async def test_groups_are_shown_with_what_one_may_know(community: Community) -> None:
    lively, closed = await group(community, "open", "ben"), await group(community, "closed", "ben")
    _, topic = await request(community["ana"], "PUT", path_of(lively, "state/m.room.topic/"), {"topic": "Gauges"})
    for room in (lively, closed):
        for _ in range(2):
            assert (await send(community, room, "ben"))[0] == 200
    shown = await found(community, "emil")
    assert (shown[lively]["members"], shown[lively]["messages"], shown[lively]["kind"]) == (2, 2, "open")
    assert (shown[lively]["topic"], shown[lively]["membership"]) == ("Gauges", None)
    assert (shown[closed]["members"], shown[closed]["messages"]) == (2, None), "what is written there is not for them"
    assert not {lively, closed} & set(await found(community, "ana")), "who is in it needs no list"
    assert topic["event_id"]


async def test_what_one_may_not_find_is_not_shown(community: Community) -> None:
    _, kept = await community.create("ana", {"initial_state": [wish("closed", "harbour")]})
    hidden, invited, banned, frozen, archived = [await group(community, "closed") for _ in range(5)]
    rule = path_of(hidden, "state/m.room.join_rules/")
    assert (await request(community["ana"], "PUT", rule, {"join_rule": "invite"}))[0] == 200
    assert (await says(community, "ana", invited, "invite", "@emil", members=["@emil"]))[1]["invited"] == 1
    ban = await request(community["ana"], "POST", path_of(banned, "ban"), {"user_id": community.id("emil")})
    assert ban[0] == 200
    assert (await freeze(community, frozen))[0] == 200
    done(await says(community, "ana", archived, "archive"), "group_archive")
    shown = await found(community, "emil")
    assert shown[invited]["membership"] == "invite"
    assert not {kept["room_id"], hidden, banned, frozen, archived, *_everybodys(community)} & set(shown)
    assert kept["room_id"] in await found(community, "ben")


def _everybodys(community: Community) -> set[str]:
    rows = community.server.query("SELECT room_id FROM room_aliases WHERE room_alias LIKE '#announcements:%'")
    rows += community.server.query("SELECT room_id FROM room_aliases WHERE room_alias LIKE '#stewards:%'")
    return {str(row["room_id"]) for row in rows} | {community.rooms["named"], community.rooms["service"]}


async def test_nobody_but_a_bot_asks_and_only_in_the_members_own_room(community: Community) -> None:
    own = await own_room(community, "ana")
    assert_refused(*await ask(community, own, "ana", by="ana"), "NOT_A_BOT", rule="P3")
    for room, name in (
        (community.rooms["open"], "ana"),  # many read there what the bot answers
        (community.rooms["named"], "ana"),
        (own, "ben"),  # who is not in that room
        (await own_room(community, "ben"), "ana"),
        (own, "steward"),
        ("!nowhere:belisha.localhost", "ana"),
        ("", "ana"),
    ):
        status, answer = await ask(community, room, name)
        if (room, name) == (own, "steward"):
            assert (status, answer) == (200, {"groups": []}), "a bot is no member"
        else:
            assert (status, answer["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), (room, name)


async def test_who_may_not_act_is_shown_nothing(community: Community) -> None:
    name = await newcomer(community)
    assert await found(community, name)
    body = {"standing": "frozen"}
    assert (await community.server.local("PUT", f"standing/members/{name}", body))[0] == 200
    assert await found(community, name) == {}
