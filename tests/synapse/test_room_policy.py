"""Changing a group's policy for real: never wider than what it holds, and no message slips between."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.community import Community, wish
from tests.support.server import request
from tests.synapse.samples import text

Json = dict[str, Any]


async def _group(community: Community, *organisations: str, by: str = "cora") -> str:
    body = {"preset": "private_chat", "initial_state": [wish("closed", *organisations)]}
    status, answer = await community.create(by, body)
    assert status == 200, answer
    return str(answer["room_id"])


async def _change(community: Community, room: str, **wanted: Any) -> tuple[int, Json]:
    return await community.server.local("PUT", f"rooms/{quote(room)}/policy", wanted)


async def _state(community: Community, room: str, event_type: str, by: str = "cora") -> Json:
    path = f"/_matrix/client/v3/rooms/{quote(room)}/state/{event_type}/"
    return (await request(community[by], "GET", path))[1]


async def _send(
    community: Community, room: str, body: str, transaction: str = "t", by: str = "cora"
) -> tuple[int, Json]:
    path = f"/_matrix/client/v3/rooms/{quote(room)}/send/m.room.message/{transaction}"
    return await request(community[by], "PUT", path, text(body))


async def test_a_group_is_opened_only_where_nothing_in_it_is_stricter(community: Community) -> None:
    room = await _group(community)
    status, sent = await _send(community, room, "TLP:AMBER the figures")
    assert status == 200
    status, body = await _change(community, room, kind="open")
    assert (status, body["errcode"], body["org.belisha.rule"]) == (403, "ORG.BELISHA.HOLDS_STRICTER", "R1")
    assert (await _state(community, room, "org.belisha.room"))["kind"] == "closed"
    assert (await _state(community, room, "m.room.join_rules"))["join_rule"] == "knock"
    assert (await _send(community, room, "TLP:AMBER more", "t2"))[0] == 200, "the room is as it was"

    path = f"/_matrix/client/v3/rooms/{quote(room)}/redact/"
    _, more = await _send(community, room, "TLP:AMBER more", "t2")
    for number, event in enumerate((sent, more)):
        assert (await request(community["cora"], "PUT", f"{path}{event['event_id']}/r{number}", {}))[0] == 200
    status, body = await _change(community, room, kind="open")
    assert (status, body["kind"], body["ceiling"]) == (200, "open", "TLP:GREEN")
    assert (await _state(community, room, "m.room.join_rules"))["join_rule"] == "public"
    assert (await request(community["emil"], "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 200


async def test_listing_fewer_organisations_sends_the_others_away(community: Community) -> None:
    room = await _group(community, "harbour", "coastguard")
    assert (await request(community["cora"], "POST", f"/_matrix/client/v3/rooms/{quote(room)}/invite",
                          {"user_id": community.id("ana")}))[0] == 200  # fmt: skip
    assert (await request(community["ana"], "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 200
    status, body = await _change(community, room, organisations=["coastguard"])
    assert (status, body["organisations"]) == (200, ["coastguard"])
    assert (await _send(community, room, "hello", by="ana"))[0] == 403
    path = f"/_matrix/client/v3/rooms/{quote(room)}/joined_members"
    people = set((await request(community["cora"], "GET", path))[1]["joined"])
    assert people - {community.id("steward")} == {community.id("cora")}, "the bot comes in its own time"
    assert (await _change(community, room, organisations=["coastguard", "nowhere"]))[0] == 403
    assert (await _change(community, community.rooms["named"], kind="open"))[0] == 403
    assert (await _change(community, "!nowhere:belisha.localhost", kind="open"))[0] == 404
    assert (await _change(community, room, kind="wide"))[0] == 400


@pytest.mark.full
async def test_a_message_and_a_widening_are_never_both_accepted(community: Community) -> None:
    both = []
    for number in range(20):
        room = await _group(community)
        sent, changed = await asyncio.gather(
            _send(community, room, "TLP:AMBER the figures"), _change(community, room, kind="open")
        )
        both.append((sent[0], changed[0]))
        policy = await _state(community, room, "org.belisha.room")
        assert policy["kind"] == ("open" if changed[0] == 200 else "closed"), number
    assert (200, 200) not in both
    assert {status for pair in both for status in pair} <= {200, 403}


async def test_a_change_cut_short_goes_back_at_the_next_start(community: Community) -> None:
    room = await _group(community)
    policy = await _state(community, room, "org.belisha.room")
    assert (await _change(community, room, kind="open"))[0] == 200
    community.server.change("INSERT INTO belisha_room VALUES (?, ?)", room, json.dumps(policy))
    community.server.stop()
    await community.server.start()
    assert (await _state(community, room, "org.belisha.room"))["kind"] == "closed"
    assert (await _state(community, room, "m.room.join_rules"))["join_rule"] == "knock"
    assert community.server.query("SELECT room_id FROM belisha_room") == []
