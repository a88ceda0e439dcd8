"""Upgrades for real: the policy goes along, nobody comes in by it, and the old room is closed."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any
from urllib.parse import quote

import pytest

from belisha.cli import data_folder
from tests.support.community import Community, assert_refused, unique, wish
from tests.support.ledger import query, relabel
from tests.support.patience import until
from tests.support.server import ROOT, request
from tests.support.upgrade import done, joined, path_of, state_of, successors, upgrade
from tests.synapse.samples import text

pytestmark = pytest.mark.more

Json = dict[str, Any]

_CARRIED = (
    ("org.belisha.room", ""),
    ("m.room.join_rules", ""),
    ("m.room.history_visibility", ""),
    ("m.room.guest_access", ""),
    ("m.room.power_levels", ""),
    ("m.room.name", ""),
    ("m.room.topic", ""),
    ("m.room.avatar", ""),
)


async def _group(here: Community, *others: str, by: str = "cora", **more: Any) -> str:
    """A closed group of two organisations, with an address, in whose directory it stands."""
    body = {"preset": "private_chat", "initial_state": [wish("closed", "harbour", "coastguard")], **more}
    status, answer = await here.create(by, {**body, "invite": [here.id(name) for name in others]})
    assert status == 200, answer
    for name in others:
        assert (await _post(here, name, f"/_matrix/client/v3/join/{quote(answer['room_id'])}"))[0] == 200
    return str(answer["room_id"])


async def _post(here: Community, by: str, path: str, body: Any = None) -> tuple[int, Json]:
    return await request(here[by], "POST", path, {} if body is None else body)


async def _say(here: Community, room: str, body: str, by: str = "cora") -> tuple[int, Json]:
    return await request(here[by], "PUT", path_of(room, f"send/m.room.message/{unique('up')}"), text(body))


async def _put(here: Community, room: str, event_type: str, content: Json, by: str = "cora") -> tuple[int, Json]:
    return await request(here[by], "PUT", path_of(room, f"state/{event_type}"), content)


async def _button(here: Community, room: str, by: str, body: Any = None) -> tuple[int, Json]:
    return await _post(here, by, path_of(room, "upgrade"), {"new_version": "11"} if body is None else body)


async def test_a_group_goes_over_with_its_rules_and_the_old_one_is_closed(community: Community) -> None:
    name = unique("watch")
    room = await _group(
        community, "ana", "dina", name="Joint watch", topic="Tides", room_alias_name=name, visibility="public"
    )
    assert (await _put(community, room, "m.room.avatar", {"url": "mxc://belisha.localhost/portrait"}))[0] == 200
    assert (await _post(community, "cora", path_of(room, "invite"), {"user_id": community.id("mona")}))[0] == 200
    assert (await _post(community, "cora", path_of(room, "ban"), {"user_id": community.id("ben")}))[0] == 200
    status, item = await _say(community, room, "TLP:AMBER+STRICT the figures", by="ana")
    assert status == 200
    before = await state_of(community, room, "cora")

    new = await upgrade(community, room)
    old_state, state = await state_of(community, room, "cora"), await state_of(community, new, "cora")
    assert {key: state.get(key) for key in _CARRIED} == {key: before.get(key) for key in _CARRIED}
    assert old_state["m.room.tombstone", ""]["replacement_room"] == new
    assert state["m.room.create", ""]["predecessor"]["room_id"] == room
    assert old_state["org.belisha.room", ""] == before["org.belisha.room", ""] | {"replaced": True}
    assert await joined(community, new, "cora") == {"cora", "ana", "dina", "belisha_steward"}
    assert state["m.room.member", community.id("ben")]["membership"] == "ban"
    assert state["m.room.member", community.id("mona")]["membership"] == "invite"
    assert state["m.room.canonical_alias", ""]["alias"].startswith(f"#{name}:")
    assert not old_state["m.room.canonical_alias", ""].get("alias")
    _, found = await request(
        community["dina"], "GET", f"/_matrix/client/v3/directory/room/{quote(f'#{name}:{community.server.name}')}"
    )
    assert found["room_id"] == new

    async def is_listed() -> bool:  # Synapse gathers what it lists a moment later
        _, listed = await request(community["dina"], "GET", "/_matrix/client/v3/publicRooms?limit=1000")
        listed_ids = {each["room_id"] for each in listed["chunk"]}
        return new in listed_ids and room not in listed_ids

    await until(is_listed)

    assert (await _say(community, new, "TLP:AMBER+STRICT on we go", by="dina"))[0] == 200
    status, refused = await _say(community, room, "hello?", by="dina")
    assert_refused(status, refused, "REPLACED", "R1")
    for event_type, content in (
        ("m.room.name", {"name": "x"}),
        ("m.room.power_levels", before["m.room.power_levels", ""]),
        ("m.room.tombstone", {"body": "x", "replacement_room": community.rooms["open"]}),
        ("org.belisha.room", before["org.belisha.room", ""]),
    ):
        assert_refused(*await _put(community, room, event_type, content), "REPLACED", "R1")
    assert_refused(*await _post(community, "mona", f"/_matrix/client/v3/join/{quote(room)}"), "REPLACED", "R1")
    status, answer = await community.server.local("POST", f"rooms/{quote(room)}/upgrade")
    assert_refused(status, answer, "REPLACED", "R1")
    status, answer = await community.server.local("PUT", f"rooms/{quote(room)}/policy", {"kind": "open"})
    assert_refused(status, answer, "REPLACED", "R1")

    for name in ("ana", "dina"):
        assert (await request(community[name], "GET", path_of(room, f"event/{item['event_id']}")))[0] == 200
    act = relabel(item["event_id"], "TLP:AMBER")
    path = path_of(room, f"send/org.belisha.relabel/{unique('act')}")
    assert (await request(community["ana"], "PUT", path, act))[0] == 200, "its source stays in charge of it"
    assert (await request(community["ana"], "PUT", path_of(room, f"redact/{item['event_id']}/r"), {}))[0] == 200

    assert (await _post(community, "cora", path_of(new, "kick"), {"user_id": community.id("ana")}))[0] == 200

    async def is_out() -> bool:
        return await joined(community, room, "cora") == {"cora", "dina", "belisha_steward"}

    await until(is_out)
    assert (await request(community["ana"], "GET", path_of(room, f"event/{item['event_id']}")))[0] in (403, 404)


async def test_nobody_upgrades_a_group_by_hand(community: Community) -> None:
    room, bait = await _group(community, "ana", "dina"), community.rooms["open"]
    before = await state_of(community, room, "cora")
    for body in ({"new_version": "11"}, {"new_version": "12"}, {"new_version": "10"}, {"new_version": "x"}):
        for by in ("dina", "cora"):  # who may not write state, and who made the group
            assert_refused(*await _button(community, room, by, body), "NO_UPGRADE", "R1")
    for odd in ({}, {"new_version": ["11"]}, {"new_version": {"a": 1}}, {"new_version": None}, {"new_version": 11}):
        assert_refused(*await _button(community, room, "cora", odd), "NO_UPGRADE", "R1")
    assert (await _button(community, room, "cora", []))[0] == 400
    for nowhere in (room, "!nowhere:belisha.localhost", "!", "x", "#pilots:belisha.localhost"):
        status, answer = await _button(community, nowhere, "emil")
        assert (status, answer["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), nowhere
    for target in (bait, "!nowhere:belisha.localhost", "", None, ["x"]):
        status, answer = await _put(
            community, room, "m.room.tombstone", {"body": "Come here", "replacement_room": target}
        )
        assert status in (400, 403), answer
    assert_refused(
        *await _put(community, room, "m.room.tombstone", {"body": "Come", "replacement_room": bait}), "NO_UPGRADE"
    )
    made = {"preset": "private_chat", "creation_content": {"predecessor": {"room_id": room, "event_id": "$x"}}}
    assert_refused(*await community.create("cora", made), "NO_UPGRADE", "R1")
    assert await state_of(community, room, "cora") == before
    assert query(community, "SELECT 1 FROM belisha_upgrade WHERE old_room_id = ?", room) == []
    assert successors(community, room) == [], "no half room is left behind"


async def test_rooms_of_the_start_are_not_upgraded(community: Community) -> None:
    _, body = await community.server.local("GET", "members")
    own = next(each["service_room"] for each in body["members"] if each["user_id"] == community.id("ana"))
    for room in ("#community", "#announcements", "#stewards", own):
        name = room if room == own else f"{room}:{community.server.name}"
        status, answer = await community.server.local("POST", f"rooms/{quote(name)}/upgrade")
        assert_refused(status, answer, "NO_UPGRADE", "R1")
    assert_refused(*await _button(community, own, "ana"), "NO_UPGRADE", "R1")
    status, answer = await community.server.local("POST", f"rooms/{quote(community.rooms['named'])}/upgrade")
    assert_refused(status, answer, "NO_UPGRADE", "R1")
    assert (await community.server.local("POST", "rooms/!nowhere:belisha.localhost/upgrade"))[0] == 404


async def test_a_room_of_named_people_goes_over_by_the_button_of_who_made_it(community: Community) -> None:
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("finn"), community.id("dina")]}
    status, answer = await community.create("ana", body)
    room = answer["room_id"]
    assert (await _post(community, "finn", f"/_matrix/client/v3/join/{quote(room)}"))[0] == 200
    assert_refused(*await _button(community, room, "finn"), "NO_UPGRADE", "R1")
    for version in ("12", "10", "x", None, ["11"]):
        assert_refused(*await _button(community, room, "ana", {"new_version": version}), "ROOM_VERSION", "R1")
    before = await state_of(community, room, "ana")
    assert (await _say(community, room, "TLP:RED the figures", by="finn"))[0] == 200

    status, answer = await _button(community, room, "ana")
    assert status == 200, answer
    new = answer["replacement_room"]
    await done(community, room)
    state, old_state = await state_of(community, new, "finn"), await state_of(community, room, "finn")
    carried = (*_CARRIED, ("org.belisha.named", ""))
    assert {key: state.get(key) for key in carried} == {key: before.get(key) for key in carried}
    assert await joined(community, new, "ana") == {"ana", "finn"}
    assert state["m.room.member", community.id("dina")]["membership"] == "invite"
    assert old_state["m.room.tombstone", ""]["replacement_room"] == new
    assert state["m.room.create", ""]["predecessor"]["room_id"] == room
    assert (await _say(community, new, "TLP:RED more", by="finn"))[0] == 200
    assert_refused(*await _say(community, room, "hello?", by="ana"), "REPLACED", "R1")
    status, answer = await _post(community, "ana", path_of(new, "invite"), {"user_id": community.id("emil")})
    assert_refused(status, answer, "NOT_NAMED", "M1")
    assert_refused(*await _button(community, room, "ana"), "REPLACED", "R1")


async def test_a_right_that_ends_ends_in_the_old_room_too(community: Community) -> None:
    room = await _group(community, "ana", "dina")
    new = await upgrade(community, room)
    status, body = await community.server.local("PUT", f"rooms/{quote(new)}/policy", {"organisations": ["coastguard"]})
    assert status == 200, body
    for each in (room, new):

        async def is_out(each: str = each) -> bool:
            return await joined(community, each, "cora") == {"cora", "dina", "belisha_steward"}

        await until(is_out)
    newest = await upgrade(community, new)
    assert await joined(community, newest, "cora") == {"cora", "dina", "belisha_steward"}
    assert (await _post(community, "dina", path_of(newest, "leave")))[0] == 200
    for each in (room, new):

        async def has_left(each: str = each) -> bool:
            return await joined(community, each, "cora") == {"cora", "belisha_steward"}

        await until(has_left)


async def test_nothing_is_said_in_a_room_after_its_tombstone(community: Community) -> None:
    for _ in range(3):
        room = await _group(community, "ana", "dina")
        *sent, (status, _) = await asyncio.gather(
            *(_say(community, room, "TLP:AMBER the figures", by=by) for by in ("ana", "dina", "cora") * 3),
            community.server.local("POST", f"rooms/{quote(room)}/upgrade"),
        )
        assert status == 200
        accepted = {body["event_id"] for status, body in sent if status == 200}
        for status, body in sent:
            if status != 200:
                assert_refused(status, body, "REPLACED", "R1")
        await done(community, room)
        order = query(
            community,
            "SELECT event_id, type FROM events WHERE room_id = ? ORDER BY stream_ordering",
            room,
        )
        end = next(place for place, event in enumerate(order) if event["type"] == "m.room.tombstone")
        assert accepted <= {event["event_id"] for event in order[:end]}
        assert not {"m.room.message"} & {event["type"] for event in order[end:]}


async def test_two_upgrades_at_once_have_one_successor(community: Community) -> None:
    room = await _group(community)
    answers = await asyncio.gather(
        *(community.server.local("POST", f"rooms/{quote(room)}/upgrade") for _ in range(4)),
        community.server.local("PUT", f"rooms/{quote(room)}/policy", {"purpose": "blog"}),
    )
    statuses = [status for status, _ in answers]
    assert statuses[:4].count(200) <= 1 and set(statuses) <= {200, 403}
    if 200 in statuses[:4]:
        await done(community, room)
    else:
        await upgrade(community, room)
    assert len(successors(community, room)) == 1


async def test_the_command_upgrades_and_says_where_to(community: Community) -> None:
    room = await _group(community, "ana")
    data = community.server.data
    data_folder.write_run(data, {"homeserver": community.server.url})
    with data_folder.locked(data):
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "belisha", "room", "upgrade", room, "--data", str(data)),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        told, _ = await command.communicate()
    (new,) = successors(community, room)
    assert command.returncode == 0
    assert told.decode().splitlines()[-1] == f"The new room is {new}, with 3 members and bots."
    assert await joined(community, new, "cora") == {"cora", "ana", "belisha_steward"}
