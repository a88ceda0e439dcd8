"""Polls by commands (P3): in whose name, with which label, once, who may end one, and what a bot is told (P2)."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from belisha.polls.wire import END, RESPONSE, START, end_content, start_content
from tests.support.community import Community, assert_refused, unique
from tests.support.server import request
from tests.synapse.test_acts import hand_over, typed
from tests.synapse.test_room_freezing import V3, group

Json = dict[str, Any]
API = "/_synapse/client/org.belisha/v1"
ASKED = {"poll": ["When?", "Monday", "Tuesday"]}


async def with_people(community: Community, kind: str = "closed") -> str:
    """A group of ana's, with ben and finn in it."""
    room = await group(community, kind, "ana")
    for name in ("ben", "finn"):
        await request(community["ana"], "POST", f"{V3}/rooms/{quote(room)}/invite", {"user_id": community.id(name)})
        status, body = await request(community[name], "POST", f"{V3}/join/{quote(room)}", {})
        assert status == 200, body
    return room


async def begins(community: Community, room: str, by: str = "ben", options: str = "", **more: Any) -> tuple[int, Json]:
    event = await typed(community, by, room, f"!poll When? | Monday | Tuesday {options}")
    return await hand_over(community, room, event, "poll_open", ASKED | more)


async def begun(community: Community, room: str, by: str = "ben", options: str = "", **more: Any) -> str:
    status, body = await begins(community, room, by, options, **more)
    assert status == 200, body
    return str(body["event_id"])


async def sends(community: Community, by: str, room: str, kind: str, content: Json) -> str:
    path = f"{V3}/rooms/{quote(room)}/send/{kind}/{unique('p')}"
    status, body = await request(community[by], "PUT", path, content)
    assert status == 200, body
    return str(body["event_id"])


async def votes(community: Community, by: str, room: str, poll: str, answer: str, kind: str = RESPONSE[0]) -> str:
    relates = {"rel_type": "m.reference", "event_id": poll}
    return await sends(community, by, room, kind, {"m.relates_to": relates, kind: {"answers": [answer]}})


async def event_of(community: Community, room: str, event: str) -> Json:
    status, body = await request(community["ana"], "GET", f"{V3}/rooms/{quote(room)}/event/{quote(event)}")
    assert status == 200, body
    return body


async def facts(community: Community, room: str, event: str, by: str = "steward") -> tuple[int, Json]:
    return await request(community[by], "GET", f"{API}/poll?room_id={quote(room)}&event_id={quote(event)}")


async def answers(
    community: Community, by: str, room: str, event: str, text: str, act: str, **arguments: Any
) -> tuple[int, Json]:
    relates = {"m.relates_to": {"m.in_reply_to": {"event_id": event}}}
    content = {"msgtype": "m.text", "body": text, **relates}
    command = await sends(community, by, room, "m.room.message", content)
    return await hand_over(community, room, command, act, arguments)


async def test_a_poll_is_its_makers_and_looks_as_element_writes_it(community: Community) -> None:
    room = await with_people(community)
    event = await event_of(community, room, await begun(community, room, options="--multi 2", multi=2))
    assert (event["type"], event["sender"]) == (START[0], community.id("ben"))
    content = event["content"]
    assert content["org.belisha.tlp"] == {"label": "TLP:AMBER", "by": "room"}
    start = content[START[0]]
    assert start["question"]["org.matrix.msc1767.text"] == "[TLP:AMBER] When?" and start["max_selections"] == 2
    assert [one["org.matrix.msc1767.text"] for one in start["answers"]] == ["Monday", "Tuesday"]


async def test_a_command_begins_one_poll(community: Community) -> None:
    room = await with_people(community)
    event = await typed(community, "ben", room, "!poll When? | Monday | Tuesday")
    call = (community, room, event, "poll_open", ASKED)
    got = await asyncio.gather(*(hand_over(*call) for _ in range(3)))
    assert {(status, body["event_id"]) for status, body in got} == {(200, got[0][1]["event_id"])}
    # As after a crash between the poll and the note of it.
    community.server.change("DELETE FROM belisha_act WHERE event_id = ?", event)
    assert (await hand_over(*call))[1]["event_id"] == got[0][1]["event_id"]
    _, page = await request(community["ana"], "GET", f"{V3}/rooms/{quote(room)}/messages?dir=b&limit=50")
    assert sum(one["type"] == START[0] for one in page["chunk"]) == 1


async def test_its_label_is_asked_for_within_the_ceiling(community: Community) -> None:
    closed, opened = await with_people(community), await with_people(community, "open")
    green = await begun(community, closed, options="--label green", label="TLP:GREEN")
    label = (await event_of(community, closed, green))["content"]["org.belisha.tlp"]
    assert label == {"label": "TLP:GREEN", "by": "sender"}
    refused = await begins(community, opened, options="--label amber", label="TLP:AMBER")
    assert_refused(*refused, "ABOVE_CEILING", rule="L3")
    assert refused[1]["error"] and "When" not in refused[1]["error"]


async def test_it_is_never_laxer_than_its_command(community: Community) -> None:
    room = await with_people(community)
    text = "!poll When? | Monday | Tuesday --label green"
    content = {"msgtype": "m.text", "body": text, "org.belisha.tlp": {"label": "TLP:AMBER"}}
    command = await sends(community, "ben", room, "m.room.message", content)
    status, body = await hand_over(community, room, command, "poll_open", ASKED | {"label": "TLP:GREEN"})
    assert status == 200, body
    label = (await event_of(community, room, body["event_id"]))["content"]["org.belisha.tlp"]
    assert label == {"label": "TLP:AMBER", "by": "sender"}


async def test_what_only_looks_like_a_label_begins_no_poll(community: Community) -> None:
    room = await with_people(community)
    command = await typed(community, "ben", room, "!poll When? | TLP: GREEN it is | Tuesday --label amber")
    asked = {"poll": ["When?", "TLP: GREEN it is", "Tuesday"], "label": "TLP:AMBER"}
    status, body = await hand_over(community, room, command, "poll_open", asked)
    assert status == 200, body
    label = (await event_of(community, room, body["event_id"]))["content"]["org.belisha.tlp"]["label"]
    assert label == "TLP:AMBER", "the strictest counts"


@pytest.mark.parametrize(
    ("by", "may"),
    [("ben", True), ("ana", True), ("cora", True), ("finn", False)],
    ids=["maker", "keeper", "steward", "no"],
)
@pytest.mark.parametrize(
    ("text", "act", "more"),
    [
        ("!poll close", "poll_close", {}),
        ("!poll cancel", "poll_cancel", {}),
        ("!poll extend 2d", "poll_extend", {"closes": "2d"}),
    ],
)
async def test_who_may_end_one(community: Community, by: str, may: bool, text: str, act: str, more: Json) -> None:
    room = await shared(community)
    poll = await begun(community, room)
    status, body = await answers(community, by, room, poll, text, act, **more)
    if may:
        assert (status, body["event_id"], body["maker"]) == (200, poll, community.id("ben"))
    else:
        assert_refused(status, body, "NOT_YOURS", rule="P3")


_ROOMS: dict[str, str] = {}


async def shared(community: Community) -> str:
    """One group for the tests of who may; cora, a steward, is in it too."""
    if community.server.name not in _ROOMS:
        room = await with_people(community)
        await request(community["ana"], "POST", f"{V3}/rooms/{quote(room)}/invite", {"user_id": community.id("cora")})
        assert (await request(community["cora"], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
        _ROOMS[community.server.name] = room
    return _ROOMS[community.server.name]


async def test_only_a_poll_that_stands_and_runs_is_ended(community: Community) -> None:
    room = await shared(community)
    text = await typed(community, "ben", room, "no poll at all")
    assert_refused(*await answers(community, "ben", room, text, "!poll close", "poll_close"), "NO_POLL", rule="P3")
    poll = await begun(community, room)
    await sends(community, "finn", room, END[0], end_content(poll, "over"))
    assert (await facts(community, room, poll))[1]["ends"] == [], "whoever may not has ended nothing"
    await sends(community, "ben", room, END[1], end_content(poll, "over") | {"m.poll.end": {}})
    assert_refused(*await answers(community, "ben", room, poll, "!poll close", "poll_close"), "POLL_ENDED", rule="P3")
    taken = await begun(community, room)
    redact = f"{V3}/rooms/{quote(room)}/redact/{quote(taken)}/{unique('r')}"
    assert (await request(community["ben"], "PUT", redact, {}))[0] == 200
    assert_refused(*await answers(community, "ben", room, taken, "!poll close", "poll_close"), "NO_POLL", rule="P3")


async def test_a_bot_is_told_what_counts_now(community: Community) -> None:
    room = await with_people(community)
    poll = await sends(community, "ben", room, START[1], start_content("Which?", ["Fish", "Tide"]))
    await votes(community, "finn", room, poll, "1")
    await votes(community, "finn", room, poll, "2", RESPONSE[1])
    gone = await votes(community, "ana", room, poll, "1")
    path = f"{V3}/rooms/{quote(room)}/redact/{quote(gone)}/{unique('r')}"
    assert (await request(community["ana"], "PUT", path, {}))[0] == 200
    await request(community["ben"], "POST", f"{V3}/rooms/{quote(room)}/leave", {})
    status, told = await facts(community, room, poll)
    assert status == 200 and told["label"] == "TLP:AMBER" and told["ends"] == []
    assert [one["sender"] for one in told["responses"]] == [community.id("finn")] * 2
    assert told["poll"]["content"][START[0]]["question"]["body"] == "[TLP:AMBER] Which?"
    opening, closing = told["voters"]["opening"], told["voters"]["closing"]
    assert set(opening) == {community.id(name) for name in ("ana", "ben", "finn")}
    assert set(opening) - set(closing) == {community.id("ben")}
    assert set(told["organisations"]) == set(opening.values())
    assert all(told["service_rooms"].values()) and set(told["service_rooms"]) == set(opening)


async def test_it_counts_as_it_was_when_the_first_vote_came(community: Community) -> None:
    """Whoever began it could turn the votes around by an edit otherwise."""
    room = await shared(community)
    poll = await begun(community, room)

    async def edits(by: str, *answers: str) -> None:
        changed = start_content("Which?", answers)
        relates = {"rel_type": "m.replace", "event_id": poll}
        await sends(community, by, room, START[0], {**changed, "m.new_content": changed, "m.relates_to": relates})

    async def counts() -> tuple[list[str], bool]:
        told = (await facts(community, room, poll))[1]
        start = told["poll"]["content"][START[0]]
        return [one["org.matrix.msc1767.text"] for one in start["answers"]], told["edited_late"]

    await edits("ben", "Fish", "Tide")
    assert await counts() == (["Fish", "Tide"], False)
    await votes(community, "finn", room, poll, "1")
    await edits("ben", "Tide", "Fish")
    assert await counts() == (["Fish", "Tide"], True)


async def test_nobody_but_a_bot_that_is_there_is_told(community: Community) -> None:
    room = await with_people(community)
    poll = await begun(community, room)
    assert_refused(*await facts(community, room, poll, by="ben"), "NOT_A_BOT", rule="P3")
    text = await typed(community, "ben", room, "no poll")
    named = community.rooms["named"]
    hidden = await sends(community, "ana", named, START[0], start_content("Which?", ["Fish", "Tide"]))
    for where, which in ((room, text), (room, hidden), (named, hidden), ("!nowhere:x", poll), (room, "$nothing")):
        assert (await facts(community, where, which))[0] == 404


@pytest.mark.parametrize(
    ("policy", "carries"), [({"media": "none"}, False), ({"originals": "source"}, False), ({"media": "any"}, True)]
)
async def test_a_bot_is_told_whether_a_picture_can_be_shared(community: Community, policy: Json, carries: bool) -> None:
    room = await with_people(community)
    poll = await begun(community, room)
    told = (await facts(community, room, poll))[1]
    assert told["carries_files"] is True and told["moved"] is None
    path = f"rooms/{quote(room, safe='')}/policy"
    assert (await community.server.local("PUT", path, policy))[0] == 200
    assert (await facts(community, room, poll))[1]["carries_files"] is carries
