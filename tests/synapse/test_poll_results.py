"""Results of polls with a real Synapse and the real bots: told once and as a picture, wherever the group has gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import aiohttp
import nio
import pytest
import pytest_asyncio

from belisha.polls.wire import END, RESPONSE, START
from bots.charts.artist import size_of
from bots.kernel.config import load
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.polls.polls import DUE
from bots.polls.tables import poll as polls
from tests.bots.killed import LEFT, MOMENTS, until_killed
from tests.bots.support import BotsProcess
from tests.support.community import Community, unique
from tests.support.ledger import query
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import path_of, upgrade
from tests.synapse.test_acts import typed
from tests.synapse.test_polls import sends, votes, with_people

pytestmark = pytest.mark.more

Json = dict[str, Any]
PATIENCE = 120.0


class Here:
    """A community, and its bots."""

    def __init__(self, community: Community) -> None:
        self.community = community
        self.config = community.server.place.rendered / "bots.yaml"
        self.bots = BotsProcess(self.config)

    async def events(self, room: str, by: str = "ana") -> list[Json]:
        """The newest events of a room, newest first."""
        _, page = await request(self.community[by], "GET", path_of(room, "messages?dir=b&limit=100"))
        return list(page["chunk"])

    async def begun(self, room: str, text: str) -> str:
        """A poll that a member asks for; its event id."""
        await typed(self.community, "ana", room, text)

        async def found() -> list[str]:
            return [one["event_id"] for one in await self.events(room) if one["type"] in START]

        (poll,) = await until(found, PATIENCE)
        return poll

    async def said(self, room: str, words: str, by: str = "ana") -> list[Json]:
        """What the bot says in a room with these words."""
        steward = self.community.id("steward")
        found = [one for one in await self.events(room, by) if one["sender"] == steward]
        return [one for one in found if words in str(one["content"].get("body"))]

    async def images(self, room: str) -> list[Json]:
        return [one for one in await self.events(room) if one["content"].get("msgtype") == "m.image"]

    async def ends(self, room: str) -> list[Json]:
        return [one for one in await self.events(room) if one["type"] in END]

    async def close(self, room: str, poll: str) -> None:
        relates = {"m.relates_to": {"m.in_reply_to": {"event_id": poll}}}
        await sends(
            self.community, "ana", room, "m.room.message", {"msgtype": "m.text", "body": "!poll close", **relates}
        )

    async def file(self, by: str, address: str) -> tuple[int, bytes]:
        """A file as somebody opens it."""
        client = self.community[by]
        url = f"{client.homeserver}/_matrix/client/v1/media/download/{address.removeprefix('mxc://')}"
        headers = {"Authorization": f"Bearer {client.access_token}"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return answer.status, await answer.read()

    def files_of_the_bot(self) -> set[str]:
        """The files that it has uploaded; an address without a file is forgotten by Synapse."""
        statement = "SELECT media_id FROM local_media_repository WHERE user_id = ? AND media_length IS NOT NULL"
        return {str(row["media_id"]) for row in query(self.community, statement, self.community.id("steward"))}


@pytest_asyncio.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Here]:
    community = await make_community(tmp_path_factory.mktemp("results") / "data")
    with ended(community.server):
        found = Here(community)
        try:
            await found.bots.start()
            yield found
        finally:
            found.bots.end()
            await community.close()


async def test_a_result_is_a_sentence_a_table_and_a_picture(here: Here) -> None:
    room = await with_people(here.community)
    poll = await here.begun(room, '!poll "When?" | Monday | Tuesday --by organisation')
    # As Element sends them, by both names, and with matrix-nio.
    await votes(here.community, "ana", room, poll, "1", RESPONSE[0])
    await votes(here.community, "ben", room, poll, "1", RESPONSE[1])
    content = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll}, RESPONSE[0]: {"answers": ["2"]}}
    assert isinstance(await here.community["finn"].room_send(room, RESPONSE[0], content), nio.RoomSendResponse)
    await here.close(room, poll)
    (image,) = await until(lambda: here.images(room), PATIENCE)
    (result,) = await here.said(room, "The poll is closed: When?")
    content = image["content"]
    assert content["org.belisha.tlp"] == {"label": "TLP:AMBER", "by": "parent"}
    assert content["body"].startswith("[TLP:AMBER] The result as a picture. “Monday” has the most votes: 2 of 3.")
    assert "Monday: 2 (67 %)" in content["body"] and "Tuesday: 1 (33 %)" in content["body"]
    assert content["filename"] == "poll.png" and "not be checked" not in content["body"]
    status, png = await here.file("finn", content["url"])
    assert status == 200 and len(png) == content["info"]["size"]
    assert size_of(png) == (content["info"]["w"], content["info"]["h"])
    assert (await here.file("dina", content["url"]))[0] == 404, "who is not in the group"
    path = path_of(room, f"redact/{quote(poll)}/{unique('r')}")
    assert (await request(here.community["ana"], "PUT", path, {}))[0] == 200

    async def gone() -> bool:
        told = [one for one in await here.events(room) if one["event_id"] == result["event_id"] and one["content"]]
        return not told and not await here.images(room) and (await here.file("finn", content["url"]))[0] == 404

    await until(gone, PATIENCE)  # rule E1


async def test_a_poll_of_a_group_that_moves_is_ended_there_and_told_in_the_new_room(here: Here) -> None:
    room = await with_people(here.community)
    poll = await here.begun(room, "!poll When? | Monday | Tuesday --closes 2d --label green")
    await votes(here.community, "finn", room, poll, "2")
    new = await upgrade(here.community, room)

    async def told() -> list[Json]:
        return await here.said(new, "The poll is closed: When?", "finn")

    (result,) = await until(told, PATIENCE)
    body = result["content"]["body"]
    assert "was open in the room from before" in body and "“Tuesday” has the most votes: 1 of 1." in body
    assert f"/{room}/{poll}?" in result["content"]["formatted_body"].replace("%21", "!").replace("%3A", ":")
    assert result["content"]["org.belisha.tlp"] == {"label": "TLP:GREEN", "by": "sender"}
    (image,) = await until(lambda: here.images(new), PATIENCE)
    assert image["content"]["org.belisha.tlp"]["label"] == "TLP:GREEN"
    (end,) = await here.ends(room)
    assert end["sender"] == here.community.id("steward")
    assert not await here.said(room, "The poll is closed: ")
    _, listed = await here.community.server.local("GET", "members")
    own = next(one["service_room"] for one in listed["members"] if one["user_id"] == here.community.id("ana"))
    assert len(await until(lambda: here.said(own, "Your poll was open when its group moved"), PATIENCE)) == 1
    path = path_of(room, f"redact/{quote(poll)}/{unique('r')}")
    assert (await request(here.community["ana"], "PUT", path, {}))[0] == 200
    assert await until(lambda: _none(told, here, new), PATIENCE)


async def _none(told: Any, here: Here, new: str) -> bool:
    return not await told() and not await here.images(new)


@pytest.mark.full
@pytest.mark.nightly
async def test_due_meanwhile_and_killed_at_every_moment_of_its_end_there_is_one_of_each(here: Here) -> None:
    """Before and behind the end, the count, the result, the upload and the picture."""
    room = await with_people(here.community)
    poll = await here.begun(room, "!poll When? | Monday | Tuesday --closes 2d")
    await votes(here.community, "finn", room, poll, "1")
    await until(lambda: here.said(room, "The poll is open"), PATIENCE)
    here.bots.end()
    due = await _have_due(here.config, poll)
    await votes(here.community, "ben", room, poll, "2")
    left, killed, before = here.config.parent / LEFT, 0, here.files_of_the_bot()
    left.write_text("\n".join(MOMENTS))
    try:
        async with asyncio.timeout(4 * PATIENCE):
            while left.read_text():
                await until_killed(here.config)
                killed += 1
        await here.bots.start()
        await until(lambda: here.images(room), PATIENCE)
        await until(lambda: _told_late(here), PATIENCE)
    finally:
        left.unlink()
    assert killed == len(MOMENTS)
    (result,) = await here.said(room, "The poll is closed: When?")
    said = result["content"]["body"]
    assert "“Monday” has the most votes: 1 of 1." in said and "1 vote came too late." in said
    assert f"It was due at {datetime.fromtimestamp(due, ZoneInfo(load(here.config).time_zone)):%Y-%m-%d}" in said
    (image,), (_end,) = await here.images(room), await here.ends(room)
    assert (await here.file("finn", image["content"]["url"]))[0] == 200
    assert len(here.files_of_the_bot() - before) == 1, "and no second file is left lying"


async def _have_due(config: Path, event_id: str) -> float:
    """Has a poll be due now, while the bots are down; the moment."""
    store, due = Store(load(config).database), time.time()
    await store.open()
    try:
        async with store.writing() as connection:
            await connection.execute(polls.update().where(polls.c.event_id == event_id).values(closes=due))
            await connection.execute(job.update().where(job.c.name == f"{DUE}{event_id}").values(due=due))
    finally:
        await store.close()
    await asyncio.sleep(0.01)
    return due


async def _told_late(here: Here) -> list[Json]:
    _, listed = await here.community.server.local("GET", "members")
    own = next(one["service_room"] for one in listed["members"] if one["user_id"] == here.community.id("ben"))
    return await here.said(own, "Your vote came after the end", "ben")
