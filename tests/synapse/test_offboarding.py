"""Off-boarding by a command (M1): closed at once, gone soon, compared with Synapse's own tables; and who may ask."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, unique, wish
from tests.support.patience import until
from tests.support.server import request
from tests.support.settled import own_community
from tests.synapse.rights import everything, login, newcomer, room, rooms_of, rows_of_tokens
from tests.synapse.test_acts import asks, hand_over, stored, typed
from tests.synapse.test_groups import own_room

pytestmark = pytest.mark.more

Json = dict[str, Any]
CLIENT = "/_matrix/client/v3"
EXTENT = "/_synapse/client/org.belisha/v1/extent"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone, whose people go; its server dies when it is told to."""
    async with own_community(tmp_path_factory.mktemp("leaving") / "data", "tests.synapse.dying.Dying") as here:
        yield here


async def offboards(community: Community, by: str, whom: str) -> tuple[int, Json]:
    """A member's command in their own room; `whom` is a member, or `organisation` and an id."""
    kind, _, key = whom.rpartition(" ")
    arguments = {"organisation": key} if kind else {"member": f"@{key}"}
    text = f"!offboard {whom}" if kind else f"!offboard @{whom}"
    act = f"{kind or 'member'}_offboard"
    return await asks(community, by, await own_room(community, by), text, act, arguments)


async def extent(
    community: Community, by: str, act: str, about: str, where: str | None = None, asker: str = "steward"
) -> tuple[int, Json]:
    """How much it would concern; without the name of whom."""
    where = where or await own_room(community, by)
    query = f"room_id={quote(where)}&member={quote(community.id(by))}&act={act}&about={quote(about)}"
    status, answer = await request(community[asker], "GET", f"{EXTENT}?{query}")
    return status, {key: value for key, value in answer.items() if key != "name"}


def memberships(community: Community, names: list[str]) -> set[tuple[str, str]]:
    """Who is where, by Synapse's room state, which is not what off-boarding itself counts by."""
    return {(name, room_id) for name in names for room_id in rooms_of(community.server, name)}


def standings(community: Community, names: list[str]) -> set[str]:
    found = dict(stored(community, "SELECT localpart, standing FROM belisha_member"))
    return {found[name] for name in names}


async def an_organisation(community: Community, people: int, groups: int, each: int) -> tuple[str, list[str], set[str]]:
    """An organisation whose people are in about `each` of `groups` groups; its id, its people and their groups.

    Each also has an own room, is in announcements and Space, and two share a room of named people.
    """
    key = unique("vale")
    await community.server.organisation(key)
    names = [await newcomer(community, key) for _ in range(people)]
    in_turn, made = itertools.cycle(names), set()
    least, more = divmod(people * each, groups)
    for number in range(groups):
        members = [next(in_turn) for _ in range(least + (number < more))]
        if number % 3:
            body = {"preset": "private_chat", "name": unique("Slip "), "initial_state": [wish("closed", key)]}
            made.add(await room(community, body, *members))
        else:
            made.add(await room(community, {"preset": "public_chat", "name": unique("Pier ")}, "ana", *members))
    await room(community, {"preset": "trusted_private_chat", "is_direct": True}, "ana", names[0], names[-1])
    return key, names, made


# --- A person ----------------------------------------------------------------------------------------------------


async def test_a_lead_takes_out_a_member_for_good(community: Community) -> None:
    name = await newcomer(community)
    closed = await room(community, {"preset": "private_chat", "name": unique("Dock ")}, "ana", name)
    invited = await room(community, {"preset": "private_chat", "name": unique("Dock ")}, "ana")
    path = f"{CLIENT}/rooms/{quote(invited)}/invite"
    assert (await request(community["ana"], "POST", path, {"user_id": community.id(name)}))[0] == 200
    await room(community, {"preset": "trusted_private_chat", "is_direct": True}, "ana", name)
    counted = {"people": 1, "groups": 2, "memberships": 2}
    assert await extent(community, "ben", "member_offboard", f"@{name}") == (200, counted), "no room of named people"
    assert closed in rooms_of(community.server, name)
    status, answer = await offboards(community, "ben", name)
    assert (status, {**answer, "left": 0}) == (200, {"outcome": "done", "act": "member_offboard", **counted, "left": 0})
    for got, _ in (await everything(community, name)).values():
        assert got in (401, 403)
    await until(lambda: not rooms_of(community.server, name))
    await until(lambda: rows_of_tokens(community.server, name) == 0)
    assert standings(community, [name]) == {"removed"}
    assert (await login(community.server, name))[0] == 403
    entries = stored(community, "SELECT act, by_member, by_role FROM belisha_moderation WHERE member = ?", name)
    assert entries == [("offboard", "ben", "lead")]
    assert_refused(*await offboards(community, "ben", name), "NO_SUCH_MEMBER", rule="M1")


async def test_who_takes_out_whom(community: Community) -> None:
    steward = await newcomer(community, "coastguard", "steward")
    for by, whom, code in (
        ("ben", "dina", "NOT_YOURS"),
        ("ana", "ben", "NOT_YOURS"),
        ("ben", "ben", "NOT_YOURSELF"),
        ("ben", "mona", "MODERATES"),
        ("cora", steward, "MODERATES"),
        ("cora", "mona", "MODERATES"),
        ("mona", "mona", "NOT_YOURSELF"),
        ("cora", "nobody", "NO_SUCH_MEMBER"),
        ("cora", "ben:elsewhere.example", "NO_SUCH_MEMBER"),
        ("cora", "belisha_steward", "NO_SUCH_MEMBER"),
        ("ben", "organisation coastguard", "NOT_YOURS"),
        ("ben", "organisation harbour", "NOT_YOURS"),
        ("cora", "organisation coastguard", "NOT_YOURSELF"),
        ("cora", "organisation harbour", "MODERATES"),
        ("cora", "organisation nowhere", "NO_SUCH_ORGANISATION"),
    ):
        answer = await offboards(community, by, whom)
        assert_refused(*answer, code, rule="M1")
        kind, _, key = whom.rpartition(" ")
        about = key if kind else f"@{key}"
        told = await extent(community, by, f"{kind or 'member'}_offboard", about)
        assert_refused(*told, code, rule="M1")
        assert told[1]["error"] == answer[1]["error"], "who may not ask for it learns no numbers either"
    there = ["ana", "ben", "cora", "dina", "mona", steward]
    assert standings(community, there) == {"active"}
    assert (await offboards(community, "mona", steward))[0] == 200


async def test_numbers_are_told_to_who_asks_in_their_own_room_alone(community: Community) -> None:
    act, about = "member_offboard", "@ana"
    assert (await extent(community, "ben", act, about))[0] == 200
    nothing = (404, "ORG.BELISHA.NOT_FOUND")
    for where in (community.rooms["open"], community.rooms["closed"], await own_room(community, "ana"), "!x:y"):
        status, answer = await extent(community, "ben", act, about, where)
        assert (status, answer["errcode"]) == nothing
    for other in ("member_freeze", "nothing", ""):
        status, answer = await extent(community, "ben", other, about)
        assert (status, answer["errcode"]) == nothing
    assert_refused(*await extent(community, "ben", act, about, asker="ben"), "NOT_A_BOT", rule="P3")
    assert_refused(*await extent(community, "ben", act, "@a\0b"), "NO_SUCH_MEMBER", rule="M1")


async def test_it_is_asked_for_in_ones_own_room(community: Community) -> None:
    name = await newcomer(community)
    group = await room(community, {"preset": "public_chat", "name": unique("Pier ")}, "ana", "ben")
    answer = await asks(community, "ben", group, f"!offboard @{name}", "member_offboard", {"member": f"@{name}"})
    assert_refused(*answer, "NOT_HERE", rule="P3")
    assert standings(community, [name]) == {"active"}


# --- An organisation ---------------------------------------------------------------------------------------------


async def _closed_and_gone(community: Community, key: str, names: list[str], groups: set[str], by: str) -> None:
    before = memberships(community, names)
    in_groups = {one for one in before if one[1] in groups}
    counted = {"people": len(names), "groups": len(groups), "memberships": len(in_groups)}
    assert {room_id for _, room_id in in_groups} == groups
    assert await extent(community, by, "organisation_offboard", key) == (200, counted)
    others = memberships(community, ["ana", "cora", "dina"])

    where = await own_room(community, by)
    event = await typed(community, by, where, f"!offboard organisation {key}")
    going = asyncio.create_task(hand_over(community, where, event, "organisation_offboard", {"organisation": key}))
    query = "SELECT 1 FROM belisha_organisation WHERE organisation_id = ? AND standing = 'removed'"
    await until(lambda: stored(community, query, key))
    await asyncio.sleep(1)
    answers = await asyncio.gather(*(everything(community, name) for name in names))
    for got in answers:
        assert {status for status, _ in got.values()} <= {401, 403}, "closed a second after it was decided"
    status, answer = await going
    assert status == 200 and answer == {
        "outcome": "done", "act": "organisation_offboard", **counted, "left": answer["left"],
    }  # fmt: skip
    await until(lambda: not memberships(community, names))
    await until(lambda: all(rows_of_tokens(community.server, name) == 0 for name in names))
    local = (
        "SELECT COUNT(*) FROM local_current_membership WHERE user_id = ? AND membership IN ('join', 'invite', 'knock')"
    )
    assert all(stored(community, local, community.id(name)) == [(0,)] for name in names)
    assert standings(community, names) == {"removed"}
    assert memberships(community, ["ana", "cora", "dina"]) == others, "everybody else stays where they are"
    again = await hand_over(community, where, event, "organisation_offboard", {"organisation": key})
    assert again == (200, {"outcome": "done", "act": "organisation_offboard", **counted}), "once"
    query = "SELECT COUNT(*) FROM belisha_review"
    await until(lambda: stored(community, query) == [(0,)])


async def test_an_organisation_goes_with_all_its_people(community: Community) -> None:
    key, names, groups = await an_organisation(community, people=3, groups=4, each=4)
    frozen = names[1]
    assert (await community.server.local("PUT", f"standing/members/{frozen}", {"standing": "frozen"}))[0] == 200
    await community.server.local("PUT", f"standing/members/{frozen}", {"standing": "active"})
    community.people[frozen] = await community.server.sign_in(frozen)
    now = {room_id for _, room_id in memberships(community, names)} & groups
    await _closed_and_gone(community, key, names, now, "cora")
    status, answer = await community.server.local(
        "POST", "invitations", {"organisation": key, "uses": 1, "seconds": 60}
    )
    assert status == 400 and "no organisation" in answer["error"], answer


@pytest.mark.full
@pytest.mark.nightly
async def test_twenty_people_with_two_hundred_memberships_in_sixty_groups(community: Community) -> None:
    key, names, groups = await an_organisation(community, people=20, groups=60, each=10)
    before = {one for one in memberships(community, names) if one[1] in groups}
    assert (len(names), len(groups), len(before)) == (20, 60, 200)
    await _closed_and_gone(community, key, names, groups, "mona")


@pytest.mark.full
@pytest.mark.parametrize("place", ["before belisha_decided", "after belisha_decided"])
async def test_killed_amid_it_it_is_done_once_and_to_the_end(community: Community, place: str) -> None:
    key, names, groups = await an_organisation(community, people=3, groups=9, each=6)
    where = await own_room(community, "mona")
    event = await typed(community, "mona", where, f"!offboard organisation {key}")
    (community.server.data / "die").write_text(place)
    with pytest.raises(aiohttp.ClientError):
        await hand_over(community, where, event, "organisation_offboard", {"organisation": key})
    community.server.kill()
    left = {one for one in memberships(community, names) if one[1] in groups}
    assert left, "it was killed before the memberships ended"
    await community.server.start()
    if place.startswith("after"):
        await until(lambda: not memberships(community, names))
    status, answer = await hand_over(community, where, event, "organisation_offboard", {"organisation": key})
    assert status == 200 and (answer["people"], answer["groups"], answer["memberships"]) == (3, 9, len(left))
    await until(lambda: not memberships(community, names))
    assert standings(community, names) == {"removed"}
    query = "SELECT COUNT(*) FROM belisha_act WHERE event_id = ?"
    assert stored(community, query, event) == [(1,)]
