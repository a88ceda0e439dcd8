"""What a right gives, read from Synapse's own tables and tried as its members: tests take rights away, and look."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
import nio

from tests.support.community import Community, unique
from tests.support.server import PASSWORD, Server, request
from tests.synapse.samples import text

Json = dict[str, Any]
CLIENT = "/_matrix/client/v3"


def rows(server: Server, statement: str, *values: str) -> list[Any]:
    return [tuple(row.values()) for row in server.query(statement, *values)]


def rooms_of(server: Server, name: str) -> set[str]:
    """The rooms that an account is in or invited to by either of two of Synapse's tables."""
    user_id = f"@{name}:{server.name}"
    states = rows(
        server,
        "SELECT room_id FROM current_state_events JOIN room_memberships USING (event_id, room_id)"
        " WHERE type = 'm.room.member' AND state_key = ?"
        " AND room_memberships.membership IN ('join', 'invite', 'knock')",
        user_id,
    )
    local = rows(
        server,
        "SELECT room_id FROM local_current_membership WHERE user_id = ? AND membership IN ('join', 'invite', 'knock')",
        user_id,
    )
    return {row[0] for row in (*states, *local)}


async def standing(community: Community, kind: str, name: str, value: str) -> None:
    status, body = await community.server.local("PUT", f"standing/{kind}/{name}", {"standing": value})
    assert status == 200, body


async def put(community: Community, name: str, organisation: str, *roles: str) -> None:
    body = {"name": name.title(), "organisation": organisation, "roles": list(roles or ("member",))}
    status, answer = await community.server.local("PUT", f"members/{name}", body)
    assert status == 200, answer


async def room(community: Community, body: Json, by: str, *others: str) -> str:
    status, answer = await community.create(by, {**body, "invite": [community.id(name) for name in others]})
    assert status == 200, answer
    for name in others:
        assert isinstance(await community[name].join(answer["room_id"]), nio.JoinResponse)
    return str(answer["room_id"])


async def newcomer(community: Community, organisation: str = "harbour", *roles: str) -> str:
    name = unique("nora")
    community.people[name] = await community.server.member(name, organisation, *roles)
    return name


async def everything(community: Community, name: str) -> dict[str, tuple[int, Json]]:
    """What a member does in a day, each with its answer; a member who may, gets 200 for all of it."""
    client, open_room = community[name], quote(community.rooms["open"])
    member, mxc = community.id(name), f"{community.server.name}/{unique('none')}"
    tries = {
        "join": ("POST", f"{CLIENT}/join/{open_room}", {}),
        "send": ("PUT", f"{CLIENT}/rooms/{open_room}/send/m.room.message/{unique('t')}", text("Hello")),
        "create": ("POST", f"{CLIENT}/createRoom", {"preset": "private_chat", "name": unique("Pier ")}),
        "sync": ("GET", f"{CLIENT}/sync?timeout=0", None),
        "sliding": ("POST", "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0", {"lists": {}}),
        "messages": ("GET", f"{CLIENT}/rooms/{open_room}/messages?dir=b", None),
        "upload": ("POST", "/_matrix/media/v3/upload", b"bytes"),
        "config": ("GET", "/_matrix/client/v1/media/config", None),
        "profile": ("GET", f"{CLIENT}/profile/{quote(community.id('mona'))}", None),
        "directory": ("POST", f"{CLIENT}/user_directory/search", {"search_term": "mona"}),
        "rooms": ("GET", f"{CLIENT}/publicRooms", None),
        "own": ("GET", f"{CLIENT}/profile/{quote(member)}", None),
    }
    answers = {key: await request(client, method, path, body) for key, (method, path, body) in tries.items()}
    path = f"/_matrix/client/v1/media/download/{mxc}"
    answers["download"] = await request(client, "GET", path)
    return answers


async def login(server: Server, name: str, password: str = PASSWORD) -> tuple[int, Json]:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": name},
        "password": password,
    }
    async with aiohttp.ClientSession() as session, session.post(server.url + CLIENT + "/login", json=body) as answer:
        return answer.status, await answer.json()


def rows_of_tokens(server: Server, name: str) -> int:
    user_id = f"@{name}:{server.name}"
    found = rows(
        server,
        "SELECT token FROM access_tokens WHERE user_id = ? UNION ALL"
        " SELECT device_id FROM devices WHERE NOT hidden AND user_id = ?",
        user_id,
        user_id,
    )
    return len(found)
