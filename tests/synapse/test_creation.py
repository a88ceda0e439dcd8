"""Rooms that ordinary clients make come out as the rules say, or are refused before anything of them exists (R1-R4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.support.community import Community, assert_refused, assert_sentence, unique, wish
from tests.support.patience import until
from tests.support.server import request

Json = dict[str, Any]


async def state_of(community: Community, by: str, room_id: str) -> dict[tuple[str, str], Json]:
    status, events = await request(community[by], "GET", f"/_matrix/client/v3/rooms/{quote(room_id)}/state")
    assert status == 200, events
    return {(event["type"], event["state_key"]): event for event in events}  # type: ignore[index]


async def made(community: Community, by: str, body: Json) -> dict[tuple[str, str], Json]:
    """The state of a room that must come to be."""
    status, answer = await community.create(by, body)
    assert status == 200, answer
    return await state_of(community, by, answer["room_id"])


async def rooms_of(community: Community, who: str) -> set[str]:
    _, answer = await request(community[who], "GET", "/_matrix/client/v3/joined_rooms")
    return set(answer["joined_rooms"])


ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


@pytest.mark.parametrize(
    ("body", "kind", "join_rule", "history", "ceiling"),
    [
        ({"preset": "public_chat"}, "open", "public", "shared", "TLP:GREEN"),
        ({"visibility": "public"}, "open", "public", "shared", "TLP:GREEN"),
        ({"preset": "private_chat"}, "closed", "knock", "shared", "TLP:AMBER"),
        ({}, "closed", "knock", "shared", "TLP:AMBER"),
        ({"preset": "trusted_private_chat"}, "named", "invite", "joined", "TLP:RED"),
        ({"is_direct": True, "preset": "private_chat"}, "named", "invite", "joined", "TLP:RED"),
        ({"creation_content": {"type": "m.space"}}, "space", "invite", "shared", "TLP:GREEN"),
        ({"preset": "public_chat", "initial_state": [wish("closed")]}, "closed", "knock", "shared", "TLP:AMBER"),
        ({"preset": "private_chat", "initial_state": [wish("open")]}, "open", "public", "shared", "TLP:GREEN"),
        ({"initial_state": [wish("named")]}, "named", "invite", "joined", "TLP:RED"),
        (
            {"initial_state": [wish("closed", "harbour")], "room_version": "11"},
            "closed",
            "knock",
            "shared",
            "TLP:AMBER+STRICT",
        ),
        ({"preset": "public_chat", "initial_state": [ENCRYPTION]}, "open", "public", "shared", "TLP:GREEN"),
        ({"is_direct": True, "initial_state": [ENCRYPTION]}, "named", "invite", "joined", "TLP:RED"),
    ],
)  # fmt: skip
async def test_presets_and_wishes_become_kinds(
    community: Community, body: Json, kind: str, join_rule: str, history: str, ceiling: str
) -> None:
    state = await made(community, "ana", body)
    policy = state["org.belisha.room", ""]["content"]
    assert (policy["kind"], policy["ceiling"]) == (kind, ceiling)
    assert state["m.room.create", ""]["content"]["room_version"] == "11"
    assert state["m.room.join_rules", ""]["content"]["join_rule"] == join_rule
    assert state["m.room.history_visibility", ""]["content"]["history_visibility"] == history
    assert state["m.room.guest_access", ""]["content"]["guest_access"] == "forbidden"
    assert ("m.room.encryption", "") not in state
    users = state["m.room.power_levels", ""]["content"]["users"]
    steward, maker = community.id("steward"), community.id("ana")
    if kind == "named":
        assert users == {maker: 100} and ("m.room.member", steward) not in state
        assert state["org.belisha.named", ""]["content"] == {"members": ["ana"]}
    else:
        assert users == {maker: 95, steward: 100} and ("m.room.member", steward) in state


async def test_forged_policy_in_the_wish_is_ignored(community: Community) -> None:
    forged = wish("open", default="TLP:CLEAR", ceiling="TLP:RED", extra="x")
    policy = (await made(community, "ana", {"initial_state": [forged]}))["org.belisha.room", ""]["content"]
    assert policy == {
        "kind": "open",
        "default": "TLP:GREEN",
        "ceiling": "TLP:GREEN",
        "organisations": [],
        "purpose": "discussion",
    }


async def test_forged_list_of_named_people_is_refused_or_ignored(community: Community) -> None:
    forged = {"type": "org.belisha.named", "state_key": "", "content": {"members": ["ana", "emil"]}}
    status, answer = await community.create("ana", {"is_direct": True, "initial_state": [forged]})
    if status == 200:
        state = await state_of(community, "ana", answer["room_id"])
        assert state["org.belisha.named", ""]["content"] == {"members": ["ana"]}
    else:
        assert_refused(status, answer, "INITIAL_STATE", rule="R1")


async def test_named_room_lists_creator_and_invitees(community: Community) -> None:
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("emil"), community.id("dina")]}
    state = await made(community, "ana", body)
    assert state["org.belisha.named", ""]["content"] == {"members": ["ana", "emil", "dina"]}
    assert state["m.room.power_levels", ""]["content"]["users"] == {community.id("ana"): 100}


async def test_direct_chat_with_the_bot_is_a_service_room(community: Community) -> None:
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("steward")]}
    policy = (await made(community, "ana", body))["org.belisha.room", ""]["content"]
    assert (policy["kind"], policy["ceiling"]) == ("service", "TLP:AMBER+STRICT")


@pytest.mark.parametrize(
    ("by", "organisations", "allowed"),
    [
        ("ana", ("harbour",), True),
        ("ana", ("harbour", "coastguard"), False),
        ("ana", ("coastguard",), False),
        ("ben", ("harbour", "university"), False),
        ("cora", ("harbour", "university"), True),
        ("mona", ("harbour", "university", "chandlers"), True),
        ("emil", ("university",), True),
    ],
)
async def test_only_stewards_and_managers_list_other_organisations(
    community: Community, by: str, organisations: tuple[str, ...], allowed: bool
) -> None:
    own_needed = {"cora": "coastguard", "mona": "harbour"}.get(by)
    listed = organisations if own_needed in (None, *organisations) else (*organisations, own_needed)
    status, body = await community.create(by, {"initial_state": [wish("closed", *listed)]})
    if allowed:
        assert status == 200, body
        state = await state_of(community, by, body["room_id"])
        assert state["org.belisha.room", ""]["content"]["organisations"] == list(listed)
    else:
        assert_refused(status, body, "ORGANISATIONS", rule="R1")


STEWARD = "@belisha_steward:belisha.localhost"
REFUSED: list[tuple[str, Json, str]] = [
    ("room version 12", {"room_version": "12"}, "ROOM_VERSION"),
    ("room version 10", {"room_version": "10"}, "ROOM_VERSION"),
    ("predecessor", {"creation_content": {"predecessor": {"room_id": "!x:y", "event_id": "$x"}}}, "NO_UPGRADE"),
    ("additional creators", {"creation_content": {"additional_creators": ["@ben:belisha.localhost"]}}, "NO_UPGRADE"),
    ("room type", {"creation_content": {"type": "com.example.video"}}, "ROOM_TYPE"),
    ("mail invitation", {"invite_3pid": [{"medium": "email", "address": "a@b.example"}]}, "NO_MAIL_INVITES"),
    ("unknown state", {"initial_state": [{"type": "com.example.x", "content": {}}]}, "INITIAL_STATE"),
    (
        "membership",
        {"initial_state": [{"type": "m.room.member", "state_key": "@ben:x", "content": {}}]},
        "INITIAL_STATE",
    ),
    ("power", {"initial_state": [{"type": "m.room.power_levels", "content": {"users": {}}}]}, "INITIAL_STATE"),
    ("tombstone", {"initial_state": [{"type": "m.room.tombstone", "content": {}}]}, "INITIAL_STATE"),
    ("widget", {"initial_state": [{"type": "im.vector.modular.widgets", "content": {"url": "x"}}]}, "INITIAL_STATE"),
    (
        "world readable",
        {"initial_state": [{"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}]},
        "HISTORY",
    ),
    (
        "world readable named room",
        {
            "is_direct": True,
            "initial_state": [{"type": "m.room.history_visibility", "content": {"history_visibility": "shared"}}],
        },
        "HISTORY",
    ),
    (
        "restricted join rule",
        {"initial_state": [{"type": "m.room.join_rules", "content": {"join_rule": "restricted", "allow": []}}]},
        "JOIN_RULE",
    ),
    ("name with a label", {"preset": "public_chat", "name": "TLP:RED pumps"}, "NOT_PUBLIC"),
    ("topic with a label", {"topic": "TLP:AMBER pumps"}, "NOT_PUBLIC"),
    ("name of a named room", {"is_direct": True, "name": "About the pump"}, "NEUTRAL_NAME"),
    ("topic of a named room", {"preset": "trusted_private_chat", "topic": "The pump"}, "NEUTRAL_NAME"),
    (
        "name of a named room in its state",
        {"is_direct": True, "initial_state": [{"type": "m.room.name", "content": {"name": "The pump"}}]},
        "NEUTRAL_NAME",
    ),
    ("alias of a named room", {"is_direct": True, "room_alias_name": "the-pump"}, "NEUTRAL_NAME"),
    (
        "bot in a named room",
        {"initial_state": [wish("named")], "invite": ["@belisha_steward:belisha.localhost"]},
        "NO_BOTS_HERE",
    ),
    (
        "bot among people",
        {"is_direct": True, "invite": [STEWARD, "@ben:belisha.localhost"]},
        "NO_BOTS_HERE",
    ),
    ("unknown organisation", {"initial_state": [wish("closed", "pirates")]}, "UNKNOWN_ORGANISATION"),
    ("organisations of an open group", {"initial_state": [wish("open", "harbour")]}, "ORGANISATIONS"),
    (
        "invitee of another organisation",
        {"initial_state": [wish("closed", "harbour")], "invite": ["@emil:belisha.localhost"]},
        "OTHER_ORGANISATION",
    ),
    ("invitee without organisation", {"invite": ["@nobody:belisha.localhost"]}, "NOT_A_MEMBER"),
    ("invitee of another server", {"invite": ["@ben:elsewhere.example"]}, "NOT_A_MEMBER"),
]


@pytest.mark.parametrize(("body", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_what_is_refused_leaves_no_room_behind(community: Community, body: Json, code: str) -> None:
    before = await rooms_of(community, "ana")
    status, answer = await community.create("ana", body)
    assert_refused(status, answer, code)
    assert await rooms_of(community, "ana") == before


@pytest.mark.parametrize(
    "body",
    [
        {"initial_state": "x"},
        {"initial_state": [7]},
        {"initial_state": [{"type": "org.belisha.room", "content": "x"}]},
        {"initial_state": [wish("castle")]},
        {"initial_state": [wish("service")]},
        {"initial_state": [{"type": "org.belisha.room", "content": {"kind": 7}}]},
        {"initial_state": [{"type": "org.belisha.room", "content": {"organisations": "harbour"}}]},
        {"initial_state": [{"type": "org.belisha.room", "content": {"organisations": [7]}}]},
        {"initial_state": [wish("closed", purpose="piracy")]},
        {"initial_state": [wish("closed", purpose=[])]},
        {"creation_content": "x"},
        {"creation_content": {"type": ["m.space"]}},
        {"invite": "x"},
        {"invite": [7]},
        {"invite": ["ben"]},
        {"invite_3pid": "x"},
        {"preset": "castle"},
        {"preset": 7},
        {"room_version": 11},
        {"room_version": None},
        {"name": 7},
        {"topic": {}},
        {"room_alias_name": 7},
        {"is_direct": "x"},
        {"visibility": 7},
        {"power_level_content_override": "x"},
        {"initial_state": [{"type": "m.room.name", "content": {"name": 7}}]},
        {"initial_state": [{"type": "m.room.name", "state_key": "@ben:belisha.localhost", "content": {"name": "x"}}]},
        {"initial_state": [{"type": "m.room.join_rules", "content": {"join_rule": ["public"]}}]},
        {"initial_state": [{"type": "m.room.history_visibility", "content": {"history_visibility": {}}}]},
    ],
    ids=str,
)
async def test_malformed_requests_get_an_answer_and_never_a_500(community: Community, body: Json) -> None:
    status, answer = await community.create("ana", body)
    if status == 200:
        policy = (await state_of(community, "ana", answer["room_id"]))["org.belisha.room", ""]["content"]
        assert policy["kind"] in ("open", "closed", "named")
    else:
        assert status in (400, 403), answer
        assert answer["errcode"]
        if answer["errcode"].startswith("ORG.BELISHA."):
            assert_sentence(answer["error"])


async def test_power_levels_of_the_request_are_not_taken_over(community: Community) -> None:
    override = {"users": {community.id("ana"): 100, community.id("ben"): 100}, "users_default": 100, "events": {}}
    state = await made(community, "ana", {"power_level_content_override": override})
    levels = state["m.room.power_levels", ""]["content"]
    assert levels["users"] == {community.id("ana"): 95, community.id("steward"): 100}
    assert levels["users_default"] == 0


async def test_named_rooms_stay_out_of_the_directory(community: Community) -> None:
    body = {"visibility": "public", "preset": "trusted_private_chat"}
    status, answer = await community.create("ana", body)
    assert status == 200, answer
    room = answer["room_id"]
    path = f"/_matrix/client/v3/directory/list/room/{quote(room)}"
    assert (await request(community["ana"], "GET", path))[1]["visibility"] == "private"
    status, answer = await request(community["ana"], "PUT", path, {"visibility": "public"})
    assert status == 403, answer


async def test_open_group_stands_in_the_directory_that_members_see(community: Community) -> None:
    name = unique("Lifeboat ")
    status, answer = await community.create("ana", {"preset": "public_chat", "visibility": "public", "name": name})
    assert status == 200, answer

    async def is_listed() -> bool:  # Synapse gathers what it lists a moment later
        _, rooms = await request(community["emil"], "GET", "/_matrix/client/v3/publicRooms")
        return name in [room.get("name") for room in rooms["chunk"]]

    await until(is_listed)


@pytest.mark.parametrize("token", ["", "nonsense"])
async def test_rooms_are_told_of_with_a_token_only(community: Community, token: str) -> None:
    for path in (
        f"/_matrix/client/v1/room_summary/{quote(community.rooms['open'])}",
        f"/_matrix/client/v3/directory/room/{quote('#announcements:belisha.localhost')}",
        f"/_matrix/client/v3/directory/room/{quote('#nothing:belisha.localhost')}",
    ):
        status, body = await request(community["emil"], "GET", path)
        assert status == (404 if "nothing" in path else 200), body
        async with (
            aiohttp.ClientSession() as session,
            session.get(community.server.url + path, headers={"Authorization": f"Bearer {token}"}) as answer,
        ):
            assert answer.status == 401, await answer.text()
