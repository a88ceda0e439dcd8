"""What the module says of who may be found by whom (P2), and which profile fields it writes (M3), on a real Synapse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused
from tests.support.portal import ask_as_portal
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import path_of
from tests.synapse.rights import standing
from tests.synapse.test_acts import newcomer
from tests.synapse.test_groups import own_room
from tests.synapse.test_room_freezing import group

Json = dict[str, Any]
API = "/_synapse/client/org.belisha/v1"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: some of its members are frozen here."""
    here = await make_community(tmp_path_factory.mktemp("directory") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def ask(
    community: Community, name: str, about: str = "", room: str = "", by: str = "steward"
) -> tuple[int, Json]:
    room = quote(room or await own_room(community, name))
    member = quote(community.id(name))
    return await request(community[by], "GET", f"{API}/directory?room_id={room}&member={member}&about={quote(about)}")


async def who(community: Community, name: str, about: str = "") -> Json:
    status, body = await ask(community, name, about)
    assert status == 200, body
    return body


async def publish(community: Community, name: str, fields: Any, by: str = "steward") -> tuple[int, Json]:
    body = {"user_id": community.id(name), "fields": fields}
    return await request(community[by], "POST", f"{API}/profile", body)


async def shown(community: Community, name: str, by: str = "emil") -> Json:
    path = f"/_matrix/client/v3/profile/{quote(community.id(name))}"
    status, body = await request(community[by], "GET", path)
    assert status == 200, body
    return {key: value for key, value in body.items() if key.startswith("org.belisha.")}


async def test_who_shares_a_group_is_what_synapse_says_now(community: Community) -> None:
    before = await who(community, "emil")
    room = await group(community, "closed", "ben")
    ana, ben = community.id("ana"), community.id("ben")
    assert ben in (await who(community, "ana"))["shares"] and ana in (await who(community, "ben"))["shares"]
    assert (await who(community, "emil"))["shares"] == before["shares"], "announcements are no group that is shared"
    assert ana not in (await who(community, "ana"))["shares"], "nobody shares a group with themselves"
    newcomers = [await newcomer(community) for _ in range(2)]
    one, other = (community.id(name) for name in newcomers)
    assert not {one, other} & set((await who(community, newcomers[0]))["shares"])
    for name in newcomers:
        invited = await request(community["ana"], "POST", path_of(room, "invite"), {"user_id": community.id(name)})
        joined = await request(community[name], "POST", f"/_matrix/client/v3/join/{quote(room)}", {})
        assert (invited[0], joined[0]) == (200, 200)
    assert {ana, ben, other} == set((await who(community, newcomers[0]))["shares"])
    assert (await request(community[newcomers[1]], "POST", path_of(room, "leave"), {}))[0] == 200
    assert {ana, ben} == set((await who(community, newcomers[0]))["shares"]), "it ends with the membership"


async def test_both_ways_are_told_the_same_and_only_in_ones_own_room(community: Community) -> None:
    told = await who(community, "ana", "@ben")
    assert told["asker"]["user_id"] == community.id("ana") and told["asker"]["category"]
    assert told["about"][0]["name"] and told["about"][0]["user_id"] == community.id("ben")
    status, by_portal = await ask_as_portal(
        community, {"user_id": community.id("ana"), "about": ["@ben"]}, name="directory"
    )
    assert (status, by_portal) == (200, told)
    assert (await ask_as_portal(community, {"user_id": community.id("ana")}, "wrong", name="directory"))[0] == 403
    for room in (community.rooms["open"], await own_room(community, "ben")):
        assert (await ask(community, "ana", room=room))[0] == 404
    assert_refused(*await ask(community, "ana", by="ben"), "NOT_A_BOT", "P3")
    for about in ("@nobody", "@ben:elsewhere.example", "ben\0"):
        assert (await who(community, "ana", about))["about"] == [None], about
    for bad in ("ben", ["@ben"] * 201, [1]):
        status, body = await ask_as_portal(community, {"user_id": community.id("ana"), "about": bad}, name="directory")
        assert (status, body["errcode"]) == (400, "ORG.BELISHA.MALFORMED"), bad


async def test_a_frozen_member_is_not_there_and_is_told_nothing(community: Community) -> None:
    assert (await publish(community, "ben", {"role": ["Pilot"]}))[0] == 200
    await standing(community, "members", "ben", "frozen")
    told = await who(community, "ana", "@ben")
    ben = community.id("ben")
    assert told["about"] == [None] and ben in told["absent"] and ben not in told["shares"]
    body = {"user_id": ben, "about": [community.id("ana")]}
    nothing = {"asker": None, "shares": [], "absent": [], "about": [None]}
    assert await ask_as_portal(community, body, name="directory") == (200, nothing)
    assert await shown(community, "ben") == {}, "what Matrix clients show goes with the right"
    assert await publish(community, "ben", {"role": ["Pilot"]}) == (200, {"fields": []})
    assert await shown(community, "ben") == {}
    await standing(community, "members", "ben", "active")
    assert (await who(community, "ana", "@ben"))["about"][0]["user_id"] == ben


async def test_the_registry_is_read_by_bots_page_by_page(community: Community) -> None:
    status, page = await request(community["steward"], "GET", f"{API}/registry")
    assert status == 200 and page["next"] is None
    people = {one["user_id"]: one for one in page["members"]}
    assert people[community.id("ana")]["standing"] == "active" and people[community.id("ana")]["service_room"]
    _, same = await request(community["steward"], "GET", f"{API}/registry?revision={page['revision']}")
    assert same == {"revision": page["revision"], "members": [], "next": None}
    _, rest = await request(community["steward"], "GET", f"{API}/registry?after=ana")
    assert community.id("ana") not in {one["user_id"] for one in rest["members"]} and rest["members"]
    assert_refused(*await request(community["ana"], "GET", f"{API}/registry"), "NOT_A_BOT", "P3")


async def test_only_the_server_writes_profile_fields(community: Community) -> None:
    fields = {"expertise": ["image hashing", "<b>=1+1"], "role": ["Analyst"], "about": ["TLP:RED secret"], "x": ["y"]}
    status, body = await publish(community, "ana", fields)
    assert (status, body) == (200, {"fields": ["expertise", "role"]}), "what cannot stand in a profile is left out"
    expected = {"org.belisha.expertise": ["image hashing", "<b>=1+1"], "org.belisha.role": "Analyst"}
    assert await shown(community, "ana") == expected
    path = f"/_matrix/client/v3/profile/{quote(community.id('ana'))}/org.belisha.role"
    for method, given in (("PUT", {"org.belisha.role": "Admiral"}), ("DELETE", {})):
        assert_refused(*await request(community["ana"], method, path, given), "PROFILE_FIELD", "M3")
    assert_refused(*await publish(community, "ana", fields, by="ana"), "NOT_A_BOT", "P3")
    assert await shown(community, "ana") == expected
    assert await publish(community, "ana", {"role": ["Analyst"]}) == (200, {"fields": ["role"]})
    assert await shown(community, "ana") == {"org.belisha.role": "Analyst"}, "what is hidden is taken away"
    assert await publish(community, "ana", {}) == (200, {"fields": []})
    assert await shown(community, "ana") == {}


@pytest.mark.parametrize("body", [{"user_id": "@nobody:x", "fields": {}}, {"user_id": 1, "fields": {}}])
async def test_of_nobody_no_profile_is_written(community: Community, body: Json) -> None:
    status, answer = await request(community["steward"], "POST", f"{API}/profile", body)
    assert (status, answer["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND")


@pytest.mark.parametrize("fields", ["x", None, ["role"], 1])
async def test_what_are_no_fields_is_refused(community: Community, fields: Any) -> None:
    status, body = await publish(community, "ana", fields)
    assert (status, body["errcode"]) == (400, "ORG.BELISHA.MALFORMED")
