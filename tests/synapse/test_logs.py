"""Nothing that a member writes stands in the homeserver's log, by whatever route it came (X1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.community import Community, unique
from tests.support.logs import logged
from tests.support.server import request
from tests.synapse.samples import text

Json = dict[str, Any]
ROOM, USER = "{room}", "{user}"
#: Where members write words: method, address and body, in which `WORD` is what they wrote.
WRITTEN: dict[str, tuple[str, str, Json]] = {
    "a message": ("PUT", f"rooms/{ROOM}/send/m.room.message/WORDtxn", text("TLP:GREEN WORD")),
    "a search": ("POST", "search", {"search_categories": {"room_events": {"search_term": "WORD"}}}),
    "a search without a place": ("POST", "search?next_batch=x", {"search_categories": {"room_events": "WORD"}}),
    "a search for people": ("POST", "user_directory/search", {"search_term": "WORD"}),
    "a search for groups": ("POST", "publicRooms", {"filter": {"generic_search_term": "WORD"}}),
    "a topic": ("PUT", f"rooms/{ROOM}/state/m.room.topic", {"topic": "WORD"}),
    "a room": ("POST", "createRoom", {"name": "WORD", "topic": "WORD", "preset": "private_chat"}),
    "a name": ("PUT", f"profile/{USER}/displayname", {"displayname": "WORD"}),
    "a reason to leave": ("POST", f"rooms/{ROOM}/leave", {"reason": "WORD"}),
    "a reason to knock": ("POST", f"knock/{ROOM}", {"reason": "WORD"}),
    "a reason to invite": ("POST", f"rooms/{ROOM}/invite", {"user_id": "@nobody:x", "reason": "WORD"}),
    "a report": ("POST", f"rooms/{ROOM}/report/$nothing", {"reason": "WORD"}),
    "a redaction": ("PUT", f"rooms/{ROOM}/redact/$nothing/WORDtxn", {"reason": "WORD"}),
    "account data": ("PUT", f"user/{USER}/account_data/org.example", {"body": "WORD"}),
    "a tag": ("PUT", f"user/{USER}/rooms/{ROOM}/tags/u.x", {"order": "WORD"}),
    "typing": ("PUT", f"rooms/{ROOM}/typing/{USER}", {"typing": True, "timeout": "WORD"}),
    "a reaction": ("PUT", f"rooms/{ROOM}/send/m.reaction/WORDtxn", {"m.relates_to": {"key": "WORD"}}),
    "an unknown type": ("PUT", f"rooms/{ROOM}/send/org.example/WORDtxn", {"body": "WORD"}),
    "what is no JSON of ours": ("PUT", f"rooms/{ROOM}/send/m.room.message/WORDtxn", {"msgtype": 7, "body": "WORD"}),
    "a message to devices": ("PUT", "sendToDevice/m.room_key_request/WORDtxn", {"messages": {USER: {"*": "WORD"}}}),
    "a password": ("POST", "login", {"type": "m.login.password", "user": "nobody", "password": "WORD"}),
    "a push rule": ("PUT", "pushrules/global/content/x", {"pattern": "WORD", "actions": ["WORD"]}),
    "a filter": ("POST", f"user/{USER}/filter", {"room": {"timeline": {"types": "WORD"}}}),
}


@pytest.mark.parametrize("by", ["ana", "finn"])
async def test_no_word_of_a_member_is_logged(community: Community, by: str) -> None:
    """Of a member of the group, and of one who has no right to any of it."""
    client, words = community[by], {}
    room = await community.create("ana", {"preset": "private_chat"})
    for what, (method, path, body) in WRITTEN.items():
        words[what] = unique("unheard-of-")
        address = path.replace(ROOM, quote(room[1]["room_id"])).replace(USER, quote(client.user_id))
        sent = _put(body, words[what], client.user_id)
        await request(client, method, f"/_matrix/client/v3/{address.replace('WORD', unique('w'))}", sent)
    log = await logged(community)
    assert {what for what, word in words.items() if word in log} == set()


async def test_no_warning_is_about_a_clock_of_synapses_own(community: Community) -> None:
    """What an operator would look at otherwise: a line for each event that the module hears of."""
    status, made = await community.create("ana", {"preset": "public_chat"})
    assert status == 200, made
    await request(community["ben"], "POST", f"/_matrix/client/v3/join/{quote(made['room_id'])}", {})
    log = await logged(community)
    assert "createRoom" in log
    assert " WARNING synapse.logging.context " not in log


def _put(body: Any, word: str, user_id: str) -> Any:
    """A body with the word in it."""
    if isinstance(body, dict):
        return {key.replace(USER, user_id): _put(value, word, user_id) for key, value in body.items()}
    if isinstance(body, list):
        return [_put(value, word, user_id) for value in body]
    return body.replace("WORD", word) if isinstance(body, str) else body
