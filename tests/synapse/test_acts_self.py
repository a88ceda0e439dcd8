"""What members do to their own account by a command (M1, P3): their devices alone, and leaving for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest_asyncio

from tests.support.community import Community, assert_refused
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.test_acts import done, hand_over, newcomer, stored, typed
from tests.synapse.test_questions import own_room
from tests.synapse.test_room_freezing import V3, group

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: Any) -> AsyncIterator[Community]:
    """A community of this file alone: members leave it."""
    here = await make_community(tmp_path_factory.mktemp("self") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def asks(community: Community, by: str, body: str, act: str, **arguments: str) -> tuple[int, Json]:
    room = await own_room(community, by)
    return await hand_over(community, room, await typed(community, by, room, body), act, arguments)


async def test_one_sees_and_ends_ones_own_devices_alone(community: Community) -> None:
    name, other = await newcomer(community), await newcomer(community)
    mine, theirs = community[name].device_id, community[other].device_id
    status, listed = await asks(community, name, "!devices", "devices")
    assert status == 200 and [one["device_id"] for one in listed["devices"]] == [mine]
    assert set(listed["devices"][0]) == {"device_id", "name", "seen"}, "no addresses"
    kept = stored(community, "SELECT outcome FROM belisha_act WHERE act = 'devices'")
    assert all(mine not in outcome for (outcome,) in kept), "it is kept nowhere"
    answer = await asks(community, name, f"!devices end {theirs}", "device_end", device=theirs)
    assert_refused(*answer, "NO_DEVICE", rule="M1")
    assert (await request(community[other], "GET", f"{V3}/joined_rooms"))[0] == 200
    room = await own_room(community, name)
    event = await typed(community, name, room, f"!devices end {mine}")
    done(await hand_over(community, room, event, "device_end", {"device": mine}), "device_end")
    assert (await request(community[name], "GET", f"{V3}/joined_rooms"))[0] == 401
    done(await hand_over(community, room, event, "device_end", {"device": mine}), "device_end")


async def test_who_leaves_is_out_for_good(community: Community) -> None:
    name = await newcomer(community)
    room = await group(community, "closed", name)
    own = await own_room(community, name)
    me = {"member": f"@{name}"}
    shown = await typed(community, name, room, f"!leave-community @{name}")
    assert_refused(*await hand_over(community, room, shown, "leave_community", me), "NOT_HERE", rule="P3")
    assert (await request(community[name], "GET", f"{V3}/joined_rooms"))[0] == 200
    for other in ("@ana", "@nobody", f"@{name}:elsewhere.example"):
        answer = await asks(community, name, f"!leave-community {other}", "leave_community", member=other)
        assert_refused(*answer, "NOT_YOU", rule="M1")
    event = await typed(community, name, own, f"!leave-community @{name}")
    done(await hand_over(community, own, event, "leave_community", me), "leave_community")
    assert (await request(community[name], "GET", f"{V3}/joined_rooms"))[0] in (401, 403)
    assert stored(community, "SELECT standing FROM belisha_member WHERE localpart = ?", name) == [("removed",)]

    async def is_out() -> bool:
        path = f"{V3}/rooms/{quote(room)}/joined_members"
        return community.id(name) not in (await request(community["ana"], "GET", path))[1]["joined"]

    await until(is_out)
    query = "SELECT membership FROM local_current_membership WHERE user_id = ? AND membership = 'join'"

    async def is_nowhere() -> bool:
        return stored(community, query, community.id(name)) == []

    await until(is_nowhere)
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": "x"}
    assert (await request(community["ana"], "POST", f"{V3}/login", body))[0] == 403
    done(await hand_over(community, own, event, "leave_community", me), "leave_community")


async def test_the_last_manager_stays(community: Community) -> None:
    managers = stored(community, "SELECT localpart FROM belisha_member WHERE roles LIKE '%manager%'")
    for (localpart,) in managers:
        if localpart != "mona":
            await community.server.local("PUT", f"standing/members/{localpart}", {"standing": "frozen"})
    answer = await asks(community, "mona", "!leave-community @mona", "leave_community", member="@mona")
    assert_refused(*answer, "LAST_MANAGER", rule="M1")
    assert (await request(community["mona"], "GET", f"{V3}/joined_rooms"))[0] == 200
