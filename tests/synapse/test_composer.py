"""What the page for writing is told: labels, readers and drafts of groups, for who is in them now (rules P1 and P2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.support.community import Community, Json, unique
from tests.support.portal import ask_as_portal
from tests.support.server import request
from tests.synapse.samples import text

V3 = "/_matrix/client/v3"


async def composer(community: Community, by: str, kind: str, **more: Any) -> tuple[int, Json]:
    body = {"user_id": community.id(by), "room_id": community.rooms[kind], **more}
    return await ask_as_portal(community, body, name="composer")


async def test_a_group_says_what_it_carries_and_who_reads_it_now(community: Community) -> None:
    status, told = await composer(community, "ana", "closed")
    assert (status, told["name"], told["default"], told["closed"]) == (200, "Pilots", "TLP:AMBER", None)
    assert told["labels"] == ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER"]
    path = f"/_synapse/client/org.belisha/v1/audience?room_id={quote(community.rooms['closed'])}"
    _, audience = await request(community["ana"], "GET", path)
    assert told["audience"] == {key: audience[key] for key in ("total", "organisations", "bots", "could_join")}
    assert (told["audience"]["total"], told["audience"]["bots"]) == (3, 1)
    _, told = await composer(community, "dina", "strict")
    assert told["labels"][-1] == "TLP:AMBER+STRICT"
    _, told = await composer(community, "finn", "open")
    assert (told["labels"], told["audience"]["could_join"]) == (["TLP:CLEAR", "TLP:GREEN"], True)


async def test_other_rooms_are_not_there(community: Community) -> None:
    """Whoever is not in it, and whoever is: what is written among named people passes no bot (rule P1)."""
    answers = [
        await composer(community, "finn", "closed"),
        await composer(community, "finn", "named"),
        await composer(community, "ana", "service"),
        await ask_as_portal(community, {"user_id": community.id("ana"), "room_id": "!x"}, name="composer"),
        await ask_as_portal(community, {"user_id": community.id("ana"), "room_id": "!x\0"}, name="composer"),
    ]
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0][0], answers[0][1]["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND")
    for wrong in ({"room_id": 1}, {"answers": []}, {"content": "text"}):
        assert (await composer(community, "ana", "closed", **wrong))[0] == 400, wrong
    body = {"user_id": community.id("ana"), "room_id": community.rooms["closed"]}
    assert (await ask_as_portal(community, body, "made-up", "composer"))[0] == 403


async def test_an_answered_message_has_its_label_and_its_thread(community: Community) -> None:
    root = await community.sent(text("TLP:GREEN Tide"), "closed")
    in_thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
    second = await community.sent({**text("TLP:AMBER At seven"), **in_thread}, "closed")
    _, told = await composer(community, "ana", "closed", answers=root)
    assert told["answered"] == {"event_id": root, "label": "TLP:GREEN", "thread": root}
    _, told = await composer(community, "ana", "closed", answers=second)
    assert told["answered"] == {"event_id": second, "label": "TLP:AMBER", "thread": root}
    elsewhere = await community.sent(text("Tide"), "strict")
    gone = await community.sent(text("Wrong"), "closed")
    await community["ana"].room_redact(community.rooms["closed"], gone)
    for event in (elsewhere, gone, "$" + "x" * 43):
        _, told = await composer(community, "ana", "closed", answers=event)
        assert told["answered"] is None, event


async def test_a_draft_is_told_its_label_or_its_refusal_and_is_not_sent(community: Community) -> None:
    words = unique("draughtboard")
    _, told = await composer(community, "ana", "closed", content=text(words))
    assert (told["draft"]["allowed"], told["draft"]["label"], told["draft"]["by"]) == (True, "TLP:AMBER", "room")
    stricter = {**text(f"TLP:AMBER {words}"), "org.belisha.tlp": {"label": "TLP:CLEAR"}}
    _, told = await composer(community, "ana", "closed", content=stricter)
    assert (told["draft"]["label"], told["draft"]["by"]) == ("TLP:AMBER", "text")
    _, told = await composer(community, "ana", "open", content=text(f"TLP:RED {words}"))
    assert (told["draft"]["allowed"], told["draft"]["errcode"]) == (False, "ORG.BELISHA.ABOVE_CEILING")
    found = community.server.query("SELECT 1 FROM event_json WHERE json LIKE ?", f"%{words}%")
    assert not found


async def test_nobody_tries_texts_by_the_thousand(community: Community) -> None:
    """The limit is that of `explain`, for each member; the group is told all the same."""
    for _ in range(300):  # a slow machine gives back a part of the limit meanwhile
        status, told = await composer(community, "dina", "closed", content=text("x"))
        assert status == 200 and told["labels"]
        if told["draft"] is None:
            return
    raise AssertionError("three hundred drafts were all looked at")


async def test_a_frozen_group_says_why_nothing_is_written_in_it(community: Community) -> None:
    status, made = await community.create("ana", {"preset": "private_chat", "name": "Over"})
    assert status == 200
    body = {"user_id": community.id("ana"), "room_id": made["room_id"]}
    assert (await ask_as_portal(community, body, name="composer"))[1]["closed"] is None
    status, _ = await community.server.local("PUT", f"standing/rooms/{quote(made['room_id'])}", {"standing": "frozen"})
    assert status == 200
    assert "frozen" in (await ask_as_portal(community, body, name="composer"))[1]["closed"]
