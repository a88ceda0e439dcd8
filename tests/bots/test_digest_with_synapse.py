"""Digests of a small scripted community beside a real Synapse: word for word, and held to what each member can read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import pytest
import pytest_asyncio

from tests.bots.support import BotsProcess, eventually
from tests.support.community import Community, settle
from tests.support.server import Server, ended, request
from tests.support.upgrade import path_of
from tests.synapse.samples import text, thread
from tests.synapse.test_groups import own_room
from tests.synapse.test_room_freezing import group

pytestmark = pytest.mark.full

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
_LINK = re.compile(r"https://matrix\.to/#/([^/\s]+)/(\$[^?\s]+)\?via=\S+?(?=\))")


@dataclass
class Here:
    """A community and its bots; each member's digest is asked for by making it due."""

    community: Community
    bots: BotsProcess

    def now(self, *jobs: str) -> None:
        """Makes jobs that come every minute come now."""
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            connection.executemany("UPDATE job SET due = 0 WHERE name = ?", [(job,) for job in jobs])

    def due(self) -> None:
        """Makes everybody's digest due now."""
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            connection.execute("UPDATE digest_member SET due = 0")
        self.now("digest plan")

    def facts(self) -> dict[str, str]:
        """What the bots keep of messages: the room of each."""
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            return dict(connection.execute("SELECT event_id, room_id FROM digest_message").fetchall())

    def members(self) -> int:
        path = self.community.server.place.rendered.parent / "bots.db"
        with sqlite3.connect(path, timeout=30) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM digest_member").fetchone()[0])

    async def digests(self, name: str) -> list[Json]:
        """The digests that a member has got, the newest first."""
        room = await own_room(self.community, name)
        path = f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=50"
        status, body = await request(self.community[name], "GET", path)
        assert status == 200, body
        told = [one["content"] for one in body["chunk"] if one["type"] == "m.room.message"]
        return [one for one in told if "What is new for you" in str(one.get("body"))]


@pytest_asyncio.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Here]:
    server = Server(tmp_path_factory.mktemp("digests") / "data")
    bots = BotsProcess(server.place.rendered / "bots.yaml")
    with ended(server):
        await server.start()
        community = await settle(server, samples=False)
        try:
            await bots.start()
            yield Here(community, bots)
        finally:
            bots.end()
            await community.close()


async def say(here: Here, room: str, body: str, by: str, **more: Any) -> str:
    found = await here.community[by].room_send(room, "m.room.message", {**text(body), **more})
    return str(found.event_id)


def naming(here: Here, *names: str) -> Json:
    return {"m.mentions": {"user_ids": [here.community.id(name) for name in names]}}


def lines(digest: Json) -> list[str]:
    return [_LINK.sub("", one).replace(" ()", "") for one in digest["body"].splitlines() if one.startswith("•")]


async def test_a_scripted_community_has_these_digests_and_nothing_forbidden(here: Here) -> None:
    community = here.community

    async def everybody_is_listed() -> bool:
        here.now("directory listing", "digest plan")
        return here.members() == len(community.people) - 1  # the steward is a bot

    await eventually(everybody_is_listed, 150)
    room, left = await group(community, "closed", "ben", "dina"), await group(community, "closed", "ben", "dina")
    mine = await say(here, room, "TLP:GREEN A first word on lighthouses", "ben")
    await say(here, room, "TLP:AMBER An answer on lighthouses", "dina", **thread(mine))
    await say(here, room, "TLP:GREEN Who knows lighthouses?", "ana", **naming(here, "ben", "dina"))
    await say(here, room, "TLP:GREEN Dina does", "dina", **{"m.relates_to": {"m.in_reply_to": {"event_id": mine}}})
    gone = await say(here, room, "Taken back", "ana", **naming(here, "ben"))
    hidden = await say(here, left, "TLP:AMBER Who is there?", "ana", **naming(here, "ben", "dina"))
    secret = await say(here, community.rooms["named"], "TLP:RED lighthouse", "ana", **naming(here, "finn"))

    async def all_is_kept() -> bool:
        return {gone, hidden} <= set(here.facts())

    await eventually(all_is_kept, 30)
    assert (await request(community["ben"], "POST", path_of(left, "leave"), {}))[0] == 200
    assert (await community["ana"].room_redact(room, gone)).event_id

    async def is_forgotten() -> bool:
        return gone not in here.facts()

    await eventually(is_forgotten, 30)
    assert secret not in here.facts() and community.rooms["named"] not in here.facts().values()
    here.due()
    ben = (await eventually(lambda: here.digests("ben"), 60))[0]
    dina = (await eventually(lambda: here.digests("dina"), 60))[0]
    _, name = await request(community["ana"], "GET", f"{V3}/rooms/{quote(room)}/state/m.room.name")
    _, other = await request(community["ana"], "GET", f"{V3}/rooms/{quote(left)}/state/m.room.name")
    at = r"\d{4}-\d\d-\d\d \d\d:\d\d \(Europe/London\)"
    named, thread_of = (re.escape(one) for one in (f"• Ana (Harbour) named you in {name['name']}", name["name"]))
    told = lines(ben)
    assert len(told) == 2, told
    assert re.fullmatch(rf"{named}, {at}, and you have not answered\.", told[0])
    assert re.fullmatch(rf"• 1 new in a thread in {thread_of} in which you wrote\.", told[1])
    assert ben["org.belisha.tlp"]["label"] == "TLP:AMBER" and ben["body"].startswith("[TLP:AMBER] ")
    assert [one.split(",")[0] for one in lines(dina)] == [
        f"• Ana (Harbour) named you in {name['name']}",
        f"• Ana (Harbour) named you in {other['name']}",
    ]
    assert await here.digests("finn") == [], "of a room of named people nothing is told"
    for member in ("ana", "ben", "cora", "dina", "emil", "finn", "mona"):
        for digest in await here.digests(member):
            await _holds(here, member, digest)


async def _holds(here: Here, member: str, digest: Json) -> None:
    """Everything that a digest leads to, the member reads in that moment by their own client; no word is in it."""
    client, links = here.community[member], _LINK.findall(digest["body"])
    assert links and len(links) == len([one for one in digest["body"].splitlines() if one.startswith("•")])
    joined = set((await request(client, "GET", f"{V3}/joined_rooms"))[1]["joined_rooms"])
    order = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT"]
    strictest = 1
    for room, event_id in links:
        room_id = unquote(room)
        assert room_id in joined and room_id != here.community.rooms["named"], member
        status, event = await request(client, "GET", f"{V3}/rooms/{quote(room_id)}/event/{quote(event_id)}")
        assert status == 200 and event["content"].get("body"), "what was taken back leads nowhere"
        strictest = max(strictest, order.index(event["content"]["org.belisha.tlp"]["label"]))
    assert order.index(digest["org.belisha.tlp"]["label"]) >= strictest
    assert "lighthouse" not in str(digest) and "Taken back" not in str(digest)
