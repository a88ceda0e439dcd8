"""A poll from `!poll` to its result and its export, with the real bots; votes by matrix-nio."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from urllib.parse import quote

import nio

from belisha.polls.wire import END, RESPONSE, START
from tests.bots.support import STEWARD
from tests.portal.support import Here, Visitor, form_of, make_group
from tests.support.community import unique
from tests.support.patience import until
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

    return await until(found)


async def said(here: Here, room: str, words: str) -> Json:
    async def found() -> Json | None:
        by_steward = (one for one in await events(here, room) if one["sender"] == STEWARD)
        return next((one for one in by_steward if words in str(one["content"].get("body"))), None)

    return await until(found) or {}


async def replies(here: Here, by: str, room: str, event: str, body: str) -> str:
    content = {"msgtype": "m.text", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": event}}}
    sent = await here.people[by].room_send(room, "m.room.message", content)
    assert isinstance(sent, nio.RoomSendResponse), sent
    return sent.event_id


async def votes(here: Here, by: str, room: str, poll: str, answer: str) -> None:
    relates = {"rel_type": "m.reference", "event_id": poll}
    content = {"m.relates_to": relates, RESPONSE[0]: {"answers": [answer]}}
    assert isinstance(await here.people[by].room_send(room, RESPONSE[0], content), nio.RoomSendResponse)


def page_of(votes_at: str) -> str:
    """The page of a result, by where its votes are."""
    return f"{votes_at.removesuffix('votes')}result"


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

    assert f"{here.url}{page_of(where)}" in link
    page = await ana.get(page_of(where))
    assert "The poll is closed. “Tide” has the most votes: 2 of 3." in page.text
    assert "<td>2</td><td>67 %</td><td>1</td>" in page.text and "(2 votes): Tide</li>" in page.text
    assert "It counts: 3 have voted, of whom 3 were needed." in page.text
    assert f'src="{page_of(where)}.png" alt="The result as a bar chart. “Tide” has the most votes' in page.text
    drawn = await ana.get(f"{page_of(where)}.png")
    assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/png") and drawn.text.startswith("\ufffdPNG")
    assert drawn.headers["Cache-Control"] == "private, no-store"
    assert drawn.headers["Content-Disposition"].startswith('inline; filename="poll.TLP-AMBER.png"')

    table = await ana.get(f"{where}.csv")
    assert table.status == 200 and table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "poll.TLP-AMBER.csv" in table.headers["Content-Disposition"]
    label, heads, *rows = csv.reader(io.StringIO(table.text.removeprefix("\ufeff")))
    assert label == ["TLP:AMBER"] and heads[2:] == [f"'{FORMULA}", "Tide"], "no spreadsheet calculates it"
    found = {row[0].removeprefix("'"): row[2:] for row in rows}
    assert found[here.people["ben"].user_id] == ["no", "yes"] and found[here.people["finn"].user_id] == ["yes", "no"]
    told = json.loads((await ana.get(f"{where}.json")).text)
    assert told["label"] == "TLP:AMBER" and told["is_over"] and [one["votes"] for one in told["counts"]] == [1, 2]
    for path in (f"{where}.csv", page_of(where), f"{page_of(where)}.png"):
        assert (await finn.get(path)).status == 404, "whose poll it is not"
    assert (await finn.get(f"{where}.csv")).text == (await finn.get(where.replace("polls", "groups") + ".csv")).text

    taken_back = await here.people["ana"].room_redact(room, poll["event_id"])
    assert isinstance(taken_back, nio.RoomRedactResponse)

    async def result_is_gone() -> bool:
        return any(
            one["event_id"] == result["event_id"] and not one["content"].get("body") for one in await events(here, room)
        )

    await until(result_is_gone)  # rule E1
    for path in (f"{where}.csv", page_of(where), f"{page_of(where)}.png"):
        assert (await ana.get(path)).status == 404


async def test_who_has_left_exports_nothing(here: Here, ana: Visitor) -> None:
    key = unique("poll")
    await make_group(here, "ana", key, "Tide talk", "private_chat", invite=[here.people["ben"].user_id])
    room = here.groups[key]
    await here.people["ben"].join(room)
    await here.say("ana", "!poll Which? | Fish | Tide", room)
    (poll,) = await of_type(here, room, *START)
    where = f"/polls/{quote(room, safe='')}/{quote(poll['event_id'], safe='')}/votes"
    assert (await ana.get(f"{where}.csv")).status == 200
    path = f"{V3}/rooms/{quote(room)}/leave"
    assert (await request(here.people["ana"], "POST", path, {}))[0] == 200
    assert (await ana.get(f"{where}.csv")).status == 404, "decided at that moment (P2)"


FIELDS = {
    "question": "Which day?",
    "answers": "Monday\nTuesday <b>\n",
    "closes": "2d",
    "multi": "2",
    "by": "organisation",
    "quorum": "3",
    "label": "",
    "voters": "opening",
}


def form_for(here: Here, page: str, step: str, **changes: str) -> dict[str, str]:
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once
    room = {"room": here.groups["closed"]}
    return FIELDS | room | {"form": form_of(page), "once": once[1], "step": step} | changes


async def test_by_a_form_it_is_looked_at_first_and_begun_by_a_yes(here: Here, ana: Visitor) -> None:
    assert 'href="/polls/new"' in (await ana.get("/commands")).text
    assert (await ana.get("/commands/poll")).status == 404, "there is one form for it"
    page = await ana.get("/polls/new")
    looked = await ana.post("/polls/new", form_for(here, page.text, "preview"))
    assert looked.status == 200
    for words in (
        "<h2>Which day?</h2>",
        "<li>Tuesday &lt;b&gt;</li>",
        "TLP:AMBER",
        "up to 2 answers",
        "if 3 have voted",
    ):
        assert words in looked.text, words
    bare = dict.fromkeys(("closes", "multi", "by", "quorum", "voters"), "")
    plainly = await ana.post("/polls/new", form_for(here, page.text, "preview", **bare))
    assert plainly.status == 200 and "It stays open until you close it." in plainly.text
    assert "organisation" not in plainly.text.partition("<main")[2] and "It counts if" not in plainly.text
    again = await ana.post("/polls/new", form_for(here, looked.text, "change"))
    assert 'value="Which day?"' in again.text and "Tuesday &lt;b&gt;" in again.text
    room = here.groups["closed"]
    assert not [one for one in await events(here, room) if one["type"] in START], "nothing is sent by looking"
    begun = await ana.post("/polls/new", form_for(here, looked.text, "begin"))
    assert begun.status == 200 and "you are asked in your own chat" in begun.text

    async def asked() -> str | None:
        newest = (one for one in await events(here, here.services["ana"]) if one["sender"] == STEWARD)
        return next((one["event_id"] for one in newest if "!poll" in str(one["content"].get("body"))), None)

    question = await until(asked) or ""
    await replies(here, "ana", here.services["ana"], question, "yes")
    (poll,) = await of_type(here, room, *START)
    start = poll["content"][START[0]]
    assert poll["sender"] == here.people["ana"].user_id and start["max_selections"] == 2
    assert [one["org.matrix.msc1767.text"] for one in start["answers"]] == ["Monday", "Tuesday <b>"]


async def test_what_cannot_be_is_said_above_the_form_which_keeps_what_was_written(here: Here, ana: Visitor) -> None:
    page = (await ana.get("/polls/new")).text
    wrong = {
        "Please choose a group.": {"room": ""},
        "You are not in that group": {"room": f"!nothing:{here.server.name}"},
        "at least two answers": {"answers": "Monday"},
        "Two of these answers are the same": {"answers": "Monday\nmonday"},
        "each answer has a line of its own": {"answers": "Monday | Tuesday\nFriday"},
        "I do not understand when that is": {"closes": "soon"},
        "That moment is over": {"closes": "2020-01-01 10:00"},
        "from 1 to 100000": {"quorum": "many"},
        "stricter than this group can carry (TLP:AMBER)": {"label": "TLP:AMBER+STRICT"},
    }
    for step in ("preview", "begin"):
        for words, changes in wrong.items():
            answer = await ana.post("/polls/new", form_for(here, page, step, **changes))
            assert answer.status == 400 and words in answer.text, words
            assert 'value="Which day?"' in answer.text
    assert (await ana.post("/polls/new", form_for(here, page, "begin", once="x"))).status == 400
