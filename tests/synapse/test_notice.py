"""What was refused is told in the member's room with the bot, folded when it repeats, without a word of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from synapse_modules.notice import AT_MOST, without_quotations
from tests.support.community import Community, label_of
from tests.support.ledger import known_everywhere
from tests.support.server import request
from tests.synapse.rights import newcomer
from tests.synapse.samples import text

Json = dict[str, Any]


async def _service_room(community: Community, name: str) -> str:
    _, body = await community.server.local("GET", "members")
    return str(next(member["service_room"] for member in body["members"] if member["user_id"] == community.id(name)))


async def _notices(community: Community, name: str) -> list[Json]:
    """The bot's messages to a member, oldest first."""
    room = await _service_room(community, name)
    path = f"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=100"
    _, body = await request(community[name], "GET", path)
    events = [event["content"] for event in body["chunk"] if event["sender"] == community.id("steward")]
    return [content for content in reversed(events) if content.get("msgtype") == "m.notice"]


async def _soon(community: Community, name: str, count: int) -> list[Json]:
    for _ in range(600):
        if len(found := await _notices(community, name)) >= count:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{count} notices expected: {await _notices(community, name)}")


async def _nobody_yet(community: Community) -> str:
    """A member of whom nothing was refused yet: of what is refused in an hour only a part is told."""
    name = await newcomer(community)
    await known_everywhere()
    return name


async def test_a_refusal_is_told_once_and_counted(community: Community) -> None:
    name = await _nobody_yet(community)
    _, made = await community.create(name, {"preset": "public_chat", "name": "Moorings"})
    before = len(await _notices(community, name))
    for number in range(3):
        content = text(f"TLP:RED the word xyzzy {number}")
        answer = await community[name].room_send(made["room_id"], "m.room.message", content)
        assert answer.status_code == "ORG.BELISHA.ABOVE_CEILING"
        await _soon(community, name, before + number + 1)
    told = (await _notices(community, name))[before:]
    assert "m.relates_to" not in told[0]
    assert {edit["m.relates_to"]["rel_type"] for edit in told[1:]} == {"m.replace"}
    body = told[-1]["m.new_content"]["body"]
    assert "Your message in “Moorings” was not sent." in body
    assert "direct chat" in body, "it says what to do instead"
    assert body.endswith("(3 times)")
    assert "xyzzy" not in str(told)
    assert label_of(told[0]) == "TLP:AMBER"


async def test_what_was_written_is_not_quoted(community: Community) -> None:
    name = await _nobody_yet(community)
    _, made = await community.create(name, {"preset": "private_chat", "name": "Berths"})
    before = len(await _notices(community, name))
    answer = await community[name].room_send(made["room_id"], "m.room.message", text("TLP:XYZZY the word"))
    assert "XYZZY" in answer.message, "the sender is told which word it was"
    (told,) = (await _soon(community, name, before + 1))[before:]
    assert "XYZZY" not in str(told)
    assert "is not a label" in told["body"]


async def test_a_room_that_was_not_made_is_told(community: Community) -> None:
    name = await _nobody_yet(community)
    before = len(await _notices(community, name))
    assert (await community.create(name, {"room_version": "12"}))[0] == 403
    assert "The room was not made." in (await _soon(community, name, before + 1))[-1]["body"]


async def test_nobody_is_flooded(community: Community) -> None:
    community.people["nell"] = await community.server.member("nell", "university")  # of whom nothing was refused yet
    before = len(await _notices(community, "nell"))
    for number in range(5):
        _, room = await community.create("nell", {"preset": "public_chat", "name": f"Pier {number}"})
        for label in ("TLP:RED", "TLP:AMBER", "TLP:AMBER+STRICT"):
            answer = await community["nell"].room_send(room["room_id"], "m.room.message", text(f"{label} x"))
            assert answer.status_code == "ORG.BELISHA.ABOVE_CEILING"
    told = await _soon(community, "nell", before + AT_MOST + 1)
    assert "I keep quiet for a while" in told[-1]["body"]
    await asyncio.sleep(1)
    assert len(await _notices(community, "nell")) == before + AT_MOST + 1


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("“TLP:PURPLE” is not a label. Write another.", "What you wrote is not a label. Write another."),
        ("There is nothing to quote.", "There is nothing to quote."),
    ],
)
def test_reasons_without_quotations(reason: str, told: str) -> None:
    assert without_quotations(reason) == told
