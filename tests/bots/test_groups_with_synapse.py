"""What the steward does for groups, on a real Synapse with the real bots: what it says, pins, edits and warns of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import nio
import pytest
import pytest_asyncio

from tests.bots.support import STEWARD, BotsProcess
from tests.support.community import unique, wish
from tests.support.patience import until
from tests.support.server import Server, ended, request
from tests.support.upgrade import path_of

pytestmark = pytest.mark.more

Json = dict[str, Any]
HOW = "How this group works"


@dataclass
class Here:
    server: Server
    people: dict[str, nio.AsyncClient]
    own: dict[str, str]

    async def ask(self, by: str, body: str, room: str | None = None) -> str:
        path = path_of(room or self.own[by], f"send/m.room.message/{unique('g')}")
        status, sent = await request(self.people[by], "PUT", path, {"msgtype": "m.text", "body": body})
        assert status == 200, sent
        return str(sent["event_id"])

    async def said(self, by: str, room: str | None = None) -> list[Json]:
        """The steward's messages in a room, newest first."""
        _, page = await request(self.people[by], "GET", path_of(room or self.own[by], "messages?dir=b&limit=100"))
        return [event for event in page["chunk"] if event["sender"] == STEWARD and event["type"] == "m.room.message"]

    async def answer(self, by: str, body: str, room: str | None = None) -> Json:
        """The content of what the steward answers to a command."""
        asked = await self.ask(by, body, room)

        async def found() -> Json | None:
            for event in await self.said(by, room):
                if event["content"].get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id") == asked:
                    return dict(event["content"])
            return None

        answer = await until(found)
        assert answer is not None
        return answer

    async def told(self, by: str, words: str, room: str | None = None) -> list[Json]:
        """The steward's messages that say something, once there is one."""

        async def found() -> list[Json]:
            return [event for event in await self.said(by, room) if words in str(event["content"].get("body"))]

        return await until(found)

    async def state(self, by: str, room: str, event_type: str) -> Json:
        return (await request(self.people[by], "GET", path_of(room, f"state/{event_type}/")))[1]


@pytest_asyncio.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Here]:
    server = Server(tmp_path_factory.mktemp("groups") / "data")
    bots = BotsProcess(server.place.rendered / "bots.yaml")
    with ended(server):
        await server.start()
        await server.organisation("harbour")
        people = {name: await server.member(name, "harbour") for name in ("ada", "bea")}
        _, listed = await server.local("GET", "members")
        own = {one["user_id"][1:].partition(":")[0]: one["service_room"] for one in listed["members"]}
        try:
            await bots.start()
            yield Here(server, people, own)
        finally:
            bots.end()
            for client in people.values():
                await client.close()


async def made(here: Here, kind: str, name: str) -> str:
    body = {"name": name, "initial_state": [wish(kind)], "invite": [here.people["bea"].user_id]}
    status, answer = await request(here.people["ada"], "POST", "/_matrix/client/v3/createRoom", body)
    assert status == 200, answer
    room = str(answer["room_id"])
    assert (await request(here.people["bea"], "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 200
    return room


async def test_a_group_made_in_a_client_is_explained_and_pinned(here: Here) -> None:
    room = await made(here, "closed", "Pilots")
    (how,) = await here.told("bea", HOW, room)
    content = how["content"]
    assert content["org.belisha.tlp"] == {"label": "TLP:GREEN", "by": "sender"}, "it keeps no group from being opened"
    body = content["body"]
    assert "This is a closed group" in body and "TLP:AMBER" in body and "!red" in body and "!help" in body
    assert "TLP:AMBER+STRICT" not in body

    async def pinned() -> bool:
        return (await here.state("bea", room, "m.room.pinned_events")).get("pinned") == [how["event_id"]]

    await until(pinned)
    # Its maintainer pins something else; new rules change what is said, and leave the pins alone.
    other = await here.ask("ada", "The roster", room)
    pins = {"pinned": [how["event_id"], other]}
    assert (await request(here.people["ada"], "PUT", path_of(room, "state/m.room.pinned_events/"), pins))[0] == 200
    policy = {"kind": "closed", "organisations": ["harbour"], "purpose": "documents"}
    assert (await here.server.local("PUT", f"rooms/{quote(room, safe='')}/policy", policy))[0] == 200

    async def edited() -> bool:
        edits = [event for event in await here.said("bea", room) if "m.new_content" in event["content"]]
        is_of_it = [event for event in edits if event["content"]["m.relates_to"]["event_id"] == how["event_id"]]
        return any("It is for documents" in event["content"]["body"] for event in is_of_it)

    await until(edited)
    assert await here.state("bea", room, "m.room.pinned_events") == pins
    assert len([event for event in await here.told("bea", HOW, room) if "m.new_content" not in event["content"]]) == 1


async def test_a_knock_is_let_in_by_a_tap_and_a_sign_up_by_words(here: Here) -> None:
    """All of it: a native knock, the card, the maintainer's tap, the invitation, and what who knocked is told."""
    status, answer = await request(
        here.people["ada"],
        "POST",
        "/_matrix/client/v3/createRoom",
        {"name": "Night watch", "initial_state": [wish("closed")]},
    )
    assert status == 200, answer
    room = str(answer["room_id"])
    await here.told("ada", HOW, room)
    knocked = await request(here.people["bea"], "POST", f"/_matrix/client/v3/knock/{quote(room)}", {"reason": "Me"})
    assert knocked[0] == 200, knocked
    (card,) = await here.told("ada", "Bea (Harbour) (@bea) would like to come into the group Night watch")
    assert "Me" not in card["content"]["body"].split(), "a reason is passed on to nobody"
    relation = {"rel_type": "m.annotation", "event_id": card["event_id"], "key": "🤝"}
    path = path_of(here.own["ada"], f"send/m.reaction/{unique('tap')}")
    assert (await request(here.people["ada"], "PUT", path, {"m.relates_to": relation}))[0] == 200
    await here.told("bea", "You are let into the group Night watch")
    await here.told("ada", "This is done: let in, by @ada.")
    assert (await request(here.people["bea"], "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 200
    assert (await here.answer("ada", "!queue"))["body"].endswith("Nobody waits whom you could let in.")
    # An account without an organisation, from its first sign-in on; the stewards decide where there is no lead.
    cora = here.people["cora"] = await here.server.member("cora", "harbour", "steward")
    here.server.change(
        "INSERT INTO users (name, password_hash, creation_ts, admin, is_guest, deactivated, approved)"
        " SELECT '@levi:belisha.localhost', password_hash, creation_ts, 0, 0, 0, (1 = 1) FROM users WHERE name = ?",
        cora.user_id,
    )
    here.server.change("INSERT INTO profiles (user_id, full_user_id) VALUES ('levi', '@levi:belisha.localhost')")
    here.people["levi"] = await here.server.sign_in("levi")
    (here.own["levi"],) = (await here.people["levi"].joined_rooms()).rooms
    await here.told("levi", "This account belongs to no organisation of the community yet.")
    assert "so it can ask for help" in (await here.answer("levi", "!group list"))["body"]
    asked = (await here.answer("levi", '!ask-in harbour "Levi of the night watch"'))["body"]
    assert "I have passed it on" in asked
    _, listed = await here.server.local("GET", "members")
    here.own["cora"] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith("@cora:"))
    assert "They write: “Levi of the night watch”" in (await here.answer("cora", "!queue"))["body"]
    done = (await here.answer("cora", "!let-in @levi"))["body"]
    assert done.endswith("Done: @levi belongs to Harbour now.")
    await here.told("levi", "Welcome: you belong to Harbour now.")


async def test_the_last_maintainer_is_warned(here: Here) -> None:
    room = await made(here, "open", "Lights")
    await here.told("bea", HOW, room)
    levels = await here.state("ada", room, "m.room.power_levels")
    users = levels["users"] | {here.people["bea"].user_id: 95}
    path = path_of(room, "state/m.room.power_levels/")
    assert (await request(here.people["ada"], "PUT", path, levels | {"users": users}))[0] == 200
    assert (await request(here.people["bea"], "POST", path_of(room, "leave"), {}))[0] == 200
    warned = await here.told("ada", "only maintainer left")
    assert len(warned) == 1 and quote(room) in warned[0]["content"]["formatted_body"]
    assert (await request(here.people["ada"], "POST", path_of(room, "leave"), {}))[0] == 200


async def test_commands_about_groups_are_answered(here: Here) -> None:
    answer = await here.answer("ada", "!group create open Tides and winds")
    assert "you are its first maintainer" in answer["body"] and "https://matrix.to/#/" in answer["formatted_body"]
    assert "It is one of open, closed" in (await here.answer("ada", "!group create secret Tides"))["body"]
    listed = await here.answer("bea", "!group list")
    assert "Tides and winds" in listed["body"] and "quiet for seven days" in listed["body"]
    line = next(line for line in listed["body"].splitlines() if "Tides and winds" in line)
    room = next(part for part in line.split() if part.startswith("(!"))[1:].rstrip("):")
    assert "you are in the group" in (await here.answer("bea", f"!group join {room}"))["body"]
    assert "Tides and winds" not in (await here.answer("bea", "!group list"))["body"]
    named = await here.answer("bea", '!red @ada "Pumps"')
    assert "the room is there" in named["body"]
    refused = await here.answer("bea", "!red @nobody")
    assert "does not belong to an organisation" in refused["body"]
    await here.ask("bea", "!group leave", room)
    assert await here.told("bea", "you have left the group")
