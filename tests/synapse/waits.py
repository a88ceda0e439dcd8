"""What tests of who waits to be let in do as members, and as the bots."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.support.community import Community, unique
from tests.support.server import request
from tests.synapse.test_acts import asks, stored
from tests.synapse.test_groups import own_room
from tests.synapse.test_room_freezing import V3

Json = dict[str, Any]
TURN = "/_synapse/client/org.belisha/v1/waiting"


async def turn(community: Community) -> Json:
    status, body = await request(community["steward"], "POST", TURN, {})
    assert status == 200, body
    return body


async def waits_for(community: Community, room: str) -> list[Json]:
    return [one for one in (await turn(community))["waiting"] if one.get("room_id") == room]


async def how_it_ended(community: Community, row_id: str) -> Json:
    (found,) = [one for one in (await turn(community))["ended"] if one["id"] == row_id]
    return dict(found)


async def knock(community: Community, by: str, room: str) -> tuple[int, Json]:
    return await request(community[by], "POST", f"{V3}/knock/{quote(room)}", {})


async def knocks(community: Community, by: str, room: str) -> Json:
    assert (await knock(community, by, room))[0] == 200
    (one,) = [one for one in await waits_for(community, room) if one["member"] == f"@{by}"]
    return dict(one)


def membership(community: Community, name: str, room: str) -> str:
    found = stored(
        community,
        "SELECT membership FROM local_current_membership WHERE room_id = ? AND user_id = ?",
        room,
        community.id(name),
    )
    return str(found[0][0]) if found else ""


async def decides(
    community: Community, by: str, act: str, words: str, room: str | None = None, **arguments: Any
) -> tuple[int, Json]:
    place = room or await own_room(community, by)
    return await asks(community, by, place, f"!{act} {words}".strip(), act.replace("-", "_"), arguments)


async def queue(community: Community, by: str) -> list[str]:
    status, answer = await asks(community, by, await own_room(community, by), "!queue", "queue", {})
    assert status == 200, answer
    return [one["member"] for one in answer["waiting"]]


async def lone(community: Community) -> tuple[str, str]:
    """An account without an organisation, and its room with the bot."""
    name, server = unique("lone"), community.server
    user_id = f"@{name}:{server.name}"
    server.change(
        "INSERT INTO users (name, password_hash, creation_ts, admin, is_guest, deactivated, approved)"
        " SELECT ?, password_hash, creation_ts, 0, 0, 0, (1 = 1) FROM users WHERE name = ?",
        user_id,
        community.id("ana"),
    )
    server.change("INSERT INTO profiles (user_id, full_user_id, displayname) VALUES (?, ?, ?)", name, user_id, name)
    community.people[name] = await server.sign_in(name)
    (room,) = (await request(community[name], "GET", f"{V3}/joined_rooms"))[1]["joined_rooms"]
    return name, room


async def asks_in(
    community: Community, name: str, room: str, organisation: str = "harbour", words: str = "Anna of the night watch"
) -> tuple[int, Json]:
    arguments = {"organisation": organisation, "text": words}
    return await asks(community, name, room, f"!ask-in {organisation} {words}", "ask_in", arguments)


async def sign_up(community: Community, organisation: str = "harbour") -> tuple[str, Json]:
    name, room = await lone(community)
    assert (await asks_in(community, name, room, organisation))[0] == 200
    (one,) = [one for one in (await turn(community))["waiting"] if one["member"] == f"@{name}"]
    return name, dict(one)


def organisation_of(community: Community, name: str) -> list[Any]:
    return stored(community, "SELECT organisation_id, roles FROM belisha_member WHERE localpart = ?", name)
