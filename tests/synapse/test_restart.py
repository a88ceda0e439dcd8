"""Ended or killed in between, the community goes on: nothing that was acknowledged is lost, nothing made is doubled."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import nio
import pytest

from tests.support.community import Community, assert_badges, label_of
from tests.support.ledger import quiet
from tests.support.server import Server, ended, request
from tests.support.topology import make_server
from tests.synapse.samples import text

Json = dict[str, Any]


def founded(server: Server) -> dict[str, list[Any]]:
    """What the module made at the start, and the registry, as the database has them."""
    return {
        name: sorted(tuple(row.values()) for row in server.query(statement))
        for name, statement in (
            ("rooms", "SELECT room_id, creator FROM rooms"),
            ("aliases", "SELECT room_alias, room_id FROM room_aliases"),
            ("policy", "SELECT room_id, type, event_id FROM current_state_events WHERE type LIKE 'org.belisha.%'"),
            ("organisations", "SELECT organisation_id, name, category, domains FROM belisha_organisation"),
            ("members", "SELECT localpart, organisation_id, name, roles, service_room_id FROM belisha_member"),
            ("people", "SELECT room_id, state_key, membership FROM current_state_events WHERE type = 'm.room.member'"),
        )
    }


async def policies(community: Community) -> dict[str, Json]:
    answers = {}
    for kind, room in community.rooms.items():
        status, answers[kind] = await request(community["ana"], "GET", f"/_synapse/client/org.belisha/v1/policy/{room}")
        assert status == 200
    return answers


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL, signal.SIGKILL], ids=["TERM", "KILL", "KILL again"])
async def test_restart_loses_nothing_and_doubles_nothing(community: Community, ending: signal.Signals) -> None:
    await quiet(community)
    before, rules = founded(community.server), await policies(community)
    sent = {
        kind: [await community.sent(text(f"{label} Tide {number}"), kind) for number in range(3)]
        for kind, label in (("open", "TLP:CLEAR"), ("strict", "TLP:AMBER+STRICT"), ("named", "TLP:RED"))
    }
    community.server.stop(ending)
    await community.server.start()
    assert founded(community.server) == before
    assert await policies(community) == rules
    for kind, label in (("open", "TLP:CLEAR"), ("strict", "TLP:AMBER+STRICT"), ("named", "TLP:RED")):
        messages = await community.reader(kind).room_messages(community.rooms[kind], limit=50)
        assert isinstance(messages, nio.RoomMessagesResponse)
        there = [event.event_id for event in messages.chunk]
        for event_id in sent[kind]:
            assert there.count(event_id) == 1
            content = await community.read(event_id, kind)
            assert label_of(content) == label
            assert_badges(content)
    assert (await community.refused(text("TLP:RED x"))).status_code == "ORG.BELISHA.ABOVE_CEILING"
    assert label_of(await community.told(text("After"), "closed")) == "TLP:AMBER"


async def test_every_send_that_was_acknowledged_before_a_kill_is_there_once(community: Community) -> None:
    """Killed amid a stream of sends; each is then sent again with its transaction id, as clients do."""
    room, ben, acknowledged = community.rooms["closed"], community["ben"], {}

    async def send(number: int) -> None:
        answer = await ben.room_send(room, "m.room.message", text(f"Wave {number}"), tx_id=f"wave{number}")
        if isinstance(answer, nio.RoomSendResponse):
            acknowledged[number] = answer.event_id

    async def stream() -> None:
        for number in range(1000):
            await send(number)

    streaming = asyncio.create_task(stream())
    while len(acknowledged) < 20:
        await asyncio.sleep(0.01)
    community.server.kill()
    streaming.cancel()
    await asyncio.gather(streaming, return_exceptions=True)
    first = dict(acknowledged)
    await community.server.start()
    for number in range(len(first) + 5):
        await send(number)
    assert {number: acknowledged[number] for number in first} == first, "the same transaction id, the same event"
    messages = await community["dina"].room_messages(room, limit=400)
    assert isinstance(messages, nio.RoomMessagesResponse)
    bodies = [event.source["content"].get("body") for event in messages.chunk]
    for number in range(len(first) + 5):
        assert bodies.count(f"[TLP:AMBER] Wave {number}") == 1


@pytest.mark.full
async def test_killed_while_it_founds_the_community(tmp_path: Path) -> None:
    """Killed at several moments of its very first start, it ends with each founding room once."""
    server = make_server(tmp_path / "data")
    with ended(server):
        for wait in (2.0, 2.6, 3.2):
            starting = asyncio.create_task(server.start())
            await asyncio.wait({starting}, timeout=wait)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            server.kill()
        await server.start()
        aliases = [row[0] for row in founded(server)["aliases"]]
        assert sorted(aliases) == [f"#{name}:{server.name}" for name in ("announcements", "community", "stewards")]
        rooms = dict(founded(server)["aliases"])
        whole = {row[0] for row in founded(server)["policy"]}
        assert set(rooms.values()) <= whole
