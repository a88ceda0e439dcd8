"""The basic run of an ordinary client in the open group, step by step, once with each client library."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import nio
import pytest
from mautrix.client import Client
from mautrix.errors import MatrixUnknownRequestError
from mautrix.types import EventType, MessageType, TextMessageEventContent

from tests.support.community import LABEL_KEY, Community, unique
from tests.support.npm import install
from tests.support.server import PASSWORD
from tests.synapse.samples import poll, text, thread

Json = dict[str, Any]

#: step -> the label and where it comes from.
EXPECTED: dict[str, Json] = {
    "default": {"label": "TLP:GREEN", "by": "room"},
    "marker": {"label": "TLP:CLEAR", "by": "text"},
    "corrected": {"label": "TLP:GREEN", "by": "text"},
    "thread": {"label": "TLP:CLEAR", "by": "parent"},
    "poll": {"label": "TLP:GREEN", "by": "room"},
}
REFUSAL: Json = {"status": 403, "errcode": "ORG.BELISHA.ABOVE_CEILING"}
POLL_START = "org.matrix.msc3381.poll.start"
JS = Path(__file__).parent / "js"


class Run:
    """What one client sent, what its own sync showed it of that, and what it was refused."""

    def __init__(self, sent: dict[str, str], synced: dict[str, Json], refusal: Json, read: dict[str, Json]) -> None:
        self.sent, self.synced, self.refusal, self.read = sent, synced, refusal, read
        #: What a client reads of the room's state, and how often it was told of one change; of matrix-js-sdk alone.
        self.policy: Json = {}
        self.heard = 0

    def assert_as_expected(self) -> None:
        """Each step has its label, and the refusal is a sentence with an errcode that the library gives on."""
        assert {step: self.synced[event_id] for step, event_id in self.sent.items()} == EXPECTED
        assert self.refusal.items() >= REFUSAL.items(), self.refusal
        assert "TLP:RED" in self.refusal["error"] and "TLP:GREEN" in self.refusal["error"]


async def with_nio(community: Community, who: str = "finn") -> Run:
    """The run with matrix-nio."""
    client, room = community[who], community.rooms["open"]
    since = (await client.sync(0)).next_batch
    sent = {
        "default": await community.sent(text("nio says hello"), by=who),
        "marker": await community.sent(text("TLP:CLEAR The tide table"), by=who),
    }
    transaction = unique("nio-corrected")
    refused = await client.room_send(room, "m.room.message", text("TLP:RED The pump"), tx_id=transaction)
    assert isinstance(refused, nio.RoomSendError)
    status = refused.transport_response.status if refused.transport_response else None
    corrected = await client.room_send(room, "m.room.message", text("TLP:GREEN The pump"), tx_id=transaction)
    assert isinstance(corrected, nio.RoomSendResponse), corrected
    sent["corrected"] = corrected.event_id
    sent["thread"] = await community.sent(text("Since when?", **thread(sent["marker"])), by=who)
    sent["poll"] = await community.sent(poll("Who comes?", "Ana", "Ben"), by=who, event_type=POLL_START)
    answer = await client.sync(0, since=since)
    assert isinstance(answer, nio.SyncResponse)
    events = {event.event_id: event.source["content"] for event in answer.rooms.join[room].timeline.events}
    refusal = {"status": status, "errcode": refused.status_code, "error": refused.message}
    return Run(sent, {event_id: events[event_id][LABEL_KEY] for event_id in sent.values()}, refusal, {})


async def signed_in_with_mautrix(community: Community, who: str) -> Client:
    """A mautrix client of an ordinary member."""
    client = Client(mxid=community.id(who), base_url=community.server.url)
    await client.login(password=PASSWORD, device_name="mautrix")
    return client


async def with_mautrix(community: Community, client: Client) -> Run:
    """The run with mautrix's client, as an ordinary user."""
    room = community.rooms["open"]
    since = (await client.sync(timeout=0))["next_batch"]

    def message(body: str) -> TextMessageEventContent:
        return TextMessageEventContent(msgtype=MessageType.TEXT, body=body)

    sent = {
        "default": str(await client.send_text(room, "mautrix says hello")),
        "marker": str(await client.send_message(room, message("TLP:CLEAR The tide table"))),
    }
    transaction = unique("mautrix-corrected")
    with pytest.raises(MatrixUnknownRequestError) as refused:
        await client.send_message_event(room, EventType.ROOM_MESSAGE, message("TLP:RED The pump"), txn_id=transaction)
    error = refused.value
    sent["corrected"] = str(
        await client.send_message_event(room, EventType.ROOM_MESSAGE, message("TLP:GREEN The pump"), txn_id=transaction)
    )
    in_thread = message("Since when?")
    in_thread.set_thread_parent(sent["marker"])
    sent["thread"] = str(await client.send_message(room, in_thread))
    poll_type = EventType.find(POLL_START, EventType.Class.MESSAGE)
    sent["poll"] = str(await client.send_message_event(room, poll_type, poll("Who comes?", "Ana", "Ben")))
    synced = await client.sync(since=since, timeout=0)
    events = {event["event_id"]: event["content"] for event in synced["rooms"]["join"][room]["timeline"]["events"]}
    refusal = {"status": error.http_status, "errcode": error.errcode, "error": error.message}
    return Run(sent, {event_id: events[event_id][LABEL_KEY] for event_id in sent.values()}, refusal, {})


async def with_js_sdk(community: Community, read: list[str], who: str = "dina") -> Run:
    """The run with matrix-js-sdk in Node, which then reads the events `read` too."""
    await install(JS)
    given = {
        "homeserver": community.server.url,
        "user": who,
        "password": PASSWORD,
        "room": community.rooms["open"],
        "name": "js",
        "read": read,
    }
    said = json.loads(await program("node", str(JS / "run.js"), given=json.dumps(given)))
    run = Run(said["sent"], said["synced"], said["refusal"], said["read"])
    run.policy, run.heard = said["policy"], said["heard"]
    return run


async def program(name: str, *arguments: str, given: str = "") -> str:
    """Runs a program in the folder of the tests' scripts; what it wrote."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"`{name}` is missing: the tests with matrix-js-sdk need Node 20 or newer (Debian: nodejs, npm).")
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        cwd=JS,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await asyncio.wait_for(process.communicate(given.encode()), 400)
    assert process.returncode == 0, (said + complained).decode()[-4000:]
    return said.decode()


async def read_with_nio(community: Community, event_ids: list[str]) -> dict[str, Json]:
    """The labels of events as matrix-nio reads them."""
    return {event_id: (await community.read(event_id))[LABEL_KEY] for event_id in event_ids}


async def read_with_mautrix(community: Community, client: Client, event_ids: list[str]) -> dict[str, Json]:
    """The labels of events as mautrix reads them, through its own types."""
    labels = {}
    for event_id in event_ids:
        event = await client.get_event(community.rooms["open"], event_id)
        labels[event_id] = event.content.serialize()[LABEL_KEY]
    return labels
