"""Rooms of every kind with secret words in them, and every standing that somebody can have to them.

Who has left, was removed or frozen was there when the words were written; whoever is invited or knocks came after.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from tests.leaks.ground import V3, Ground, Place, room_path
from tests.leaks.words import LABELS, SEARCHED, WRITTEN, Word
from tests.support.community import LABEL_KEY, unique, wish
from tests.support.files import mxc, png
from tests.support.ledger import change, query
from tests.synapse.samples import edit, html, poll, text, thread

Json = dict[str, Any]

#: Who wrote the words, and to whom the same requests show them.
MEMBER: Final = "ana"
#: Who is told of them by the others' notifications; in every room but the service room.
READER: Final = "ben"
#: standing -> who has it, wherever a kind of room knows it.
STANDINGS: Final = {
    "no token": "nobody",
    "outsider": "olga",
    "other organisation": "emil",
    "administrator": "ada",
    "no organisation": "nell",
    "frozen": "fred",
    "left": "lars",
    "kicked": "kim",
    "banned": "bo",
    "invitee": "ivo",
    "knocker": "nia",
    "bot": "steward",
}
#: Those who were never in the room: it is not even named to them.
STRANGERS: Final = ("no token", "outsider", "other organisation", "administrator", "bot")
#: kind -> the standings that nobody can have there, and why.
NOT_THERE: Final = {
    "open": {"knocker": "every member may join", "bot": "the bot is in every group"},
    "closed": {"bot": "the bot is in every group"},
    "strict": {"bot": "the bot is in every group"},
    "named": {"knocker": "only the people named come in"},
    "service": {
        "knocker": "it is for one member and one bot",
        "invitee": "it is for one member, who is in it",
        "bot": "the bot is in it",
    },
    "space": {"knocker": "a space of members is by invitation", "bot": "the bot is in every space"},
}
_WHO_WERE_IN: Final = ("lars", "kim", "bo", "fred", "nell")
_MAKERS: Final = {"strict": "cora", "service": "steward"}
SLIDING: Final = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
PIN: Final = "org.example.note"


async def make_places(ground: Ground, kinds: Iterable[str], labels: dict[str, tuple[str, ...]] | None = None) -> None:
    """Makes the rooms of those kinds with their words, and then lets everybody take up their standing."""
    kinds = tuple(kinds)
    await asyncio.gather(*(_make(ground, kind, (labels or LABELS)[kind]) for kind in kinds))
    await _note_tokens(ground, ground.before)
    await asyncio.gather(*(_items(ground, place, label) for place in ground.places.values() for label in place.events))
    if kinds:
        await _own_words(ground, ground.places[kinds[0]])
    await _note_tokens(ground, ground.since)
    await asyncio.gather(*(_leave(ground, ground.places[kind]) for kind in kinds))
    await _end_rights(ground)
    for place in ground.places.values():
        absent = NOT_THERE[place.kind]
        place.standings = {standing: who for standing, who in STANDINGS.items() if standing not in absent}
        for label in place.events:
            await _write(ground, place, label, "later", text(f"{SEARCHED} {Word(place.kind, label, 'later')}"))
    for place in ground.places.values():
        await _redact(ground, place)


async def sliding_sync_is_ready(ground: Ground) -> None:
    """Waits until sliding sync works as it does for good: on a new database another way of it is taken at first."""
    for _ in range(600):
        if not query(ground.community, "SELECT 1 FROM background_updates WHERE update_name LIKE 'sliding_sync%'"):
            return
        await asyncio.sleep(0.2)
    raise AssertionError("sliding sync's tables are not filled")


async def _make(ground: Ground, kind: str, labels: tuple[str, ...]) -> None:
    maker = _MAKERS.get(kind, "ana")
    were_in = [name for name in _WHO_WERE_IN if not (kind == "strict" and name == "nell")]
    asked, others = _request(kind), [name for name in (*were_in, READER, MEMBER) if name != maker]
    if kind == "named":
        asked["invite"] = [ground.id(name) for name in (*others, "ivo")]
    elif kind == "service":
        asked["invite"], others = [ground.id(others[0])], []
    else:
        asked["invite"] = [ground.id(name) for name in others]
    body = await ground.do(maker, "POST", f"{V3}/createRoom", asked)
    place = ground.places[kind] = Place(kind, body["room_id"], maker)
    if kind == "service":
        await _one_after_the_other(ground, place, were_in)
    else:
        await asyncio.gather(
            *(ground.do(name, "POST", f"{V3}/join/{quote(place.room, safe='')}", {}) for name in others)
        )
    if kind in ("open", "closed", "strict"):
        alias = quote(f"#{Word(kind, 'none', 'alias')}:{ground.community.server.name}", safe="")
        await ground.do(maker, "PUT", f"{V3}/directory/room/{alias}", {"room_id": place.room})
    for label in labels:
        place.events[label] = {}


async def _note_tokens(ground: Ground, tokens: dict[str, str]) -> None:
    """Notes how far the feed of everybody is who is in rooms now."""
    for name in (*_WHO_WERE_IN, READER, MEMBER):
        body = await ground.do(name, "GET", f"{V3}/sync?timeout=0")
        tokens[name] = body["next_batch"]
        if tokens is ground.before:
            lists = {
                "conn_id": "past",
                "lists": {"all": {"ranges": [[0, 99]], "timeline_limit": 1, "required_state": []}},
            }
            body = await ground.do(name, "POST", f"{SLIDING}?timeout=0", lists)
            ground.position[name] = body["pos"]


def _request(kind: str) -> Json:
    if kind == "named":
        return {"preset": "trusted_private_chat", "is_direct": True}
    if kind == "service":
        return {"preset": "trusted_private_chat", "is_direct": True}
    names = {part: f"Harbour {Word(kind, 'none', part)}" for part in ("name", "topic")}
    if kind == "space":
        return {**names, "preset": "private_chat", "creation_content": {"type": "m.space"}}
    more = {"initial_state": [wish("closed", "harbour", "coastguard")]} if kind == "strict" else {}
    return {**names, "preset": "public_chat" if kind == "open" else "private_chat", **more}


async def _one_after_the_other(ground: Ground, place: Place, were_in: list[str]) -> None:
    """The standings to a room of one member and the bot: each was that member, and no two at once."""
    for name in were_in:
        if name != were_in[0]:
            await ground.do("steward", "POST", room_path(place.room, "invite"), {"user_id": ground.id(name)})
        await ground.do(name, "POST", f"{V3}/join/{quote(place.room, safe='')}", {})
        early = text(f"{SEARCHED} {Word('service', 'none', 'early')}")
        await ground.do("steward", "PUT", room_path(place.room, f"send/m.room.message/{unique('e')}"), early)
        await _go(ground, place, name)
        if name in ("fred", "nell"):
            await ground.do(name, "POST", room_path(place.room, "leave"), {})
    await ground.do("steward", "POST", room_path(place.room, "invite"), {"user_id": ground.id(MEMBER)})
    await ground.do(MEMBER, "POST", f"{V3}/join/{quote(place.room, safe='')}", {})


async def _items(ground: Ground, place: Place, label: str) -> None:
    def word(part: str) -> str:
        return str(Word(place.kind, label, part))

    body = await _write(
        ground,
        place,
        label,
        "body",
        html(f"{SEARCHED} {word('body')}", f"<p>{SEARCHED} {word('body')} {word('formatted')}</p>"),
    )
    # A picture with a word behind its end: whole to who may open it, and small to who may see its thumbnail.
    shared, gone_with = [await ground.upload(MEMBER, png() + word(part).encode()) for part in ("file", "withdrawnfile")]
    place.files[label] = (shared, gone_with)
    file = {"msgtype": "m.file", "body": f"{SEARCHED} {word('caption')}", "filename": f"{word('filename')}.csv"}
    await _write(ground, place, label, "caption", {**file, "url": mxc(ground.community, shared)})
    question = poll(f"{SEARCHED} {word('question')}", word("answer"), "No")
    await _write(ground, place, label, "question", question, "org.matrix.msc3381.poll.start")
    first = await _write(ground, place, label, "first", text("As it was"))
    await _write(ground, place, label, "edited", edit(first, text(f"{SEARCHED} {word('edited')}")))
    await _write(ground, place, label, "thread", text(f"{SEARCHED} {word('thread')}") | thread(body))
    withdrawn = text(f"{SEARCHED} {word('withdrawn')}", url=mxc(ground.community, gone_with))
    gone = await _write(ground, place, label, "withdrawn", withdrawn)
    await _write(ground, place, label, "withdrawnedit", edit(gone, text(f"{SEARCHED} {word('withdrawnedit')}")))


async def _write(
    ground: Ground, place: Place, label: str, part: str, content: Json, event_type: str = "m.room.message"
) -> str:
    """Sends one item as its label says; its event id."""
    written = WRITTEN[label]
    key = {LABEL_KEY: {"label": written}} if written else {}
    content = {**content, **key}
    if "m.new_content" in content:
        content["m.new_content"] = {**content["m.new_content"], **key}
    # The bot is no source in a room of others: members write wherever there are any.
    who = MEMBER
    body = await ground.do(who, "PUT", room_path(place.room, f"send/{event_type}/{unique('w')}"), content)
    place.events[label][part] = body["event_id"]
    return str(body["event_id"])


async def _redact(ground: Ground, place: Place) -> None:
    """Withdraws the items that are to be withdrawn, and waits until their edits are gone as well."""
    for label, events in place.events.items():
        path = room_path(place.room, f"redact/{quote(events['withdrawn'], safe='')}/{unique('r')}")
        await ground.do(MEMBER, "PUT", path, {})
        gone = room_path(place.room, f"event/{quote(events['withdrawnedit'], safe='')}")
        for _ in range(1200):
            if str(Word(place.kind, label, "withdrawnedit")) not in (await ground.ask(MEMBER, "GET", gone))[1]:
                break
            await asyncio.sleep(0.05)


async def _go(ground: Ground, place: Place, name: str) -> None:
    """Leaves, or is made to."""
    if name == "lars":
        await ground.do(name, "POST", room_path(place.room, "leave"), {})
    elif name in ("kim", "bo"):
        act = "kick" if name == "kim" else "ban"
        await ground.do(place.maker, "POST", room_path(place.room, act), {"user_id": ground.id(name)})


async def _leave(ground: Ground, place: Place) -> None:
    if place.kind != "service":
        for name in ("lars", "kim", "bo"):
            await _go(ground, place, name)
    if "invitee" not in NOT_THERE[place.kind] and place.kind != "named":
        await ground.do(place.maker, "POST", room_path(place.room, "invite"), {"user_id": ground.id("ivo")})
    if "knocker" not in NOT_THERE[place.kind]:
        await ground.do("nia", "POST", f"{V3}/knock/{quote(place.room, safe='')}", {})


async def _end_rights(ground: Ground) -> None:
    """Freezes one, takes another's organisation away, and waits until both are out of every room but the bot's."""
    server = ground.community.server
    for path, standing in (("standing/members/fred", "frozen"), ("standing/organisations/ghosts", "removed")):
        status, body = await server.local("PUT", path, {"standing": standing})
        assert status == 200, body
    rooms = {place.room for place in ground.places.values()}
    for _ in range(1200):
        found = query(
            ground.community,
            "SELECT room_id FROM local_current_membership WHERE membership = 'join' AND user_id IN (?, ?)",
            ground.id("fred"),
            ground.id("nell"),
        )
        status, body = await server.local("GET", "status")
        if not rooms & {row["room_id"] for row in found} and body["reviews"] == 0:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("who lost their rights are still in rooms")
    # A session that survives the freezing, as if it had been forgotten, and every review after it (a membership that is
    # caught up asks for one): the door behind it is to hold by itself.
    ground.tokens["fred"] = "a-token-that-was-forgotten"
    change(
        ground.community,
        "INSERT INTO access_tokens (id, user_id, token, device_id) SELECT MAX(id) + 1000, ?, ?, ? FROM access_tokens",
        ground.id("fred"),
        ground.tokens["fred"],
        "FORGOTTEN",
    )
    change(
        ground.community,
        "CREATE TRIGGER forgotten BEFORE DELETE ON access_tokens WHEN OLD.device_id = 'FORGOTTEN'"
        " BEGIN SELECT RAISE(IGNORE); END",
    )


async def _own_words(ground: Ground, place: Place) -> None:
    """Words in what is ana's alone: account data, tags, a filter, a rule for notifications, a backup of keys."""

    def word(part: str) -> str:
        return str(Word("own", "none", part))

    me, room = quote(ground.id(MEMBER), safe=""), quote(place.room, safe="")
    user = f"{V3}/user/{me}"
    await ground.do(MEMBER, "PUT", f"{user}/account_data/{PIN}", {"note": word("account")})
    await ground.do(MEMBER, "PUT", f"{user}/rooms/{room}/account_data/{PIN}", {"note": word("inroom")})
    await ground.do(MEMBER, "PUT", f"{user}/rooms/{room}/tags/u.{word('tag')}", {"order": 0.5})
    body = await ground.do(MEMBER, "POST", f"{user}/filter", {"room": {"timeline": {"types": [word("filter")]}}})
    ground.own["filter_id"] = str(body["filter_id"])
    rule = {"pattern": word("rule"), "actions": ["notify"]}
    await ground.do(MEMBER, "PUT", f"{V3}/pushrules/global/content/{unique('rule')}", rule)
    backup = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {"public_key": word("backup")}}
    version = await ground.do(MEMBER, "POST", f"{V3}/room_keys/version", backup)
    ground.own["version"] = str(version["version"])
    key = {"first_message_index": 0, "forwarded_count": 0, "is_verified": True, "session_data": {"x": word("key")}}
    path = f"{V3}/room_keys/keys/{room}/session?version={ground.own['version']}"
    await ground.do(MEMBER, "PUT", path, key)
    ground.own["session_id"] = "session"
    devices = await ground.do(MEMBER, "GET", f"{V3}/devices")
    ground.own["device_id"] = json.loads(json.dumps(devices["devices"]))[0]["device_id"]
