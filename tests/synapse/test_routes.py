"""The leak battery, by route: every REST servlet of the installed Synapse, asked by everybody who may not know.

A word is written in rooms of every closed kind. No answer to an outsider, former member, invitee or knocker
holds it, and the same requests by a member do show it. Nobody without a token is told anything, and nobody is let into
the admin API.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.support.community import Community, wish
from tests.support.routes import Route, admin_routes, client_routes, without_a_route
from tests.support.server import request
from tests.synapse.samples import text

Json = dict[str, Any]

#: Stands beside the secret, to be searched for: an answer repeats what was searched for.
SEARCHED: Final = "wombatword"

#: Answers to somebody without a token that are meant for everybody: they speak of the server, and of no room or member.
PUBLIC: Final = frozenset(
    {
        ("VersionsRestServlet", "GET"),
        ("LoginRestServlet", "GET"),
        ("PasswordPolicyServlet", "GET"),
        ("AuthRestServlet", "GET"),  # an HTML page of the old sign-in, without a session nothing in it
    }
)

#: What a request needs to be one, by the end of its path; {room_id} and {event_id} are those of the secret.
QUERIES: Final = {
    "/messages": "?dir=b&limit=100",
    "/sync": "?timeout=0&full_state=true&filter=" + quote('{"room":{"include_leave":true,"timeline":{"limit":100}}}'),
    "/events": "?timeout=0&room_id={room_id}",
    "/initialSync": "?limit=100",
    "/context/{event_id}": "?limit=100",
    "/timestamp_to_event": "?ts=0&dir=f",
    "/publicRooms": "?limit=100",
    "/notifications": "?limit=100",
    "/mutual_rooms": "?user_id=@ana:belisha.localhost",
}
#: Requests that read although they are POST.
READING: Final[dict[str, Json]] = {
    "SearchRestServlet": {"search_categories": {"room_events": {"search_term": SEARCHED}}},
    "SlidingSyncRestServlet": {
        "lists": {"all": {"ranges": [[0, 99]], "timeline_limit": 50, "required_state": [["*", "*"]]}},
        "room_subscriptions": {"{room_id}": {"timeline_limit": 50, "required_state": [["*", "*"]]}},
    },
    "PublicRoomListRestServlet": {"limit": 100},
    "UserDirectorySearchRestServlet": {"search_term": SEARCHED},
    "KeyQueryServlet": {"device_keys": {"@ana:belisha.localhost": []}},
}
#: Where members of the room do see the word: a battery that sees it nowhere proves nothing.
SHOWN: Final = frozenset(
    {
        "RoomMessageListRestServlet",
        "RoomEventServlet",
        "RoomEventContextServlet",
        "RoomInitialSyncRestServlet",
        "SyncRestServlet",
        "SlidingSyncRestServlet",
        "SearchRestServlet",
    }
)


def secret_of(kind: str) -> str:
    """The word that only the members of that room may read."""
    return f"quokka{kind}word"


@dataclass
class Battery:
    """Rooms with the secret in them, and who stands how to each."""

    community: Community
    session: aiohttp.ClientSession
    rooms: dict[str, str] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    #: kind of room -> standing -> name of a member
    standing: dict[str, dict[str, str]] = field(default_factory=dict)

    async def ask(self, route: Route, kind: str, token: str | None, *, body: Json | None = None) -> tuple[int, str]:
        """Makes the request of a route about the room of a kind; status and text."""
        values = {"room_id": self.rooms[kind], "event_id": self.events[kind]}
        path = _filled(route.path + next((q for end, q in QUERIES.items() if route.path.endswith(end)), ""), values)
        if body is not None:
            body = json.loads(json.dumps(body).replace("{room_id}", values["room_id"]))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.community.server.url + path
        options: Json = {"headers": headers, "allow_redirects": False}
        if route.method != "GET":
            options["json"] = body or {}
        async with self.session.request(route.method, url, **options) as answer:
            return answer.status, await answer.text(errors="replace")


def _filled(path: str, values: dict[str, str]) -> str:
    others = {
        "room_identifier": values["room_id"],
        "room_alias": "#stewards:belisha.localhost",
        "parent_id": values["event_id"],
        "thread_root_id": values["event_id"],
        "user_id": "@ana:belisha.localhost",
        "target_user_id": "@ana:belisha.localhost",
        "field_name": "displayname",
        "path": "pushrules/",
        "server_name": "belisha.localhost",
        "relation_type": "m.replace",
        "event_type": "m.room.message",
        "txn_id": "t1",
    }
    for name, value in {**others, **values}.items():
        path = path.replace(f"{{{name}}}", quote(value, safe="/" if name == "path" else ""))
    return path.replace("{", "").replace("}", "")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def battery(community: Community) -> AsyncIterator[Battery]:
    """Three rooms made for this alone: each standing is taken up through ordinary requests."""
    async with aiohttp.ClientSession() as session:
        made = Battery(community, session)
        await _room(made, "closed", "ana", {"preset": "private_chat", "name": "Locks"}, former="ben", invitee="finn")
        strict = {"name": "Sluices", "initial_state": [wish("closed", "harbour", "coastguard")]}
        await _room(made, "strict", "cora", strict, former="ben", invitee="dina")
        await _room(made, "named", "ana", {"preset": "trusted_private_chat", "is_direct": True}, former="dina")
        path = f"/_matrix/client/v3/knock/{quote(made.rooms['closed'])}"
        assert (await request(community["mona"], "POST", path, {}))[0] == 200
        made.standing["closed"]["knocker"] = "mona"
        yield made


async def _room(made: Battery, kind: str, by: str, wanted: Json, *, former: str, invitee: str | None = None) -> None:
    here = made.community
    invited = [here.id(name) for name in (former, invitee) if name]
    status, body = await here.create(by, {**wanted, "invite": invited})
    assert status == 200, body
    room = made.rooms[kind] = body["room_id"]
    await here[former].join(room)
    sent = await here[by].room_send(
        room, "m.room.message", text(f"What nobody else may read, {SEARCHED}: {secret_of(kind)}")
    )
    made.events[kind] = sent.event_id
    await here[former].room_leave(room)
    made.standing[kind] = {"member": by, "former member": former, "outsider": "emil"}
    if invitee:
        made.standing[kind]["invitee"] = invitee


def test_every_servlet_has_a_route() -> None:
    assert without_a_route() == []
    assert len(client_routes()) > 150
    assert len(admin_routes()) > 80


@pytest.mark.parametrize("kind", ["closed", "strict", "named"])
async def test_no_route_shows_the_word_to_whom_it_is_not_for(battery: Battery, kind: str) -> None:
    leaks, shown = [], set()
    routes = [route for route in client_routes() if route.method == "GET" or route.servlet in READING]
    for standing, name in battery.standing[kind].items():
        token = battery.community[name].access_token
        for route in routes:
            if route.method not in ("GET", "POST"):
                continue
            status, answer = await battery.ask(route, kind, token, body=READING.get(route.servlet))
            assert status < 500 or status == 501, (route, status, answer)
            if secret_of(kind) not in answer:
                continue
            if standing == "member":
                shown.add(route.servlet)
            else:
                leaks.append(f"{standing}: {route.method} {route.path}")
    assert leaks == []
    assert shown >= SHOWN, "the same requests show it to a member"


async def test_nobody_without_a_token_is_told_anything(battery: Battery) -> None:
    told = []
    for route in client_routes():
        status, answer = await battery.ask(route, "closed", None, body={})
        assert status < 500 or status == 501, (route, status, answer)
        assert secret_of("closed") not in answer
        if status < 300 and (route.servlet, route.method) not in PUBLIC:
            told.append((route, status, answer[:200]))
    assert told == []


@pytest.mark.parametrize("who", ["nobody", "member", "forced administrator"])
async def test_the_admin_api_is_closed_to_all(battery: Battery, who: str) -> None:
    community = battery.community
    token = None if who == "nobody" else community["emil"].access_token
    database = community.server.data / "homeserver.db"
    with sqlite3.connect(database, timeout=30) as writer:
        writer.execute("UPDATE users SET admin = ? WHERE name = ?", (int("forced" in who), community.id("emil")))
    try:
        for route in admin_routes():
            status, answer = await battery.ask(route, "closed", token)
            assert (status, json.loads(answer)["errcode"]) == (403, "ORG.BELISHA.ADMIN_CLOSED"), route
    finally:
        with sqlite3.connect(database, timeout=30) as writer:
            writer.execute("UPDATE users SET admin = 0 WHERE name = ?", (community.id("emil"),))
