"""Labels and moderation with the real bots: what is answered to who asks, and what the member is told in their room."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest_asyncio

from tests.bots.support import STEWARD
from tests.portal.support import Here, Visitor
from tests.portal.test_commands import fill, last_of_steward, tap
from tests.support.patience import until
from tests.support.server import request

Json = dict[str, Any]
V3 = "/_matrix/client/v3"


@pytest_asyncio.fixture(scope="module")
async def quay(here: Here) -> str:
    """A closed group of ana's, with ben, a steward and the bot in it."""
    here.people["stella"] = await here.server.member("stella", "harbour", "steward")
    _, listed = await here.server.local("GET", "members")
    here.services["stella"] = next(m["service_room"] for m in listed["members"] if m["user_id"].startswith("@stella:"))
    invited = [here.people[name].user_id for name in ("ben", "stella")]
    body = {"preset": "private_chat", "name": "Quay", "invite": invited}
    status, made = await request(here.people["ana"], "POST", f"{V3}/createRoom", body)
    assert status == 200, made
    room = str(made["room_id"])
    for name in ("ben", "stella"):
        assert (await request(here.people[name], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200

    async def bot_is_in() -> bool:
        path = f"{V3}/rooms/{quote(room)}/joined_members"
        return STEWARD in (await request(here.people["ana"], "GET", path))[1]["joined"]

    await until(bot_is_in)
    return room


async def says(here: Here, name: str, room: str, body: str, to: str | None = None) -> str:
    content: Json = {"msgtype": "m.text", "body": body}
    if to is not None:
        content["m.relates_to"] = {"m.in_reply_to": {"event_id": to}}
    sent = await here.people[name].room_send(room, "m.room.message", content)
    return str(sent.event_id)


async def answered(here: Here, name: str, room: str, body: str, to: str | None = None) -> str:
    return await here.answer(name, await says(here, name, room, body, to), room)


async def test_what_may_i_do_with_this(here: Here, quay: str) -> None:
    item = await says(here, "ana", quay, "TLP:GREEN Slack water at six")
    told = await answered(here, "ben", quay, "!may", item)
    assert "That message is TLP:GREEN. You may:" in told and "• Quote it in a report: yes" in told
    assert "That ends at the platform's door" in told
    assert "A message that is TLP:AMBER would be seen here by these" in await answered(here, "ben", quay, "!audience")
    assert "With what is TLP:RED you may:" in await answered(here, "ben", here.services["ben"], "!may red")
    assert "no such message here" in await answered(here, "ben", here.services["ben"], "!may", item)


async def test_a_form_asks_the_same(here: Here, quay: str, ana: Visitor) -> None:
    item = await says(here, "ana", quay, "TLP:GREEN Slack water at seven")
    page = await fill(ana, "may", target=f"https://matrix.to/#/{quay}/{item}")
    assert page.status == 200 and "You may:" in page.text
    page = await fill(ana, "may", label="TLP:AMBER")
    assert page.status == 200 and "you may:" in page.text
    page = await fill(ana, "may")
    assert page.status == 400 and "Please give the link to a message" in page.text
    page = await fill(ana, "relabel", target=f"https://matrix.to/#/{quay}/{item}", label="TLP:AMBER")
    assert page.status == 200 and "you are asked" in page.text
    question = await last_of_steward(here, "ana", "!relabel TLP:AMBER")
    await tap(here, "ana", question)
    assert await last_of_steward(here, "ana", "Done: that message is TLP:AMBER now.")


async def test_a_raise_tells_its_source_in_their_own_room(here: Here, quay: str) -> None:
    item = await says(here, "ana", quay, "TLP:GREEN The name is Smith")
    assert "Done: that message is TLP:AMBER now." in await answered(here, "stella", quay, "!raise amber", item)
    told = await last_of_steward(here, "ana", item)
    path = f"{V3}/rooms/{quote(here.services['ana'])}/event/{quote(told)}"
    _, event = await request(here.people["ana"], "GET", path)
    assert "A steward has changed the label of a message of yours." in event["content"]["body"]
    assert "Smith" not in event["content"]["body"]
    assert "Only stewards can do this." in await answered(here, "ben", quay, "!raise amber", item)


async def test_a_mute_is_told_to_both_and_stands_in_the_log(here: Here, quay: str) -> None:
    told = await answered(here, "stella", quay, '!mute @ben 2h --reason "Please sleep first"')
    assert "Done: Ben (@ben) cannot write in Quay (https://matrix.to/#/" in told
    assert await last_of_steward(here, "ben", "The reason: “Please sleep first”")
    status, refused = await request(
        here.people["ben"], "PUT", f"{V3}/rooms/{quote(quay)}/send/m.room.message/x", {"msgtype": "m.text", "body": "x"}
    )
    assert (status, refused["errcode"]) == (403, "ORG.BELISHA.MUTED")
    assert "can write in Quay" in await answered(here, "stella", quay, "!unmute @ben")
    assert await last_of_steward(here, "ben", "let you write")
    log = await answered(here, "stella", here.services["stella"], "!mod log @ben")
    assert "What was done to Ben (@ben), the newest first:" in log and "ended by @stella" in log
    assert "muted in Quay (" in log
    assert "Please sleep first" not in log
    assert "Only stewards and managers can do this." in await answered(
        here, "ben", here.services["ben"], "!mod log @ben"
    )
    assert "your own room" in await answered(here, "stella", quay, "!mod log @ben")


async def test_by_a_form(here: Here, quay: str) -> None:
    stella = await here.sign_in("stella")
    page = await fill(stella, "kick", room=quay, member="@ben", reason="Off topic")
    assert page.status == 200 and "you are asked" in page.text
    await tap(here, "stella", await last_of_steward(here, "stella", "On the portal you asked for !kick"))
    assert await last_of_steward(here, "stella", "Done: Ben (@ben) is removed from Quay")
    assert await last_of_steward(here, "ben", "have removed you from Quay")
