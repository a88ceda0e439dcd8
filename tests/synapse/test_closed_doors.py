"""Closed doors: the admin API, the local API without its secret, other members' rooms, everything without a token."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.support.community import Community, assert_refused
from tests.support.server import request

Json = dict[str, Any]


# --- What is closed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "v1/server_version"),
        ("GET", "v2/users"),
        ("GET", "v1/rooms"),
        ("POST", "v1/register"),
        ("GET", "v1/register"),
        ("POST", "v1/users/@ana:belisha.localhost/login"),
        ("GET", "anything/at/all"),
        ("GET", ""),
    ],
)
async def test_the_admin_api_is_closed(community: Community, method: str, path: str) -> None:
    for who in ("mona", "steward"):
        status, body = await request(
            community[who], method, f"/_synapse/admin/{path}", {} if method == "POST" else None
        )
        assert_refused(status, body, "ADMIN_CLOSED", rule="M2")


@pytest.mark.parametrize("given", [None, "Bearer wrong", "Bearer ", "Basic x", "Bearer"])
@pytest.mark.parametrize(("method", "path"), [("GET", "status"), ("GET", "members"), ("PUT", "members/eve")])
async def test_the_local_api_wants_its_secret(community: Community, given: str | None, method: str, path: str) -> None:
    headers = {"Authorization": given} if given is not None else {}
    url = f"{community.server.url}/_synapse/org.belisha/local/v1/{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers, json={}) as answer:
        body = await answer.json()
    assert (answer.status, body["errcode"]) == (403, "M_FORBIDDEN")
    member = {"Authorization": f"Bearer {community['mona'].access_token}"}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=member, json={}) as answer:
        assert answer.status == 403, "no member's token opens it"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "members/belisha_eve", {"name": "Eve", "organisation": "harbour", "password": "long enough for it"}),
        ("PUT", "members/Eve", {"name": "Eve", "organisation": "harbour", "password": "long enough for it"}),
        ("PUT", "members/eve", {"name": "Eve", "organisation": "nobody", "password": "long enough for it"}),
        ("PUT", "members/eve", {"name": "Eve", "organisation": "harbour"}),
        ("PUT", "members/eve", {"name": "", "organisation": "harbour", "password": "long enough for it"}),
        ("PUT", "members/eve", {"name": 7, "organisation": "harbour", "password": "long enough for it"}),
        ("PUT", "members/eve", {"name": "Eve", "organisation": "harbour", "roles": ["king"], "password": "x" * 20}),
        ("PUT", "organisations/x", {"name": "X", "category": "pirates"}),
        ("PUT", "organisations/x/y", {"name": "X", "category": "charity"}),
        ("PUT", "organisations/x", []),
    ],
)
async def test_the_local_api_refuses_in_a_sentence(community: Community, method: str, path: str, body: Any) -> None:
    status, answer = await community.server.local(method, path, body)
    assert status == 400 and answer["errcode"], answer
    assert answer["error"]
    _, members = await community.server.local("GET", "members")
    assert f"@eve:{community.server.name}" not in {each["user_id"] for each in members["members"]}


# --- The members' API -------------------------------------------------------------------------------------------

API = "/_synapse/client/org.belisha/v1"


async def test_audience_and_policy(community: Community) -> None:
    room = community.rooms["closed"]
    status, body = await request(community["dina"], "GET", f"{API}/policy/{quote(room)}")
    assert status == 200
    assert body == {
        "room_id": room,
        "kind": "closed",
        "default": "TLP:AMBER",
        "ceiling": "TLP:AMBER",
        "organisations": [],
        "purpose": "discussion",
    }
    status, body = await request(community["dina"], "GET", f"{API}/audience?room_id={quote(room)}")
    assert status == 200
    assert (body["total"], body["bots"], body["could_join"]) == (3, body["bots"], False)
    assert [(o["id"], o["category"], o["count"]) for o in body["organisations"]] == [
        ("harbour", "charity", 2),
        ("coastguard", "government", 1),
    ]
    status, body = await request(community["finn"], "GET", f"{API}/audience?room_id={quote(community.rooms['open'])}")
    _, registry = await community.server.local("GET", "members")
    everybody = sum(member["standing"] == "active" for member in registry["members"])
    assert (body["total"], body["could_join"]) == (everybody, True), "everybody could join"
    strict = community.rooms["strict"]
    status, body = await request(community["dina"], "GET", f"{API}/policy/{quote(strict)}")
    assert (body["ceiling"], body["organisations"]) == ("TLP:AMBER+STRICT", ["harbour", "coastguard"])


async def test_what_one_may_not_see_answers_like_what_is_not_there(community: Community) -> None:
    answers = set()
    for asked in (community.rooms["named"], community.rooms["strict"], "!nowhere:belisha.localhost", "nonsense", ""):
        for path in (f"policy/{quote(asked)}", f"audience?room_id={quote(asked)}"):
            status, body = await request(community["emil"], "GET", f"{API}/{path}")
            answers.add((status, tuple(sorted(body.items()))))
    assert len(answers) == 1, answers
    [(status, items)] = answers
    assert status == 404 and dict(items)["errcode"] == "ORG.BELISHA.NOT_FOUND"


@pytest.mark.parametrize("path", ["policy/{room}", "audience?room_id={room}"])
async def test_the_members_api_wants_a_token(community: Community, path: str) -> None:
    url = f"{community.server.url}{API}/{path.format(room=quote(community.rooms['open']))}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 401 and (await answer.json())["errcode"] == "M_MISSING_TOKEN"
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Authorization": "Bearer no"}) as answer:
        assert answer.status == 401


# --- Without an access token (R2) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/_matrix/client/v3/profile/@ana:belisha.localhost",
        "/_matrix/client/v3/profile/@ana:belisha.localhost/displayname",
        "/_matrix/client/v3/publicRooms",
        "/_matrix/client/v1/room_summary/{room}",
        "/_matrix/client/unstable/im.nheko.summary/summary/{room}",
        "/_matrix/client/unstable/im.nheko.summary/rooms/{room}/summary",
        "/_matrix/client/v3/directory/room/%23announcements%3Abelisha.localhost",
        "/_matrix/client/v3/rooms/{room}/messages",
        "/_matrix/client/v3/rooms/{room}/state",
        "/_matrix/client/v1/rooms/{room}/hierarchy",
        "/_matrix/client/v3/rooms/{room}/initialSync",
    ],
)
async def test_nothing_is_told_without_a_token(community: Community, path: str) -> None:
    url = community.server.url + path.format(room=quote(community.rooms["open"]))
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        body = await answer.text()
    assert answer.status in (401, 403, 404), (answer.status, body)
    assert "Buoys" not in body and "Ana" not in body


async def test_existence_of_an_account_is_not_told_without_a_token(community: Community) -> None:
    answers = []
    for name in ("ana", "nobody-of-that-name"):
        url = f"{community.server.url}/_matrix/client/v3/register/available?username={name}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            answers.append((answer.status, await answer.text()))
    assert answers[0] == answers[1]


async def test_nobody_comes_as_a_guest_or_registers_without_a_token(community: Community) -> None:
    answers = []
    for query, body in (("?kind=guest", {}), ("", {"username": "eve"}), ("", {"auth": {"type": "m.login.dummy"}})):
        url = f"{community.server.url}/_matrix/client/v3/register{query}"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            answers.append((answer.status, await answer.json()))
    guest, *others = answers
    assert guest[0] == 403
    for status, told in others:
        assert status == 401 and "access_token" not in told
        stages = [flow["stages"][0] for flow in told["flows"]]
        assert stages == ["m.login.registration_token"], "only with a token of an organisation"
