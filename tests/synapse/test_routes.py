"""Every REST servlet of the installed Synapse: what it answers without a token, and that its admin API is closed.

What members are told who stand outside a room is asked in `test_leaks.py`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio

from tests.leaks.reading import QUERIES, fill_path
from tests.support.community import Community
from tests.support.routes import Route, admin_routes, client_routes, without_a_route
from tests.synapse.samples import text

Json = dict[str, Any]

SECRET: Final = "quokkaword"

#: Answers to somebody without a token that are meant for everybody: they speak of the server, and of no room or member.
PUBLIC: Final = frozenset(
    {
        ("VersionsRestServlet", "GET"),
        ("LoginRestServlet", "GET"),
        ("PasswordPolicyServlet", "GET"),
        ("UsernameAvailabilityRestServlet", "GET"),  # says the same of every name; clients ask before they register
        ("AuthRestServlet", "GET"),  # an HTML page of the old sign-in, without a session nothing in it
    }
)


@dataclass
class Battery:
    """A closed group with the secret in it, and how it is asked about."""

    community: Community
    session: aiohttp.ClientSession
    event: str

    async def ask(self, route: Route, token: str | None) -> tuple[int, str]:
        """Makes the request of a route about the room; status and text."""
        room, ana = self.community.rooms["closed"], self.community.id("ana")
        values = {
            **dict.fromkeys(("room_id", "room_identifier"), room),
            **dict.fromkeys(("event_id", "parent_id", "thread_root_id"), self.event),
            **dict.fromkeys(("user_id", "target_user_id", "other"), ana),
            "room_alias": f"#stewards:{self.community.server.name}",
            "server_name": self.community.server.name,
            "field_name": "displayname",
            "path": "pushrules/",
            "relation_type": "m.replace",
            "event_type": "m.room.message",
        }
        query = next((query for end, query in QUERIES.items() if route.path.endswith(end)), "")
        options: Json = {"headers": {"Authorization": f"Bearer {token}"} if token else {}, "allow_redirects": False}
        if route.method != "GET":
            options["json"] = {}
        url = self.community.server.url + fill_path(route.path + query, values)
        async with self.session.request(route.method, url, **options) as answer:
            return answer.status, await answer.text(errors="replace")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def battery(community: Community) -> AsyncIterator[Battery]:
    event = await community.sent(text(f"What nobody else may read: {SECRET}"), "closed")
    async with aiohttp.ClientSession() as session:
        yield Battery(community, session, event)


def test_every_servlet_has_a_route() -> None:
    assert without_a_route() == []
    assert len(client_routes()) > 150
    assert len(admin_routes()) > 80


async def test_nobody_without_a_token_is_told_anything(battery: Battery) -> None:
    told = []
    for route in client_routes():
        status, answer = await battery.ask(route, None)
        assert status < 500 or status == 501, (route, status, answer)
        assert SECRET not in answer
        if status < 300 and (route.servlet, route.method) not in PUBLIC:
            told.append((route, status, answer[:200]))
    assert told == []


@pytest.mark.parametrize("who", ["nobody", "member", "forced administrator"])
async def test_the_admin_api_is_closed_to_all(battery: Battery, who: str) -> None:
    community = battery.community
    token = None if who == "nobody" else community["emil"].access_token
    make_admin = "UPDATE users SET admin = ? WHERE name = ?"
    community.server.change(make_admin, int("forced" in who), community.id("emil"))
    try:
        for route in admin_routes():
            status, answer = await battery.ask(route, token)
            assert (status, json.loads(answer)["errcode"]) == (403, "ORG.BELISHA.ADMIN_CLOSED"), route
    finally:
        community.server.change(make_admin, 0, community.id("emil"))
