"""A server on several processes: each answers its part, the rules hold in all, and each can be started anew.

What the rules are on several processes, the rest of the suite says (`make test-workers`); here it is the files that
`belisha render --host` writes, two processes of a kind among them, and requests that go through nginx.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from tests.deploy import hosted
from tests.deploy.several import Outside, Several
from tests.support.patience import until

pytestmark = pytest.mark.full

V3: Final = "/_matrix/client/v3"
#: Members who write while everything is started anew.
WRITERS: Final = 20
PATIENCE: Final = 180.0


@dataclass
class Here:
    """The processes, and how clients ask them."""

    several: Several
    outside: Outside


@pytest_asyncio.fixture(scope="module")
async def here() -> AsyncIterator[Here]:
    with TemporaryDirectory() as folder:  # a socket's path has to be short
        several = Several(Path(folder), hosted.settings(*hosted.COUNTS))
        with contextlib.closing(several):
            await several.start()
            async with several.session() as outside:
                yield Here(several, outside)


async def _member(here: Here, localpart: str, organisation: str) -> str:
    key = await here.several.register(localpart, localpart.title(), organisation)
    await asyncio.sleep(1)  # every process knows it after half a second
    return await here.outside.sign_in(localpart, key)


async def _room(here: Here, token: str, name: str, *invited: str) -> str:
    made = {"preset": "private_chat", "name": name, "invite": [f"@{one}:{here.several.name}" for one in invited]}
    status, answer = await here.outside.ask(token, "POST", f"{V3}/createRoom", made)
    assert status == 200, answer
    return str(answer["room_id"])


def test_each_process_has_a_unit_and_the_main_one_comes_first(here: Here) -> None:
    names = [unit.removeprefix("belisha-synapse").removesuffix(".service") for unit in here.several.units]
    assert names == ["", "@persister1", "@persister2", "@media1", "@client1", "@client2", "@sync1"]


@pytest.mark.nightly  # as on the booted Debian
async def test_each_answers_its_part_and_the_rules_hold_in_all(here: Here) -> None:
    several, outside = here.several, here.outside
    await several.organisation("lighthouse")
    await several.organisation("harbour-office", "government")
    ana, ben = await _member(here, "ana", "lighthouse"), await _member(here, "ben", "harbour-office")
    room = await _room(here, ana, "Tides", "ben")
    path = f"{V3}/rooms/{quote(room)}"
    for attempt in range(4):  # both client workers are asked
        status, sent = await outside.ask(
            ana, "PUT", f"{path}/send/m.room.message/{attempt}", {"msgtype": "m.text", "body": "Low at six."}
        )
        assert status == 200, sent
        marked = {"msgtype": "m.text", "body": "TLP:RED the berth is empty"}
        status, refused = await outside.ask(ana, "PUT", f"{path}/send/m.room.message/red{attempt}", marked)
        assert (status, refused["errcode"]) == (403, "ORG.BELISHA.ABOVE_CEILING"), refused
        # Not one of the processes tells it to who is not in the room.
        for asked in (f"{path}/event/{quote(sent['event_id'])}", f"{path}/messages?dir=b", f"{path}/state"):
            status, _ = await outside.ask(ben, "GET", asked)
            assert status in (403, 404), asked
    status, answer = await outside.ask(ben, "POST", f"{path}/join", {})
    assert status == 200, answer

    async def joined() -> Any:  # the process that answers it hears of the join a moment later
        _, news = await outside.ask(ben, "GET", f"{V3}/sync?timeout=0")
        return news.get("rooms", {}).get("join", {}).get(room)

    timeline = (await until(joined))["timeline"]["events"]
    events = [one for one in timeline if one["type"] == "m.room.message"]
    assert [one["content"]["org.belisha.tlp"]["label"] for one in events] == ["TLP:AMBER"] * 4
    status, file = await outside.ask(ana, "POST", "/_matrix/media/v3/upload?filename=berths.txt", b"berth 4 is free")
    assert status == 200, file
    address = file["content_uri"].removeprefix("mxc://")
    shared = {"msgtype": "m.file", "body": "berths.txt", "url": file["content_uri"]}

    async def is_shared() -> bool:  # it is refused until it has been read
        return (await outside.ask(ana, "PUT", f"{path}/send/m.room.message/file", shared))[0] == 200

    assert await until(is_shared)
    cat = await _member(here, "cat", "harbour-office")
    assert (await outside.ask(ben, "GET", f"/_matrix/client/v1/media/download/{address}"))[0] == 200
    assert (await outside.ask(cat, "GET", f"/_matrix/client/v1/media/download/{address}"))[0] == 404
    status, answer = await outside.ask(ana, "POST", f"{path}/receipt/m.read/{quote(sent['event_id'])}", {})
    assert status == 200, answer

    done = {unit: await _answered(several, unit) for unit in several.units[1:]}
    for worker, servlet in {
        "client1": "RoomSendEventRestServlet",
        "client2": "RoomSendEventRestServlet",
        "sync1": "SyncRestServlet",
        "media1": "DownloadResource",
    }.items():
        assert servlet in done[f"belisha-synapse@{worker}.service"], (worker, done)
    assert "ReceiptRestServlet" in done["belisha-synapse@client1.service"]
    assert "ReceiptRestServlet" not in done["belisha-synapse@client2.service"], "what has one writer goes to it"
    written = done["belisha-synapse@persister1.service"] | done["belisha-synapse@persister2.service"]
    assert "ReplicationSendEventsRestServlet" in written, done


async def _answered(several: Several, unit: str) -> set[str]:
    """The kinds of request that a further process has answered."""
    async with aiohttp.ClientSession() as session, session.get(several.metrics_of(unit)) as answer:
        said = await answer.text()
    return set(re.findall(r'synapse_http_server_response_count_total\{[^}]*servlet="(\w+)"', said))


async def test_each_is_started_anew_while_members_write_and_no_message_fails(here: Here) -> None:
    """As the playbook does it. A client sends again what was not answered, as Matrix's clients do, by the same key."""
    several, outside = here.several, here.outside
    await several.organisation("lighthouse")
    token = await _member(here, "dora", "lighthouse")
    room = await _room(here, token, "Watch")
    sent: list[str] = []
    over = asyncio.Event()

    async def write(writer: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            text = f"{writer}-{number}"
            await _send(outside, token, room, text)
            sent.append(text)
            await asyncio.sleep(0.2)

    writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
    for unit in several.units:
        several.stop_unit(unit)
        several.start_unit(unit)
        await several.answers(unit)
    over.set()
    await asyncio.gather(*writers)
    assert sorted(body.removeprefix("[TLP:AMBER] ") for body in several.bodies(room)) == sorted(sent), (
        "each once, none lost"
    )


async def _send(outside: Outside, token: str, room: str, text: str) -> None:
    path = f"{V3}/rooms/{quote(room)}/send/m.room.message/{text}"
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(aiohttp.ClientError):
            status, answer = await outside.ask(token, "PUT", path, {"msgtype": "m.text", "body": text})
            if status == 200:
                return
            assert status >= 500 or status == 429, answer
        assert time.monotonic() < deadline, f"{text} could not be sent"
        await asyncio.sleep(0.25)
