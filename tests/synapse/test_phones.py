"""What Element X does with each feature, at the level of the requests that it makes: each row of docs/phones.md."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.support.community import Community, assert_sentence, label_of, unique
from tests.support.portal import ask_as_portal
from tests.support.server import request
from tests.synapse.samples import SAMPLES, edit, poll, reply, text, thread

Json = dict[str, Any]

_V3: Final = "/_matrix/client/v3"
_SLIDING: Final = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
_ANSWERS: Final = [{"m.id": name, "m.text": [{"body": name}]} for name in ("Ana", "Ben")]
_PAGE: Final = Path(__file__).parents[2] / "docs" / "phones.md"


async def _slid(community: Community, who: str, room: str) -> Json:
    """A sliding sync as Element X opens a room: its newest messages and the state that it draws with."""
    body = {
        "conn_id": unique("room-list"),
        "lists": {"all_rooms": {"ranges": [[0, 19]], "timeline_limit": 1, "required_state": [["m.room.name", ""]]}},
        "room_subscriptions": {room: {"timeline_limit": 20, "required_state": [["m.room.member", "$LAZY"]]}},
        "extensions": {name: {"enabled": True} for name in ("to_device", "e2ee", "account_data", "receipts", "typing")},
    }
    status, answer = await request(community[who], "POST", f"{_SLIDING}?timeout=0", body)
    assert status == 200, answer
    return answer


async def _seen(community: Community, content: Json, event_type: str = "m.room.message") -> Json:
    """What somebody else's phone gets of what ana sends into the closed group."""
    room = community.rooms["closed"]
    event_id = await community.sent(content, "closed", event_type=event_type)
    timeline = (await _slid(community, "dina", room))["rooms"][room]["timeline"]
    found: Json = next(event["content"] for event in timeline if event["event_id"] == event_id)
    return found


async def _badge(community: Community) -> None:
    seen = await _seen(community, SAMPLES["text with html"][1])
    assert seen["body"].startswith("[TLP:AMBER] ") and label_of(seen) == "TLP:AMBER"
    assert seen["formatted_body"].startswith('<span data-mx-bg-color="#000000" data-mx-color="#FFC000">[TLP:AMBER]')
    plain = await community.sent(text("The pump"), "closed")
    edited = await _seen(community, edit(plain, text("The other pump")))
    assert edited["m.new_content"]["body"] == "[TLP:AMBER] The other pump"


async def _caption(community: Community) -> None:
    told = await _seen(community, SAMPLES["image with caption"][1])
    assert (told["filename"], told["body"]) == ("buoy.png", "[TLP:AMBER] Buoy 7, from the north")
    bare = await _seen(community, SAMPLES["image"][1])
    assert bare["filename"] == "buoy.png" and bare["body"].startswith("[TLP:AMBER]")


async def _reply(community: Community) -> None:
    parent = await community.sent(text("TLP:AMBER The pump"), "closed")
    for related in (reply(parent), thread(parent)):
        assert label_of(await _seen(community, {**text("TLP:GREEN Since when?"), **related})) == "TLP:AMBER"


async def _poll(community: Community) -> None:
    unstable = await _seen(community, poll("Who comes?", "Ana", "Ben"), "org.matrix.msc3381.poll.start")
    question = unstable["org.matrix.msc3381.poll.start"]["question"]
    assert label_of(unstable) == "TLP:AMBER" and "[TLP:AMBER] Who comes?" in str(question)
    final = {"m.poll": {"kind": "m.disclosed", "question": {"m.text": [{"body": "Who?"}]}, "answers": _ANSWERS}}
    told = await _seen(community, {**final, "m.text": [{"body": "Who? Ana, Ben"}]}, "m.poll.start")
    assert label_of(told) == "TLP:AMBER"


async def _refusal(community: Community) -> None:
    word = unique("bollard")
    status, answer = await community.put("dina", "closed", text(f"TLP:RED {word}"))
    assert (status, answer["errcode"]) == (403, "ORG.BELISHA.ABOVE_CEILING")
    assert_sentence(answer["error"])
    _, body = await community.server.local("GET", "members")
    dina = community.id("dina")
    own = next(member["service_room"] for member in body["members"] if member["user_id"] == dina)
    for _ in range(600):
        timeline = (await _slid(community, "dina", own))["rooms"][own]["timeline"]
        if told := [str(event["content"]) for event in timeline if "was not sent" in str(event["content"])]:
            break
        await asyncio.sleep(0.1)
    assert told and word not in "".join(told)


async def _sign_in(community: Community) -> None:
    _, flows = await request(community["ana"], "GET", f"{_V3}/login")
    offered = {flow["type"] for flow in flows["flows"]}
    assert "m.login.password" in offered and not {"m.login.sso", "m.login.cas", "m.login.token"} & offered
    status, _ = await request(community["ana"], "GET", "/_matrix/client/v1/auth_metadata")
    assert status == 404, "no Matrix Authentication Service: Element X then asks for the password"
    _, known = await request(community["ana"], "GET", "/.well-known/matrix/client")
    assert known["m.homeserver"]["base_url"]
    _, versions = await request(community["ana"], "GET", "/_matrix/client/versions")
    assert versions["unstable_features"]["org.matrix.simplified_msc3575"] is True


async def _verification(community: Community) -> None:
    ana = community.id("ana")
    messages = {
        ana: {"*": {"from_device": "PHONE", "methods": ["m.sas.v1"], "transaction_id": unique("v"), "timestamp": 1}}
    }
    path = f"{_V3}/sendToDevice/m.key.verification.request/{unique('t')}"
    status, answer = await request(community["ana"], "PUT", path, {"messages": messages})
    assert status == 200, answer
    status, answer = await community.state("ana", "closed", "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    assert status == 403 and answer["org.belisha.rule"] == "R4"


async def _search(community: Community) -> None:
    word = unique("gangway")
    await community.sent(text(f"The {word}"), "closed")
    question = {"user_id": community.id("dina"), "words": word}
    status, answer = await ask_as_portal(community, question, name="messages")
    assert status == 200 and [hit["label"] for hit in answer["hits"]] == ["TLP:AMBER"]


async def _lock_screen(community: Community) -> None:
    asked = {
        "kind": "http",
        "app_id": "io.element.elementx.ios.prod",
        "app_display_name": "Element X",
        "device_display_name": "Phone",
        "pushkey": unique("key"),
        "lang": "en",
        "data": {"url": "https://matrix.org/_matrix/push/v1/notify", "format": "event_id_only"},
    }
    status, answer = await request(community["ana"], "POST", f"{_V3}/pushers/set", asked)
    assert (status, answer["org.belisha.rule"]) == (403, "P2")  # with a listed one: test_channels.py


async def _label_picker(community: Community) -> None:
    assert label_of(await _seen(community, text("TLP:GREEN The tide table"))) == "TLP:GREEN"


async def _not_in(community: Community) -> None:
    status, made = await community.create("ana", {"preset": "private_chat", "name": "Locks"})
    assert status == 200
    room = made["room_id"]
    path = f"{_V3}/rooms/{quote(room)}"
    await request(community["ana"], "POST", f"{path}/invite", {"user_id": community.id("emil")})
    await request(community["ana"], "PUT", f"{path}/send/m.room.message/{unique('m')}", text("The sluice opens"))
    try:
        found = await _slid(community, "emil", room)
        told = found["rooms"][room]
        assert "timeline" not in told and "sluice" not in str(found) and told["invite_state"]
        assert room not in found["extensions"]["receipts"]["rooms"]
        status, _ = await request(community["emil"], "GET", f"{path}/messages?dir=b")
        assert status == 403
    finally:
        await request(community["emil"], "POST", f"{path}/leave", {})


CHECKS: Final[dict[str, Callable[[Community], Awaitable[None]]]] = {
    "badge": _badge,
    "caption": _caption,
    "reply": _reply,
    "poll": _poll,
    "refusal": _refusal,
    "sign-in": _sign_in,
    "verification": _verification,
    "search": _search,
    "lock screen": _lock_screen,
    "label picker": _label_picker,
    "rooms one is not in": _not_in,
}


def test_every_row_of_the_page_has_its_check() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows[1:] == list(CHECKS)


@pytest.mark.parametrize("feature", CHECKS)
async def test_a_phone(community: Community, feature: str) -> None:
    await CHECKS[feature](community)
