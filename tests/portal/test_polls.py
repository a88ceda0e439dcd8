"""A poll from `!poll` to its result and its export, with the real bots; votes by matrix-nio."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote

import nio

from belisha.polls.wire import END, RESPONSE, START
from tests.bots.support import STEWARD, eventually
from tests.portal.support import Here, Visitor, make_group
from tests.support.community import unique
from tests.support.server import request

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
FORMULA = "=HYPERLINK(1)"


async def events(here: Here, room: str, by: str = "ana") -> list[Json]:
    """The newest events of a room, newest first."""
    _, body = await request(here.people[by], "GET", f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=100")
    return list(body["chunk"])


async def of_type(here: Here, room: str, *kinds: str) -> list[Json]:
    async def found() -> list[Json]:
        return [one for one in await events(here, room) if one["type"] in kinds]

    return await eventually(found, 60)


async def said(here: Here, room: str, words: str) -> Json:
    async def found() -> Json | None:
        by_steward = (one for one in await events(here, room) if one["sender"] == STEWARD)
        return next((one for one in by_steward if words in str(one["content"].get("body"))), None)

    return await eventually(found, 60) or {}


async def replies(here: Here, by: str, room: str, event: str, body: str) -> str:
    content = {"msgtype": "m.text", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": event}}}
    sent = await here.people[by].room_send(room, "m.room.message", content)
    assert isinstance(sent, nio.RoomSendResponse), sent
    return sent.event_id


async def votes(here: Here, by: str, room: str, poll: str, answer: str) -> None:
    relates = {"rel_type": "m.reference", "event_id": poll}
    content = {"m.relates_to": relates, RESPONSE[0]: {"answers": [answer]}}
    assert isinstance(await here.people[by].room_send(room, RESPONSE[0], content), nio.RoomSendResponse)


async def test_from_the_command_to_the_result_and_the_file(here: Here, ana: Visitor, finn: Visitor) -> None:
    key = unique("poll")
    invited = [here.people[name].user_id for name in ("ben", "finn")]
    await make_group(here, "ana", key, "Tide talk", "private_chat", invite=invited)
    room = here.groups[key]
    for name in ("ben", "finn"):
        await here.people[name].join(room)
    asked = await here.say("ana", f'!poll "Which?" | {FORMULA} | Tide --by organisation --quorum 3', room)
    assert "The poll is open." in await here.answer("ana", asked, room)
    (poll,) = await of_type(here, room, *START)
    assert poll["sender"] == here.people["ana"].user_id
    for name, answer in (("ana", "2"), ("ben", "1"), ("ben", "2"), ("finn", "1")):
        await votes(here, name, room, poll["event_id"], answer)

    refused = await replies(here, "finn", room, poll["event_id"], "!poll close")
    assert "Please ask one of them." in await here.answer("finn", refused, room)
    where = f"/polls/{quote(room, safe='')}/{quote(poll['event_id'], safe='')}/votes"
    exported = await replies(here, "ana", room, poll["event_id"], "!poll export")
    link = await here.answer("ana", exported, room)
    assert f"{here.url}{where}.csv" in link and f"{here.url}{where}.json" in link

    await replies(here, "ana", room, poll["event_id"], "!poll close")
    result = await said(here, room, "The poll is closed: Which?")
    (end,) = await of_type(here, room, *END)
    assert end["sender"] == STEWARD and end["content"]["org.belisha.tlp"]["label"] == "TLP:AMBER"
    assert result["content"]["org.belisha.tlp"] == {"label": "TLP:AMBER", "by": "parent"}
    body = result["content"]["body"]
    assert "“Tide” has the most votes: 2 of 3." in body and "Tide | 2 | 67 % | 1" in body
    assert "(2 votes): Tide" in body and f"(1 vote): {FORMULA}" in body
    assert "<table>" in result["content"]["formatted_body"]

    table = await ana.get(f"{where}.csv")
    assert table.status == 200 and table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "poll.TLP-AMBER.csv" in table.headers["Content-Disposition"]
    label, heads, *rows = csv.reader(io.StringIO(table.text.removeprefix("\ufeff")))
    assert label == ["TLP:AMBER"] and heads[2:] == [f"'{FORMULA}", "Tide"], "no spreadsheet calculates it"
    found = {row[0].removeprefix("'"): row[2:] for row in rows}
    assert found[here.people["ben"].user_id] == ["no", "yes"] and found[here.people["finn"].user_id] == ["yes", "no"]
    told = json.loads((await ana.get(f"{where}.json")).text)
    assert told["label"] == "TLP:AMBER" and told["is_over"] and [one["votes"] for one in told["counts"]] == [1, 2]
    assert (await finn.get(f"{where}.csv")).status == 404, "whose poll it is not"
    assert (await finn.get(f"{where}.csv")).text == (await finn.get(where.replace("polls", "groups") + ".csv")).text
    path = f"{V3}/rooms/{quote(room)}/leave"
    assert (await request(here.people["ana"], "POST", path, {}))[0] == 200
    assert (await ana.get(f"{where}.csv")).status == 404, "decided at that moment (P2)"


async def test_a_poll_can_be_begun_by_the_form(here: Here, ana: Visitor) -> None:
    page = await ana.get("/commands/poll")
    assert page.status == 200 and 'name="its-closes"' in page.text and "Begin a poll" in page.text
