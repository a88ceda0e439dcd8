"""What ends with a right (M1): everything at once, memberships soon, and for good; read from Synapse's own tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import nio
import pytest
import pytest_asyncio

from synapse_modules.registry import REVISION_AGE
from tests.support.community import Community, assert_refused, unique, wish
from tests.support.patience import until
from tests.support.server import PASSWORD, ended, request
from tests.support.settled import make_community
from tests.synapse.rights import (
    CLIENT,
    everything,
    login,
    newcomer,
    put,
    room,
    rooms_of,
    rows,
    rows_of_tokens,
    standing,
)
from tests.synapse.samples import text

Json = dict[str, Any]
PEOPLE = ("vera", "viktor", "vito")


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members lose their rights."""
    here = await make_community(tmp_path_factory.mktemp("rights") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


# --- Freezing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["members", "organisations"])
async def test_who_is_frozen_may_do_nothing_at_once_and_signs_in_again_when_thawed(
    community: Community, kind: str
) -> None:
    await community.server.organisation("divers")
    name = await newcomer(community, "divers")
    key = name if kind == "members" else "divers"
    before = await everything(community, name)
    assert {each: status for each, (status, _) in before.items() if status != 200} == {"download": 404}
    await standing(community, kind, key, "frozen")
    for status, answer in (await everything(community, name)).values():
        assert status in (401, 403), answer
    await until(lambda: rows_of_tokens(community.server, name) == 0)
    assert_refused(*await login(community.server, name), "FROZEN", rule="M1")
    await standing(community, kind, key, "active")
    await asyncio.sleep(2 * REVISION_AGE)
    community.people[name] = await community.server.sign_in(name)
    assert {each for each, (status, _) in (await everything(community, name)).items() if status != 200} == {"download"}


async def test_a_frozen_member_with_a_token_is_told_why(community: Community) -> None:
    """The token is put back behind Synapse's back: each door is closed by itself, not only by the lost session."""
    name = await newcomer(community)
    await standing(community, "members", name, "frozen")
    # The review ends sessions, this one too if it came late.
    await until(lambda: not rows(community.server, "SELECT 1 FROM belisha_review WHERE localpart = ?", name))
    [(number,)] = rows(community.server, "SELECT MAX(id) + 1000 FROM access_tokens")
    community.server.change(
        "INSERT INTO access_tokens (id, user_id, token) VALUES (?, ?, ?)",
        number,
        community.id(name),
        "a-token-that-was-forgotten",
    )
    community[name].access_token = "a-token-that-was-forgotten"
    for status, body in (await everything(community, name)).values():
        assert_refused(status, body, "FROZEN", rule="M1")


@pytest.mark.parametrize("way", ["sync", "events"])
async def test_a_sync_that_was_waiting_brings_nothing_after_the_freezing(community: Community, way: str) -> None:
    name = await newcomer(community)
    assert isinstance(await community[name].join(community.rooms["open"]), nio.JoinResponse)
    _, first = await request(community[name], "GET", f"{CLIENT}/sync?timeout=0")
    key = "since" if way == "sync" else "from"
    path = f"{CLIENT}/{way}?timeout=25000&{key}={quote(first['next_batch'])}"
    control = asyncio.create_task(request(community["finn"], "GET", path))
    waiting = asyncio.create_task(request(community[name], "GET", path))
    await asyncio.sleep(1)
    await standing(community, "members", name, "frozen")
    await community.sent(text("Tide tables"), "open")
    assert_refused(*await waiting, "FROZEN", rule="M1")
    assert (await control)[0] == 200


async def test_nobody_invites_who_is_frozen(community: Community) -> None:
    name = await newcomer(community)
    await standing(community, "members", name, "frozen")
    await asyncio.sleep(2 * REVISION_AGE)
    path = f"{CLIENT}/rooms/{quote(community.rooms['closed'])}/invite"
    status, body = await request(community["ana"], "POST", path, {"user_id": community.id(name)})
    assert_refused(status, body, "FROZEN", rule="M1")


# --- The end of a right ------------------------------------------------------------------------------------------


async def _an_organisation(community: Community, key: str) -> tuple[list[str], dict[str, str]]:
    """Three members of one organisation in a room of every kind, one of them by invitation only."""
    await community.server.organisation(key)
    names = [unique(name) for name in PEOPLE]
    for name in names:
        community.people[name] = await community.server.member(name, key)
    strict = {"name": unique("Quay "), "initial_state": [wish("closed", "coastguard", key)]}
    rooms = {
        "open": await room(community, {"preset": "public_chat", "name": unique("Pier ")}, names[0], *names[1:]),
        "closed": await room(community, {"preset": "private_chat", "name": unique("Dock ")}, "ana", *names),
        "strict": await room(community, strict, "cora", *names),
        "own": await room(
            community,
            {"preset": "private_chat", "name": unique("Slip "), "initial_state": [wish("closed", key)]},
            names[0],
            *names[1:],
        ),
        "named": await room(
            community, {"preset": "trusted_private_chat", "is_direct": True}, "ana", names[0], names[1]
        ),
    }
    status, _ = await community.create("cora", {**strict, "invite": [community.id(names[2])]})
    assert status == 200
    return names, rooms


async def test_members_who_change_organisation_are_out_of_what_listed_the_old_one(community: Community) -> None:
    names, rooms = await _an_organisation(community, unique("vale"))
    before = {name: rooms_of(community.server, name) for name in names}
    for name in names:
        await put(community, name, "university")
    gone = {rooms["strict"], rooms["own"]}
    await until(lambda: not any(gone & rooms_of(community.server, name) for name in names))
    for name in names:
        assert rooms["closed"] in rooms_of(community.server, name)
        assert before[name] - rooms_of(community.server, name) >= gone & before[name]
        for path in ("messages?dir=b", "state", "members"):
            status, _ = await request(community[name], "GET", f"{CLIENT}/rooms/{quote(rooms['own'])}/{path}")
            assert status == 403
    while (await community.server.local("GET", "status"))[1]["reviews"]:  # each is looked at in its turn
        await asyncio.sleep(0.1)
    answer = await community[names[0]].get_displayname()
    assert answer.displayname.endswith("(University)")


@pytest.mark.parametrize("ending", ["frozen", "removed"])
async def test_an_organisation_that_is_frozen_or_goes_is_out_of_every_room(community: Community, ending: str) -> None:
    key = unique("vale")
    names, _ = await _an_organisation(community, key)
    await standing(community, "organisations", key, ending)
    body = {"name": "Late", "organisation": key, "roles": ["member"], "password": PASSWORD}
    status, answer = await community.server.local("PUT", f"members/{unique('late')}", body)
    assert status == 400 and ("frozen" in answer["error"] or "no organisation" in answer["error"]), answer
    service = {name: await _service_room(community, name) for name in names}
    await until(lambda: all(rooms_of(community.server, name) == {service[name]} for name in names))
    if ending == "removed":
        status, body = await community.server.local(
            "PUT", f"organisations/{key}", {"name": "Again", "category": "charity"}
        )
        assert status == 400 and "never given again" in body["error"]
        await _is_confined(community, names[0])


async def _service_room(community: Community, name: str) -> str:
    _, body = await community.server.local("GET", "members")
    return str(next(member["service_room"] for member in body["members"] if member["user_id"] == community.id(name)))


async def test_who_is_removed_is_gone_and_the_name_is_never_given_again(community: Community) -> None:
    names, rooms = await _an_organisation(community, unique("vale"))
    name = names[0]
    await standing(community, "members", name, "removed")
    await until(lambda: not rooms_of(community.server, name))
    await until(
        lambda: rows(community.server, "SELECT deactivated FROM users WHERE name = ?", community.id(name)) == [(1,)]
    )
    assert (await login(community.server, name))[0] == 403
    body = {"name": "Another", "organisation": "harbour", "roles": ["member"], "password": PASSWORD}
    status, answer = await community.server.local("PUT", f"members/{name}", body)
    assert status == 400 and "never given again" in answer["error"]
    status, answer = await community.server.local("PUT", f"standing/members/{name}", {"standing": "active"})
    assert status == 400, answer
    assert rooms["named"] in rooms_of(community.server, names[1]), "the others stay"


async def test_a_lost_role_ends_what_it_gave(community: Community) -> None:
    name = await newcomer(community, "harbour", "steward")
    (stewards,) = (
        row[0] for row in rows(community.server, "SELECT room_id FROM room_aliases WHERE room_alias LIKE '#stewards:%'")
    )
    assert stewards in rooms_of(community.server, name)
    await put(community, name, "harbour", "member")
    await until(lambda: stewards not in rooms_of(community.server, name))


@pytest.mark.full
@pytest.mark.nightly
async def test_two_hundred_memberships_end_within_ten_seconds(community: Community) -> None:
    key = unique("vale")
    await community.server.organisation(key)
    names = [await newcomer(community, key) for _ in range(10)]
    for _ in range(20):
        body = {"preset": "private_chat", "name": unique("Slip "), "initial_state": [wish("closed", key)]}
        await room(community, body, names[0], *names[1:])
    computed = community.server.processor_seconds()  # not by the clock: others use the machine too
    await standing(community, "organisations", key, "removed")
    service = {name: await _service_room(community, name) for name in names}
    await until(lambda: all(rooms_of(community.server, name) == {service[name]} for name in names))
    assert community.server.processor_seconds() - computed < 30


@pytest.mark.full
async def test_killed_amid_the_removal_it_goes_on_after_the_restart(community: Community) -> None:
    key = unique("vale")
    await community.server.organisation(key)
    names = [await newcomer(community, key) for _ in range(3)]
    for _ in range(12):
        body = {"preset": "private_chat", "name": unique("Slip "), "initial_state": [wish("closed", key)]}
        await room(community, body, names[0], *names[1:])
    service = {name: await _service_room(community, name) for name in names}
    before = sum(len(rooms_of(community.server, name)) for name in names)
    going = asyncio.create_task(standing(community, "organisations", key, "removed"))
    await until(lambda: sum(len(rooms_of(community.server, name)) for name in names) < before)
    community.server.kill()
    await asyncio.gather(going, return_exceptions=True)
    left = sum(len(rooms_of(community.server, name)) for name in names)
    assert len(names) < left, "it was killed in between"
    await community.server.start()
    await until(lambda: all(rooms_of(community.server, name) == {service[name]} for name in names))


# --- The past ----------------------------------------------------------------------------------------------------


async def test_an_event_of_a_room_that_one_has_left_is_not_found(community: Community) -> None:
    name = await newcomer(community)
    closed = await room(community, {"preset": "private_chat", "name": unique("Dock ")}, "ana", name)
    sent = await community["ana"].room_send(closed, "m.room.message", text("Tide tables"))
    assert isinstance(sent, nio.RoomSendResponse)
    paths = [f"{CLIENT}/rooms/{quote(closed)}/{way}/{quote(sent.event_id)}" for way in ("event", "context")]
    paths.append(f"{CLIENT}/events/{quote(sent.event_id)}")
    for path in paths[:2]:
        assert (await request(community[name], "GET", path))[0] == 200
    await community[name].room_leave(closed)
    unknown = f"{CLIENT}/rooms/{quote(closed)}/event/{quote('$' + 'a' * 43)}"
    nothing = await request(community[name], "GET", unknown)
    assert nothing == (404, {"errcode": "M_NOT_FOUND", "error": "Event not found."})
    for path in paths[:2]:
        assert await request(community[name], "GET", path) == nothing
    assert (await request(community[name], "GET", paths[2]))[0] == 404
    for path in paths[:2]:
        assert (await request(community["ana"], "GET", path))[0] == 200


SLIDING = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0"
EVERYTHING: Json = {"lists": {"all": {"ranges": [[0, 9]], "timeline_limit": 9, "required_state": [["*", "*"]]}}}


async def test_feeds_from_before_one_left_say_that_one_left_and_nothing_else(community: Community) -> None:
    name = await newcomer(community)
    closed = await room(community, {"preset": "private_chat", "name": unique("Dock "), "topic": "Tides"}, "ana", name)
    _, first = await request(community[name], "GET", f"{CLIENT}/sync?timeout=0")
    _, slid = await request(community[name], "POST", SLIDING, EVERYTHING)
    assert "Tides" in str(slid["rooms"][closed])
    await community["ana"].room_send(closed, "m.room.message", text("Slack water at noon"))
    members = f"{CLIENT}/rooms/{quote(closed)}/members?at={quote(first['next_batch'])}"
    since = f"{CLIENT}/sync?timeout=0&full_state=true&since={quote(first['next_batch'])}"
    assert (await request(community[name], "GET", members))[0] == 200
    assert "Slack water" in str((await request(community[name], "GET", since))[1]["rooms"]["join"][closed])
    kick = f"{CLIENT}/rooms/{quote(closed)}/kick"
    assert (await request(community["ana"], "POST", kick, {"user_id": community.id(name)}))[0] == 200
    # Synapse repeats its answer to the same question for two minutes: another timeout makes it another one.
    _, body = await request(community[name], "GET", since.replace("timeout=0", "timeout=1"))
    left = body["rooms"]["leave"][closed]
    assert [event["content"]["membership"] for event in left["timeline"]["events"]] in (
        ["leave"],
        ["join", "leave"],
    )
    assert left["state"]["events"] == []
    # A Synapse with a new database asks the client to begin anew, for its first minute.
    status, answer = await request(community[name], "POST", f"{SLIDING}&pos={slid['pos']}", EVERYTHING)
    assert status == 200 or answer["errcode"] == "M_UNKNOWN_POS"
    assert not any(secret in f"{body}{answer}" for secret in ("Slack water", "Tides"))
    assert (await request(community[name], "GET", members))[0] == 403
    assert (await request(community["ana"], "GET", members))[0] == 200


# --- Accounts without an organisation ----------------------------------------------------------------------------


async def _is_confined(community: Community, name: str) -> None:
    """Signs in and talks to the bot, and nothing else; what a member may is shown by `everything` above."""
    answers = await everything(community, name)
    assert {each for each, (status, _) in answers.items() if status == 200} == {"sync", "sliding", "own"}
    for each in ("create", "upload", "download", "config", "profile", "directory", "rooms"):
        assert_refused(*answers[each], "NOT_A_MEMBER", rule="M1")
    joined = await community[name].joined_rooms()
    (service,) = joined.rooms
    sent = await community[name].room_send(service, "m.room.message", text("!help"))
    assert isinstance(sent, nio.RoomSendResponse), sent


async def test_an_account_that_was_made_by_other_means_is_confined(community: Community) -> None:
    """As an operator could make one: a row in Synapse's own table, with the password hash of another."""
    name, server = unique("stray"), community.server
    user_id = f"@{name}:{server.name}"
    server.change(
        "INSERT INTO users (name, password_hash, creation_ts, admin, is_guest, deactivated, approved)"
        " SELECT ?, password_hash, creation_ts, 1, 0, 0, (1 = 1) FROM users WHERE name = ?",
        user_id,
        community.id("ana"),
    )
    server.change("INSERT INTO profiles (user_id, full_user_id, displayname) VALUES (?, ?, ?)", name, user_id, name)
    community.people[name] = await server.sign_in(name)
    await _is_confined(community, name)
    # Its organisation's lead adds it, and it is a member like others.
    await put(community, name, "harbour")
    await asyncio.sleep(2 * REVISION_AGE)
    assert {each for each, (status, _) in (await everything(community, name)).items() if status != 200} == {"download"}


async def test_a_membership_that_was_taken_away_by_hand_ends_at_the_next_start(community: Community) -> None:
    name = await newcomer(community)
    closed = await room(community, {"preset": "private_chat", "name": unique("Dock ")}, "ana", name)
    assert closed in rooms_of(community.server, name)
    community.server.stop()
    community.server.change("DELETE FROM belisha_member WHERE localpart = ?", name)
    await community.server.start()
    await until(lambda: closed not in rooms_of(community.server, name))
    await _is_confined(community, name)
