"""What stands around a message or a room is told to whom the message or the room itself would be (M1, P2)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, unique
from tests.support.portal import ask_as_portal
from tests.support.server import request
from tests.synapse.samples import edit, text, thread

Json = dict[str, Any]

_V3 = "/_matrix/client/v3"
_SLIDING = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
_EVERY = {"enabled": True, "lists": ["*"], "rooms": ["*"]}


async def _do(community: Community, who: str, method: str, path: str, body: Json | None = None) -> Json:
    status, answer = await request(community[who], method, f"{_V3}{path}", {} if body is None else body)
    assert status == 200, (path, answer)
    return answer


@pytest_asyncio.fixture(autouse=True)
async def left(community: Community) -> AsyncIterator[None]:
    """Afterwards nobody but ana is in the room: other tests rely on who shares none with whom."""
    yield
    room = community.rooms.pop("around")
    for who in ("ben", "emil"):
        await request(community[who], "POST", f"{_V3}/rooms/{quote(room)}/leave", {})


async def _room(
    community: Community, *members: str, preset: str = "trusted_private_chat", later: tuple[str, ...] = ()
) -> str:
    """A room of ana's with those members, also as `community.rooms["around"]`; `later` are invited, and not in yet."""
    invited = [community.id(name) for name in (*members, *later)]
    status, made = await community.create("ana", {"preset": preset, "invite": invited})
    assert status == 200, made
    community.rooms["around"] = made["room_id"]
    for name in members:
        await _do(community, name, "POST", f"/join/{quote(made['room_id'])}")
    return str(made["room_id"])


# --- Receipts and typing ----------------------------------------------------------------------------------------


async def _slid(community: Community, who: str, room: str, position: str = "") -> Json:
    """What a phone is told that follows all its rooms, and this one by name, from its position on."""
    body = {
        "conn_id": room,
        "lists": {"all": {"ranges": [[0, 99]], "required_state": [], "timeline_limit": 5}},
        "room_subscriptions": {room: {"required_state": [], "timeline_limit": 5}},
        "extensions": {"receipts": _EVERY, "typing": _EVERY, "account_data": _EVERY},
    }
    status, answer = await request(community[who], "POST", f"{_SLIDING}?timeout=0{position}", body)
    assert status == 200, answer
    return answer


async def _read_and_type(community: Community, room: str) -> str:
    event_id = await community.sent(text("The sluice opens at noon"), "around")
    await _do(community, "ben", "POST", f"/rooms/{quote(room)}/receipt/m.read/{quote(event_id)}")
    typing = {"typing": True, "timeout": 30_000}
    await _do(community, "ben", "PUT", f"/rooms/{quote(room)}/typing/{quote(community.id('ben'))}", typing)
    return event_id


@pytest.mark.parametrize("standing", ["invited", "knocking"])
async def test_who_is_not_in_a_room_sees_neither_who_reads_nor_who_types_there(
    community: Community, standing: str
) -> None:
    room = await _room(community, "ben", preset="private_chat")
    if standing == "invited":
        await _do(community, "ana", "POST", f"/rooms/{quote(room)}/invite", {"user_id": community.id("emil")})
    else:
        await _do(community, "emil", "POST", f"/knock/{quote(room)}")
    position = {who: f"&pos={(await _slid(community, who, room))['pos']}" for who in ("ana", "emil")}
    event_id = await _read_and_type(community, room)
    for who, is_told in (("ana", True), ("emil", False)):
        found = await _slid(community, who, room, position[who])
        assert (room in found["extensions"]["receipts"]["rooms"]) is is_told
        assert (room in found["extensions"]["typing"]["rooms"]) is is_told
        assert (event_id in json.dumps(found)) is is_told
    if standing == "knocking":
        await _do(community, "ana", "POST", f"/rooms/{quote(room)}/invite", {"user_id": community.id("emil")})
    await _do(community, "emil", "POST", f"/join/{quote(room)}")
    found = await _slid(community, "emil", room, position["emil"])
    assert event_id in found["extensions"]["receipts"]["rooms"][room]["content"], "and once in, as everybody there"


# --- Edits and threads of events that one sees ------------------------------------------------------------------


async def _told(community: Community, who: str, room: str, events: list[str], since: str) -> dict[str, str]:
    """What each way of reading shows around some events, by the way's name."""
    base = f"{_V3}/rooms/{quote(room)}"
    relations = f"/_matrix/client/v1/rooms/{quote(room)}"
    long = quote(json.dumps({"room": {"rooms": [room], "timeline": {"limit": 50}}}))
    subscribed = {"room_subscriptions": {room: {"required_state": [], "timeline_limit": 50}}}
    sought = {"search_categories": {"room_events": {"search_term": "mooring", "event_context": {}}}}
    ways: dict[str, tuple[str, str, Json | None]] = {
        "messages": ("GET", f"{base}/messages?dir=b&limit=50", None),
        "context": ("GET", f"{base}/context/{quote(events[0])}?limit=50", None),
        "threads": ("GET", f"{relations}/threads", None),
        "sync": ("GET", f"{_V3}/sync?timeout=0&filter={long}", None),
        "sync on": ("GET", f"{_V3}/sync?timeout=0&since={since}&filter={long}", None),
        "sliding sync": ("POST", f"{_SLIDING}?timeout=0", {"conn_id": unique("c"), **subscribed}),
        "search": ("POST", f"{_V3}/search", sought),
        **{f"event {number}": ("GET", f"{base}/event/{quote(one)}", None) for number, one in enumerate(events)},
        **{f"about {one}": ("GET", f"{relations}/relations/{quote(one)}", None) for one in events},
    }
    told = {}
    for name, way in ways.items():
        status, answer = await request(community[who], *way)
        assert status == 200, (name, answer)
        told[name] = json.dumps(answer)
    return told


async def test_who_left_and_came_back_reads_nothing_of_what_was_written_meanwhile(community: Community) -> None:
    room = await _room(community, "ben", "emil")
    events = [await community.sent(text(f"mooring {number}"), "around") for number in range(2)]
    since = (await _do(community, "emil", "GET", "/sync?timeout=0"))["next_batch"]
    await _do(community, "emil", "POST", f"/rooms/{quote(room)}/leave")
    away = [unique("squall"), unique("squall")]
    await community.sent({**text(f"TLP:RED {away[0]}"), **thread(events[0])}, "around")
    await community.sent(edit(events[1], text(f"mooring {away[1]}")), "around")
    await _do(community, "ana", "POST", f"/rooms/{quote(room)}/invite", {"user_id": community.id("emil")})
    await _do(community, "emil", "POST", f"/join/{quote(room)}")
    told = await _told(community, "emil", room, events, since)
    for way, answer in told.items():
        assert not any(word in answer for word in away), way
    for way in ("messages", "context", "event 0", "event 1", "sync on", "search"):
        assert "mooring" in told[way], f"{way}: what was written before is theirs to read"
    entitled = await _told(community, "ben", room, events, since)
    for way in ("messages", "context", "sync on", "search"):
        assert all(word in entitled[way] for word in away), f"{way}: who was there reads it"
    assert away[0] in entitled["event 0"] and away[1] in entitled["event 1"] and away[0] in entitled["threads"]
    # What is written from now on stands around the same events for both.
    later = unique("squall")
    await community.sent({**text(later), **thread(events[0])}, "around")
    for who in ("ben", "emil"):
        assert later in json.dumps(await _do(community, who, "GET", f"/rooms/{quote(room)}/event/{quote(events[0])}"))


# --- Search -----------------------------------------------------------------------------------------------------


async def _search(community: Community, who: str, word: str, order: str) -> Json:
    sought = {"search_categories": {"room_events": {"search_term": word, "order_by": order}}}
    found: Json = (await _do(community, who, "POST", "/search", sought))["search_categories"]["room_events"]
    return found


async def test_a_search_counts_nothing_that_it_may_not_show(community: Community) -> None:
    room = await _room(community, "ben", later=("emil",))
    word = unique("kraken")
    await community.sent(text(f"TLP:RED The {word} is at berth 14"), "around")
    await _do(community, "emil", "POST", f"/join/{quote(room)}")
    for order in ("rank", "recent"):
        unsaid = await _search(community, "emil", unique("unsaid"), order)
        assert await _search(community, "emil", word, order) == unsaid, "as if it had not been said"
        found = await _search(community, "ben", word, order)
        assert (found["count"], found["highlights"], len(found["results"])) == (1, [word], 1)


async def test_the_portal_finds_no_edit_from_while_one_was_away(community: Community) -> None:
    room = await _room(community, "ben", "emil", preset="private_chat")
    path = f"/rooms/{quote(room)}/state/m.room.history_visibility/"
    await _do(community, "ana", "PUT", path, {"history_visibility": "invited"})
    word, away = unique("derrick"), unique("squall")
    event = await community.sent(text(f"The {word}"), "around")
    await _do(community, "emil", "POST", f"/rooms/{quote(room)}/leave")
    await community.sent(edit(event, text(f"The {word} {away}")), "around")
    await _do(community, "ana", "POST", f"/rooms/{quote(room)}/invite", {"user_id": community.id("emil")})
    await _do(community, "emil", "POST", f"/join/{quote(room)}")
    for who, said in (("emil", f"The {word}"), ("ben", f"The {word} {away}")):
        status, answer = await ask_as_portal(community, {"user_id": community.id(who), "words": word}, name="messages")
        assert status == 200, answer
        assert [hit["text"] for hit in answer["hits"]] == [said], who
