"""Channels without labels, in a real Synapse: devices' messages and names, presence, receipts, typing, push."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from belisha.policy.channels import LARGEST_TO_DEVICE
from belisha.policy.types import TO_DEVICE
from belisha.resources import shipped
from belisha.settings import parse
from tests.support.community import Community, assert_refused, unique
from tests.support.server import PASSWORD, ended, request
from tests.support.settled import make_community
from tests.synapse.samples import text

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
SECRET = "the raid is at nine"


async def to_device(community: Community, by: str, message_type: str, messages: Any) -> tuple[int, Json]:
    path = f"{V3}/sendToDevice/{quote(message_type, safe='')}/{unique('device')}"
    return await request(community[by], "PUT", path, {"messages": messages})


async def synced(community: Community, who: str) -> Json:
    # Synapse gives the same answer for two minutes to the same question: another timeout makes it another one.
    _, body = await request(community[who], "GET", f"{V3}/sync?set_presence=online&timeout={unique('')}")
    return body


async def received(community: Community, who: str) -> list[Json]:
    events: list[Json] = (await synced(community, who)).get("to_device", {}).get("events", [])
    return events


# --- To-device messages -----------------------------------------------------------------------------------------


async def test_keys_reach_those_who_share_a_room(community: Community) -> None:
    for message_type in sorted(TO_DEVICE):
        status, body = await to_device(community, "ana", message_type, {community.id("ben"): {"*": {"key_id": "k"}}})
        assert status == 200, (message_type, body)
    got = [event["type"] for event in await received(community, "ben") if event["sender"] == community.id("ana")]
    assert set(got) >= TO_DEVICE


@pytest.mark.parametrize("message_type", ["m.room.message", "com.example.chat", "m.call.invite", "m.room.message/x"])
async def test_texts_do_not_go_from_device_to_device(community: Community, message_type: str) -> None:
    status, body = await to_device(community, "ana", message_type, {community.id("ben"): {"*": {"body": SECRET}}})
    assert_refused(status, body, "UNKNOWN_TYPE", rule="L1")
    assert SECRET not in json.dumps(await received(community, "ben"))


async def test_no_keys_for_strangers_bots_or_nobody(community: Community) -> None:
    answers = set()
    for other in (community.id("emil"), community.id("steward"), f"@nobody:{community.server.name}", "nonsense"):
        status, body = await to_device(community, "ana", "m.dummy", {other: {"*": {}}})
        assert_refused(status, body, "NO_SHARED_ROOM", rule="M1")
        answers.add(body["error"])
    assert len(answers) == 1, "it does not tell which of them exist"
    # Everybody is in the Space and in #announcements: these two make nobody known to anybody.
    status, body = await to_device(community, "emil", "m.dummy", {community.id("emil"): {"*": {}}})
    assert status == 200, body


async def test_bots_send_nothing_to_devices(community: Community) -> None:
    status, body = await to_device(community, "steward", "m.dummy", {community.id("ana"): {"*": {}}})
    assert_refused(status, body, "NOT_A_MEMBER", rule="M1")


async def test_messages_to_devices_are_small_and_well_formed(community: Community) -> None:
    ben = community.id("ben")
    status, body = await to_device(
        community, "ana", "m.room.encrypted", {ben: {"*": {"ciphertext": "x" * LARGEST_TO_DEVICE}}}
    )
    assert_refused(status, body, "TOO_MUCH_TEXT", rule="L1")
    for messages in ([], {ben: []}, {ben: {"*": "text"}}, None):
        status, body = await to_device(community, "ana", "m.dummy", messages)
        assert status in (400, 403) and body["errcode"], (messages, body)


# --- Devices' names ---------------------------------------------------------------------------------------------


async def sign_in(community: Community, **more: Any) -> tuple[int, Json]:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "emil"},
        "password": PASSWORD,
        **more,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{community.server.url}{V3}/login", json=body) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("proposed", "name"),
    [(SECRET, "A client"), (f"Element X Android {SECRET}", "Element X Android"), (None, "A client")],
)
async def test_a_new_device_is_called_by_its_client(community: Community, proposed: str | None, name: str) -> None:
    status, body = await sign_in(community, initial_device_display_name=proposed)
    assert status == 200, body
    _, device = await request(community["emil"], "GET", f"{V3}/devices/{body['device_id']}")
    assert device["display_name"] == name


async def test_a_device_is_renamed_to_its_client_only(community: Community) -> None:
    device_id = community["emil"].device_id
    path = f"{V3}/devices/{device_id}"
    for proposed, name in ((f"Cinny {SECRET}", "Cinny"), (SECRET, "A client")):
        status, _ = await request(community["emil"], "PUT", path, {"display_name": proposed})
        assert status == 200
        _, device = await request(community["emil"], "GET", path)
        assert device["display_name"] == name
    keys = {"user_id": community.id("emil"), "device_id": device_id, "algorithms": [], "keys": {}, "signatures": {}}
    await request(community["emil"], "POST", f"{V3}/keys/upload", {"device_keys": keys})
    _, body = await request(community["ana"], "POST", f"{V3}/keys/query", {"device_keys": {community.id("emil"): []}})
    others_see = body["device_keys"][community.id("emil")][device_id]["unsigned"]
    assert others_see == {"device_display_name": "A client"}


async def test_a_device_id_carries_no_text(community: Community) -> None:
    status, body = await sign_in(community, device_id=SECRET)
    assert_refused(status, body, "DEVICE_ID", rule="L1")
    status, body = await sign_in(community, device_id="GOODDEVICE")
    assert (status, body.get("device_id")) == (200, "GOODDEVICE"), body


# --- Presence, receipts, typing ---------------------------------------------------------------------------------


async def test_a_presence_status_goes_nowhere(community: Community) -> None:
    path = f"{V3}/presence/{quote(community.id('ana'))}/status"
    await request(community["ana"], "PUT", path, {"presence": "online", "status_msg": SECRET})
    for who in ("ana", "ben"):
        _, body = await request(community[who], "GET", path)
        assert body == {"presence": "offline"}
        body = await synced(community, who)
        assert SECRET not in json.dumps(body)
        assert not body.get("presence", {}).get("events")
    assert community.server.query("SELECT user_id FROM presence_stream WHERE status_msg IS NOT NULL") == []


async def test_receipts_and_typing_carry_no_text(community: Community) -> None:
    room = quote(community.rooms["open"])
    event_id = await community.sent(text("x"))
    typing = {"typing": True, "timeout": 20_000, "body": SECRET}
    status, _ = await request(community["ana"], "PUT", f"{V3}/rooms/{room}/typing/{quote(community.id('ana'))}", typing)
    assert status == 200
    receipt = f"{V3}/rooms/{room}/receipt/m.read"
    status, _ = await request(community["ana"], "POST", f"{receipt}/{quote(event_id)}", {"body": SECRET, "ts": SECRET})
    assert status == 200
    for target, body in (
        ("$" + SECRET, {}),
        (event_id, {"thread_id": SECRET}),
        (event_id, {"thread_id": "$" + SECRET}),
    ):
        # Synapse answers 200 to an event that it does not know, and tells nobody.
        await request(community["ana"], "POST", f"{receipt}/{quote(target)}", body)
    await request(community["ana"], "POST", f"{V3}/rooms/{room}/read_markers", {"m.read": "$" + SECRET})
    body = await synced(community, "ben")
    ephemeral = json.dumps(body["rooms"]["join"][community.rooms["open"]]["ephemeral"])
    assert "m.typing" in ephemeral and "m.receipt" in ephemeral
    assert SECRET not in ephemeral


# --- Push -------------------------------------------------------------------------------------------------------


def pusher(url: str, **more: Any) -> Json:
    return {
        "kind": "http",
        "app_id": "im.example.app",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "pushkey": unique("key"),
        "lang": "en",
        "data": {"url": url},
        **more,
    }


async def pushers(community: Community, who: str = "ana") -> list[Json]:
    _, body = await request(community[who], "GET", f"{V3}/pushers")
    found: list[Json] = body["pushers"]
    return found


async def test_nothing_is_pushed_where_no_gateway_is_listed(community: Community) -> None:
    for body in (pusher("https://matrix.org/_matrix/push/v1/notify"), pusher("x", kind="email", pushkey="a@b.uk")):
        status, answer = await request(community["ana"], "POST", f"{V3}/pushers/set", body)
        assert_refused(status, answer, "PUSH_GATEWAY", rule="P2")
    assert await pushers(community) == []


async def test_pushers_go_to_listed_gateways_only_and_end_with_the_list(tmp_path: Path) -> None:
    example = shipped("config", "belisha.example.yaml").read_text()
    listed = "http://127.0.0.1:9/_matrix/push/v1/notify"
    settings = parse(example.replace("gateways: []", f"gateways: [{listed!r}]"))
    community = await make_community(tmp_path / "data", settings)
    with ended(community.server):
        status, answer = await request(community["ana"], "POST", f"{V3}/pushers/set", pusher(listed))
        assert status == 200, answer
        status, answer = await request(
            community["ana"], "POST", f"{V3}/pushers/set", pusher("https://evil.net/_matrix/push/v1/notify")
        )
        assert_refused(status, answer, "PUSH_GATEWAY", rule="P2")
        (kept,) = await pushers(community)
        assert kept["data"] == {"url": listed, "format": "event_id_only"}
        community.server.stop()
        config = community.server.place.rendered / "homeserver.yaml"
        config.write_text(config.read_text().replace(f'push_gateways: ["{listed}"]', "push_gateways: []"))
        await community.server.start()
        for _ in range(600):
            if not await pushers(community):
                break
            await asyncio.sleep(0.1)
        assert await pushers(community) == []
        await community.close()
