"""Whoever is not in a room reads nothing of it, however their membership ended (M1)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.community import Community
from tests.support.server import request
from tests.synapse.samples import text

Json = dict[str, Any]

_SECRET = "the sluice opens at noon"
#: How a membership that never became a joined one can end: what is done, by whom (a maintainer or emil himself).
_ENDS = {
    "a knock taken back": (("emil", "knock"), ("emil", "leave")),
    "a knock refused": (("emil", "knock"), ("ana", "kick")),
    "an invitation declined": (("ana", "invite"), ("emil", "leave")),
    "an invitation taken back": (("ana", "invite"), ("ana", "kick")),
    "a ban lifted": (("ana", "ban"), ("ana", "unban")),
    "left, and a knock taken back": (
        ("ana", "invite"),
        ("emil", "join"),
        ("emil", "leave"),
        ("emil", "knock"),
        ("emil", "leave"),
    ),
}
_SLIDING = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
_ALL = {"lists": {"all": {"ranges": [[0, 99]], "required_state": [["*", "*"]], "timeline_limit": 50}}}


async def _act(community: Community, by: str, what: str, room: str) -> None:
    path = f"/_matrix/client/v3/{what}/{quote(room)}"
    if what in ("leave", "kick", "ban", "unban", "invite"):
        path = f"/_matrix/client/v3/rooms/{quote(room)}/{what}"
    body = {} if by == "emil" else {"user_id": community.id("emil")}
    assert (await request(community[by], "POST", path, body))[0] == 200, what


async def _told(community: Community, who: str, room: str, since: str) -> dict[str, Json]:
    """Everything that can be asked for about the past of a room, by the name of the way; what was refused is not."""
    base = f"/_matrix/client/v3/rooms/{quote(room)}"
    leave = quote(json.dumps({"room": {"include_leave": True}}))
    ways = {
        "messages": ("GET", f"{base}/messages?dir=b&limit=50", None),
        "members": ("GET", f"{base}/members", None),
        "state": ("GET", f"{base}/state", None),
        "room initialSync": ("GET", f"{base}/initialSync", None),
        "initialSync": ("GET", "/_matrix/client/v3/initialSync?archived=true&limit=50", None),
        "sync": ("GET", f"/_matrix/client/v3/sync?timeout=0&since={since}", None),
        "sync with what was left": ("GET", f"/_matrix/client/v3/sync?timeout=0&filter={leave}", None),
        "sliding sync": ("POST", f"{_SLIDING}?timeout=0", _ALL),
        "sliding subscription": (
            "POST",
            f"{_SLIDING}?timeout=0",
            {"room_subscriptions": {room: {"required_state": [["*", "*"]], "timeline_limit": 50}}},
        ),
    }
    told = {}
    for name, (method, path, body) in ways.items():
        status, answer = await request(community[who], method, path, body)
        assert status < 500, name
        if status == 200:
            told[name] = answer
    return told


@pytest.mark.parametrize("end", _ENDS)
async def test_who_never_came_in_reads_nothing(community: Community, end: str) -> None:
    status, made = await community.create("ana", {"preset": "private_chat", "name": "Sluice"})
    assert status == 200
    room = made["room_id"]
    # Synapse keeps the answer to a first sync for two minutes: each of ours is another.
    first_sync = f"/_matrix/client/v3/sync?timeout=0&filter={quote(json.dumps({'room': {'rooms': [room]}}))}"
    _, before = await request(community["emil"], "GET", first_sync)
    community.rooms["departed"] = room
    try:
        *first, last = _ENDS[end]
        for by, what in first:
            await _act(community, by, what, room)
        await community.sent(text(_SECRET), "departed")
        await _act(community, *last, room)
        told = await _told(community, "emil", room, before["next_batch"])
        for way, answer in told.items():
            assert _SECRET not in json.dumps(answer), way
            assert "Sluice" not in json.dumps(answer), way
        assert not {"messages", "members", "state", "room initialSync"} & set(told)
        # Their client is told that it is over.
        assert room in told["sync"]["rooms"]["leave"]
        entitled = await _told(community, "ana", room, before["next_batch"])
        for way in set(entitled) - {"sync"}:
            assert _SECRET in json.dumps(entitled[way]) or way in ("members", "state"), way
    finally:
        del community.rooms["departed"]
