"""Who may open a direct chat (M1) is each member's choice: at creation, and at every later invitation."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import nio
import pytest

from synapse_modules.registry import REVISION_AGE
from tests.support.community import Community, assert_refused, unique
from tests.support.server import request
from tests.synapse.samples import text

Json = dict[str, Any]
CLIENT = "/_matrix/client/v3"
DIRECT: Json = {"preset": "trusted_private_chat", "is_direct": True}


async def newcomer(community: Community, choice: str, organisation: str = "harbour") -> str:
    name = unique("petra")
    community.people[name] = await community.server.member(name, organisation)
    status, body = await community.server.local("PUT", f"direct-chats/{name}", {"from": choice})
    assert status == 200, body
    await asyncio.sleep(REVISION_AGE + 0.1)
    return name


async def chat(community: Community, by: str, *others: str, **more: Any) -> tuple[int, Json]:
    """Asks for a room of named people."""
    return await community.create(by, {**DIRECT, "invite": [community.id(name) for name in others], **more})


async def group(community: Community, by: str, preset: str, *others: str) -> str:
    invited = [community.id(name) for name in others]
    status, body = await community.create(by, {"preset": preset, "name": unique("Mole "), "invite": invited})
    assert status == 200, body
    return str(body["room_id"])


async def test_by_default_every_member_may_write(community: Community) -> None:
    name = unique("petra")
    community.people[name] = await community.server.member(name, "harbour")
    status, body = await chat(community, "emil", name)
    assert status == 200, body


async def test_introductions_only_means_introductions_only(community: Community) -> None:
    name = await newcomer(community, "introductions")
    assert isinstance(
        await community[name].join(await group(community, "emil", "private_chat", name)), nio.JoinResponse
    )
    wish = {"type": "org.belisha.room", "state_key": "", "content": {"kind": "named"}}
    for tried in (
        await chat(community, "emil", name),
        await chat(community, "emil", "ana", name),
        await chat(community, "emil", name, preset="private_chat"),
        await community.create("emil", {"initial_state": [wish], "invite": [community.id(name)]}),
    ):
        assert_refused(*tried, "NOT_INTRODUCED", rule="M1")
        assert name not in tried[1]["error"].lower()
    status, body = await community.server.local("POST", "introductions", {"one": name, "other": "emil"})
    assert (status, body["created"]) == (200, True), body
    status, body = await chat(community, "emil", name)
    assert status == 200, body
    assert isinstance(await community[name].join(body["room_id"]), nio.JoinResponse)
    status, body = await chat(community, "finn", name)
    assert_refused(status, body, "NOT_INTRODUCED", rule="M1")
    status, body = await chat(community, name, "finn")
    assert status == 200, "whoever chose so may still write to others"


async def test_my_groups_means_a_group_both_are_in_now(community: Community) -> None:
    name = await newcomer(community, "my-groups", "university")
    assert_refused(*await chat(community, "finn", name), "NOT_INTRODUCED")  # both are in the rooms of the start
    room = await group(community, "finn", "private_chat", name)
    assert_refused(*await chat(community, "finn", name), "NOT_INTRODUCED")  # invited is not in it
    assert isinstance(await community[name].join(room), nio.JoinResponse)
    status, body = await chat(community, "finn", name)
    assert status == 200, body
    await community[name].room_leave(room)
    assert_refused(*await chat(community, "finn", name), "NOT_INTRODUCED")
    direct = body["room_id"]
    assert isinstance(await community[name].join(direct), nio.JoinResponse)
    assert_refused(*await chat(community, "finn", name), "NOT_INTRODUCED")  # a direct chat is no group


@pytest.mark.parametrize("way", ["invite", "state"])
async def test_a_later_invitation_is_held_to_the_choice_of_that_moment(community: Community, way: str) -> None:
    name = await newcomer(community, "anyone")
    status, body = await chat(community, "finn", name)
    assert status == 200, body
    room = quote(body["room_id"])
    assert isinstance(await community[name].join(body["room_id"]), nio.JoinResponse)
    sent = await community[name].room_send(body["room_id"], "m.room.message", text("Bye"))
    assert isinstance(sent, nio.RoomSendResponse), "a chat that is there goes on"
    await community[name].room_leave(body["room_id"])
    await community.server.local("PUT", f"direct-chats/{name}", {"from": "introductions"})
    await asyncio.sleep(REVISION_AGE + 0.1)
    user = community.id(name)
    if way == "invite":
        tried = await request(community["finn"], "POST", f"{CLIENT}/rooms/{room}/invite", {"user_id": user})
    else:
        path = f"{CLIENT}/rooms/{room}/state/m.room.member/{quote(user)}"
        tried = await request(community["finn"], "PUT", path, {"membership": "invite"})
    assert_refused(*tried, "NOT_INTRODUCED", rule="M1")
    await community.server.local("PUT", f"direct-chats/{name}", {"from": "anyone"})
    await asyncio.sleep(REVISION_AGE + 0.1)
    status, _ = await request(community["finn"], "POST", f"{CLIENT}/rooms/{room}/invite", {"user_id": user})
    assert status == 200


async def test_the_room_with_the_bot_and_groups_are_no_direct_chats(community: Community) -> None:
    name = await newcomer(community, "introductions")
    await group(community, "finn", "private_chat", name)
    status, body = await community.create(name, {**DIRECT, "invite": [community.id("steward")]})
    assert status == 200, body


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("direct-chats/ana", {"from": "strangers"}),
        ("direct-chats/nobody.there", {"from": "anyone"}),
        ("introductions", {"one": "ana", "other": "ana"}),
        ("introductions", {"one": "ana", "other": "nobody.there"}),
    ],
)
async def test_what_cannot_be_is_said(community: Community, path: str, body: Json) -> None:
    method = "POST" if path == "introductions" else "PUT"
    status, answer = await community.server.local(method, path, body)
    assert status == 400 and answer["error"].endswith("."), answer
