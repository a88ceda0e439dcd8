"""What stands around a message or a room, told to whom the message or the room itself would not be (rules M1 and P2).

Each makes a room of its own, and says whether somebody is told there what they may not know; who may is told it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from tests.leaks.ground import V3, Ground, room_path
from tests.leaks.places import SLIDING
from tests.support.community import unique
from tests.support.portal import ask_as_portal
from tests.synapse.samples import edit, text, thread

Json = dict[str, Any]


async def _room(ground: Ground, *members: str, invited: tuple[str, ...] = (), history: str = "shared") -> str:
    """A closed group of ana's, with those in it and those invited; its id."""
    asked = {
        "preset": "private_chat",
        "name": "Weir",
        "invite": [ground.id(name) for name in (*members, *invited)],
        "initial_state": [{"type": "m.room.history_visibility", "content": {"history_visibility": history}}],
    }
    room = str((await ground.do("ana", "POST", f"{V3}/createRoom", asked))["room_id"])
    for name in members:
        await ground.do(name, "POST", f"{V3}/join/{quote(room, safe='')}", {})
    return room


async def _say(ground: Ground, room: str, content: Json) -> str:
    sent = await ground.do("ana", "PUT", room_path(room, f"send/m.room.message/{unique('s')}"), content)
    return str(sent["event_id"])


async def _slid(ground: Ground, who: str, room: str, extension: str, position: str = "") -> Json:
    """What a phone is told that follows all its rooms, from its position on."""
    asked = {
        "conn_id": room,
        "lists": {"all": {"ranges": [[0, 99]], "required_state": [], "timeline_limit": 1}},
        "extensions": {extension: {"enabled": True, "lists": ["*"], "rooms": ["*"]}},
    }
    return await ground.do(who, "POST", f"{SLIDING}?timeout=0{position}", asked)


async def _watched(ground: Ground, extension: str, act: Callable[[str, str], Awaitable[Any]]) -> bool:
    """Whether somebody who is only invited is told what a member does in a room; another member is."""
    room = await _room(ground, "ben", invited=("emil",))
    event_id = await _say(ground, room, text("Slack water"))
    positions = {who: f"&pos={(await _slid(ground, who, room, extension))['pos']}" for who in ("ana", "emil")}
    await act(room, event_id)
    told = {
        who: room in (await _slid(ground, who, room, extension, position))["extensions"][extension]["rooms"]
        for who, position in positions.items()
    }
    assert told["ana"], "a member is told"
    return told["emil"]


async def receipts(ground: Ground) -> bool:
    """Whether somebody who is only invited is told who reads in a room."""

    async def read(room: str, event_id: str) -> None:
        await ground.do("ben", "POST", room_path(room, f"receipt/m.read/{quote(event_id, safe='')}"), {})

    return await _watched(ground, "receipts", read)


async def typing(ground: Ground) -> bool:
    """Whether somebody who is only invited is told who types in a room."""

    async def type_on(room: str, _event_id: str) -> None:
        path = room_path(room, f"typing/{quote(ground.id('ben'), safe='')}")
        await ground.do("ben", "PUT", path, {"typing": True, "timeout": 30_000})

    return await _watched(ground, "typing", type_on)


async def _away(ground: Ground, write: Callable[[str, str, str], Awaitable[Any]]) -> tuple[str, str, str]:
    """A room that tim was in, was away from while something was written, and is in again; its event, and the word."""
    room = await _room(ground, "ben", "tim", history="invited")
    event_id, word = await _say(ground, room, text("Mooring")), unique("squall")
    await ground.do("tim", "POST", room_path(room, "leave"), {})
    await write(room, event_id, word)
    await ground.do("ana", "POST", room_path(room, "invite"), {"user_id": ground.id("tim")})
    await ground.do("tim", "POST", f"{V3}/join/{quote(room, safe='')}", {})
    return room, event_id, word


async def _bundled(ground: Ground, content: Callable[[str, str], Json]) -> bool:
    """Whether somebody who was away reads what was written meanwhile around an event; who was there does."""

    async def write(room: str, event_id: str, word: str) -> None:
        await _say(ground, room, content(event_id, word))

    room, event_id, word = await _away(ground, write)
    path = room_path(room, f"event/{quote(event_id, safe='')}")
    told = {who: json.dumps(await ground.do(who, "GET", path)) for who in ("ben", "tim")}
    assert word in told["ben"], "who was there reads it"
    return word in told["tim"]


async def edits(ground: Ground) -> bool:
    """Whether an edit is read by somebody who was away."""
    return await _bundled(ground, lambda event_id, word: edit(event_id, text(word)))


async def threads(ground: Ground) -> bool:
    """Whether the newest answer of a thread is read by somebody who was away."""
    return await _bundled(ground, lambda event_id, word: text(word) | thread(event_id))


async def counts(ground: Ground) -> bool:
    """Whether a search counts what it does not show to somebody who was away; it counts it to who was there."""

    async def write(room: str, _event_id: str, word: str) -> None:
        await _say(ground, room, text(word))

    _room_id, _event, word = await _away(ground, write)
    asked = {"search_categories": {"room_events": {"search_term": word, "order_by": "recent"}}}
    found = {
        who: (await ground.do(who, "POST", f"{V3}/search", asked))["search_categories"]["room_events"]
        for who in ("ben", "tim")
    }
    assert (found["ben"]["count"], found["ben"]["highlights"]) == (1, [word])
    assert not found["tim"]["results"], "the message itself Synapse shows them in no case"
    return bool(found["tim"]["count"] or found["tim"]["highlights"])


async def portal_edits(ground: Ground) -> bool:
    """Whether the portal's search shows an edit to somebody who was away; to who was there it does."""

    async def write(room: str, event_id: str, word: str) -> None:
        await _say(ground, room, edit(event_id, text(f"Mooring {word}")))

    room, _event, word = await _away(ground, write)
    told = {}
    for who in ("ben", "tim"):
        asked = {"user_id": ground.id(who), "words": "mooring"}
        status, answer = await ask_as_portal(ground.community, asked, name="messages")
        assert status == 200, answer
        told[who] = next(hit["text"] for hit in answer["hits"] if hit["room_id"] == room)
    assert told["ben"] == f"Mooring {word}" and told["tim"].startswith("Mooring")
    return word in told["tim"]


SEEN: Final[Mapping[str, Callable[[Ground], Awaitable[bool]]]] = {
    "receipts told to who is only invited": receipts,
    "typing told to who is only invited": typing,
    "an edit from while one was away": edits,
    "an answer in a thread from while one was away": threads,
    "a count of what a search may not show": counts,
    "an edit from while one was away, by the portal's search": portal_edits,
}
