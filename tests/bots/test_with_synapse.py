"""The bots beside a real Synapse with the module: each question has one answer, whatever is killed in between."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import nio
import pytest

from bots.kernel.config import load
from bots.kernel.matrix import BotClient
from tests.bots.support import STEWARD, BotsProcess
from tests.support.patience import until
from tests.support.sampling import sampled
from tests.support.server import Server, ended, request

pytestmark = pytest.mark.more


@dataclass
class Here:
    """A server, its bots, and a member with rooms."""

    server: Server
    bots: BotsProcess
    ada: nio.AsyncClient
    service: str
    group: str

    async def ask(self, room: str, body: str, transaction: str) -> str:
        content = {"msgtype": "m.text", "body": body}
        sent = await self.ada.room_send(room, "m.room.message", content, tx_id=transaction)
        assert isinstance(sent, nio.RoomSendResponse), sent
        return sent.event_id

    async def said(self, room: str) -> list[dict[str, Any]]:
        """What the steward has said in a room, oldest first."""
        path = f"/_matrix/client/v3/rooms/{room}/messages?dir=f&limit=200"
        status, body = await request(self.ada, "GET", path)
        assert status == 200, body
        return [e["content"] for e in body["chunk"] if e["sender"] == STEWARD and e["type"] == "m.room.message"]

    async def answers(self, room: str, to: str) -> list[dict[str, Any]]:
        relations = [(content, content.get("m.relates_to", {})) for content in await self.said(room)]
        return [content for content, relation in relations if relation.get("m.in_reply_to", {}).get("event_id") == to]

    async def answer(self, room: str, to: str) -> dict[str, Any]:
        """The one answer to a message."""
        found = await until(lambda: self.answers(room, to))
        await asyncio.sleep(0.5)
        assert len(await self.answers(room, to)) == 1
        return found[0]


@pytest.fixture
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Here]:
    server = Server(tmp_path_factory.mktemp("bots") / "data")
    bots = BotsProcess(server.place.rendered / "bots.yaml")
    with ended(server):
        await server.start()
        await server.organisation("harbour")
        ada = await server.member("ada", "harbour")
        _, listed = await server.local("GET", "members")
        group = await ada.room_create(name="Buoys", preset=nio.RoomPreset.public_chat)
        assert isinstance(group, nio.RoomCreateResponse), group
        try:
            await bots.start()
            yield Here(server, bots, ada, listed["members"][0]["service_room"], group.room_id)
        finally:
            bots.end()
            await ada.close()


async def test_welcome_help_and_labels(here: Here) -> None:
    welcome = await until(lambda: here.said(here.service))  # its occasion came before the bots had started
    assert "Hello Ada, and welcome!" in welcome[0]["body"]
    helped = await here.answer(here.service, await here.ask(here.service, "help", "1"))
    assert "In this chat you can leave out the exclamation mark of a command that stands alone." in helped["body"]
    told = await here.answer(here.group, await here.ask(here.group, "!tlp", "2"))
    assert "This is an open group" in told["body"]
    assert "Who could join and read it: 1 person from 1 organisation, and 1 bot." in told["body"]
    assert told["org.belisha.tlp"]["label"] == "TLP:GREEN"
    red = await here.answer(here.group, await here.ask(here.group, "!tlp red", "5"))  # a question, not a marker
    assert "In this community TLP:RED means: " in red["body"]
    assert red["org.belisha.tlp"]["label"] == "TLP:GREEN"
    ignored = await here.ask(here.group, "!important news", "3")
    nearly = await here.ask(here.group, "!hlep", "4")
    assert "Did you mean !help?" in (await here.answer(here.group, nearly))["body"]
    assert not await here.answers(here.group, ignored)
    assert len([one for one in await here.said(here.service) if "and welcome!" in one["body"]]) == 1


async def test_answers_come_once_across_kills(here: Here) -> None:
    asked = [await here.ask(here.group, "!help", "1")]
    here.bots.end()  # kill -9
    asked.append(await here.ask(here.group, "!help", "2"))  # nobody listens
    await here.bots.start()
    asked.append(await here.ask(here.group, "!help", "3"))
    for question in asked:
        await here.answer(here.group, question)
    here.server.kill()  # kill -9, beside running bots; its next transaction ids begin at 1 again
    await here.server.start()
    await here.answer(here.group, await here.ask(here.group, "!help", "4"))
    for question in asked:
        assert len(await here.answers(here.group, question)) == 1


async def test_synapse_knows_a_repeated_send_again_after_kill_9(here: Here) -> None:
    config = load(here.bots.config)
    here.bots.end()

    async def send() -> str:
        async with aiohttp.ClientSession() as session:
            client = BotClient(config.homeserver, STEWARD, config.as_token(), session)
            await client.register()
            return await client.send(here.group, "m.room.message", {"msgtype": "m.notice", "body": "x"}, "once")

    first = await send()
    here.server.kill()
    await here.server.start()
    assert await send() == first


async def test_what_synapse_loses_is_read_and_answered_in_its_order(here: Here) -> None:
    await here.answer(here.group, await here.ask(here.group, "!help", "0"))
    os.kill(here.bots.pid, signal.SIGSTOP)  # the bots hang: Synapse waits for an answer, and keeps the rest in memory
    asked = [await here.ask(here.group, "!help", f"lost {number}") for number in range(6)]
    here.server.kill()
    os.kill(here.bots.pid, signal.SIGCONT)
    await here.server.start()
    asked.append(await here.ask(here.group, "!help", "after"))
    for question in asked:
        await here.answer(here.group, question)
    said = [one for one in await here.said(here.group) if "m.relates_to" in one]  # not how the group works
    replied = [one["m.relates_to"]["m.in_reply_to"]["event_id"] for one in said]
    assert replied[1:] == asked
    _, page = await here.bots.get("/metrics")
    missed = [line for line in page.splitlines() if line.startswith("belisha_bots_events_missed_total ")]
    assert float(missed[0].split()[1]) > 0, "without reading the room they would have been lost"


async def test_only_bots_are_told_of_deliveries(here: Here) -> None:
    prefix = "/_synapse/client/org.belisha/v1"
    for path in ("instance", "position/$x"):
        assert (await request(here.ada, "GET", f"{prefix}/{path}"))[0] == 404
    config = load(here.bots.config)
    async with aiohttp.ClientSession() as session:
        client = BotClient(config.homeserver, STEWARD, config.as_token(), session)
        first = await client.instance()
        assert first
        assert await client.position("$" + "x" * 43) is None
        asked = [await here.ask(here.group, "hello", str(number)) for number in range(4)]
        token = await client.position(asked[1])
        events, _ = await client.messages(here.group, until=token)
        # The bot may still be writing its own into a group that is new.
        hers = [event["event_id"] for event in events if event["sender"] == here.ada.user_id]
        assert hers == asked[:1:-1]
        here.server.kill()
        await here.server.start()
        assert await client.instance() not in (None, first)


@pytest.mark.full
@pytest.mark.parametrize("losing", sampled(("Losing", "Cancelled", "Overtaken"), ("Losing",)))
async def test_deliveries_that_are_lost_on_their_way_begin_a_new_chain(
    losing: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = Server(tmp_path_factory.mktemp("bots") / "data", module=f"tests.bots.losing.{losing}")
    bots = BotsProcess(server.place.rendered / "bots.yaml")
    with ended(server):
        await server.start()
        await server.organisation("harbour")
        ada = await server.member("ada", "harbour")
        group = await ada.room_create(name="Buoys", preset=nio.RoomPreset.public_chat)
        assert isinstance(group, nio.RoomCreateResponse), group
        try:
            await bots.start()
            here = Here(server, bots, ada, "", group.room_id)
            asked = [await here.ask(group.room_id, "!help", f"lost {number}") for number in range(6)]
            for question in asked:
                await here.answer(group.room_id, question)
        finally:
            bots.end()
            await ada.close()
