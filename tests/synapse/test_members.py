"""What is told of members, to whom (M1, P2): lists and the dormant, by day, compared with Synapse's own tables."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from synapse_modules import activity
from tests.support.community import Community, assert_refused, unique
from tests.support.patience import same_day
from tests.support.server import PASSWORD, ended
from tests.support.settled import make_community
from tests.synapse.test_acts import asks, stored
from tests.synapse.test_groups import own_room

Json = dict[str, Any]
DAY = 86_400


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members' last days are changed."""
    here = await make_community(tmp_path_factory.mktemp("members") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


@pytest_asyncio.fixture(autouse=True)
async def this_day() -> None:
    """What a test writes and what it reads are of one day."""
    await same_day(120)


def day(ago: int) -> str:
    return activity.date_of(activity.day_of(time.time()) - ago)


async def absent(community: Community, organisation: str, made: int, seen: int | None, *roles: str) -> str:
    """A member who never signed in here, as if made and last seen so many days ago."""
    name = unique("nora")
    body = {"name": name.title(), "organisation": organisation, "roles": list(roles or ("member",))}
    status, _ = await community.server.local("PUT", f"members/{name}", {**body, "password": PASSWORD})
    assert status == 200
    user_id = f"@{name}:{community.server.name}"
    now = int(time.time())
    community.server.change("UPDATE users SET creation_ts = ? WHERE name = ?", now - made * DAY, user_id)
    if seen is not None:
        community.server.change(
            "INSERT INTO user_daily_visits (user_id, device_id, timestamp, user_agent) VALUES (?, 'X', ?, '')",
            user_id,
            (now - seen * DAY) // DAY * DAY * 1000,
        )
    return name


async def lists(community: Community, by: str, words: str = "", **arguments: Any) -> tuple[int, Json]:
    room = await own_room(community, by)
    return await asks(community, by, room, f"!members {words}".strip(), "members_list", arguments)


async def dormant(community: Community, by: str, days: int | None = None) -> tuple[int, Json]:
    words, arguments = ("!dormant", {}) if days is None else (f"!dormant {days}", {"days": days})
    return await asks(community, by, await own_room(community, by), words, "members_dormant", arguments)


def named(answer: tuple[int, Json]) -> dict[str, Json]:
    assert answer[0] == 200, answer
    return {one["member"].removeprefix("@"): one for one in answer[1]["members"]}


async def test_a_lead_sees_the_members_of_their_organisation(community: Community) -> None:
    old, never = await absent(community, "harbour", 200, 40), await absent(community, "harbour", 3, None, "steward")
    gone = await absent(community, "harbour", 9, None)
    await community.server.local("PUT", f"standing/members/{gone}", {"standing": "removed"})
    await community.server.local("PUT", f"standing/members/{old}", {"standing": "frozen"})
    answer = await lists(community, "ben")
    found = named(answer)
    registry = "SELECT localpart FROM belisha_member WHERE organisation_id = 'harbour' AND standing <> 'removed'"
    assert set(found) == {row[0] for row in stored(community, registry)} and gone not in found
    assert answer[1]["count"] == len(found) and answer[1]["organisation"] == "harbour"
    assert found[old] == {
        "member": f"@{old}",
        "name": old.title(),
        "organisation": "harbour",
        "organisation_name": "Harbour",
        "roles": [],
        "since": day(200),
        "last": day(40),
        "frozen": "operator",
    }
    assert (found[never]["roles"], found[never]["since"], found[never]["last"]) == (["steward"], day(3), None)
    assert found["ben"]["roles"] == ["lead"] and found["ben"]["frozen"] is None
    assert found["ben"]["last"] in (day(0), day(1)), "they are signed in"
    told = stored(community, "SELECT outcome FROM belisha_act WHERE act LIKE 'members_%'")
    assert told == [], "what was told is written down nowhere"


async def test_who_sees_whom(community: Community) -> None:
    assert_refused(*await lists(community, "ana"), "NOT_YOURS", rule="M1")
    assert_refused(*await lists(community, "ben", "coastguard", organisation="coastguard"), "NOT_YOURS", rule="M1")
    assert_refused(*await dormant(community, "ana"), "NOT_YOURS", rule="M1")
    for by in ("cora", "mona"):
        assert set(named(await lists(community, by, "university", organisation="university"))) == {"emil"}
        none = await lists(community, by, "nowhere", organisation="nowhere")
        assert_refused(*none, "NO_SUCH_ORGANISATION", rule="M1")
    group = community.rooms["open"]
    assert_refused(*await asks(community, "ben", group, "!members", "members_list", {}), "NOT_HERE", rule="P3")


async def test_a_long_list_comes_in_parts(community: Community) -> None:
    await community.server.organisation("barges")
    names = set()
    for _ in range(53):
        name = unique("bo")
        community.server.change(
            "INSERT INTO belisha_member (localpart, organisation_id, name, roles) VALUES (?, 'barges', ?, '[]')",
            name,
            name.title(),
        )
        names.add(name)
    community.server.change("UPDATE belisha_revision SET revision = revision + 1")
    first = await lists(community, "mona", "barges", organisation="barges")
    second = await lists(community, "mona", "barges --page 2", organisation="barges", page=2)
    third = await lists(community, "mona", "barges --page 3", organisation="barges", page=3)
    assert [len(named(one)) for one in (first, second, third)] == [50, 3, 0]
    assert set(named(first)) | set(named(second)) == names
    assert {one[1]["count"] for one in (first, second, third)} == {53}


async def test_who_was_not_seen_for_long_is_told(community: Community) -> None:
    await community.server.organisation("pilots")
    lead = unique("lena")
    community.people[lead] = await community.server.member(lead, "pilots", "lead")
    far, near = await absent(community, "pilots", 300, 120), await absent(community, "pilots", 300, 89)
    never, new = await absent(community, "pilots", 100, None), await absent(community, "pilots", 20, None)
    elsewhere = await absent(community, "chandlers", 300, 200)
    frozen = await absent(community, "pilots", 300, 250)
    await community.server.local("PUT", f"standing/members/{frozen}", {"standing": "frozen"})
    answer = await dormant(community, lead)
    assert list(named(answer)) == [far, never], "the longest first; only their own, and who can sign in"
    assert answer[1]["days"] == 90
    assert set(named(await dormant(community, lead, 10))) == {far, near, never, new}
    assert named(await dormant(community, lead, 365)) == {}
    assert {far, never, elsewhere} <= set(named(await dormant(community, "cora")))
