"""Writing into a group on a real portal: which labels can be picked, whom it reaches, and what is sent."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.portal.support import HOSTILE, Here, Visitor, form_of, join, make_group
from tests.support.community import unique
from tests.support.server import request

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"


@pytest_asyncio.fixture(scope="module")
async def groups(here: Here) -> dict[str, str]:
    """A closed group of two organisations, and an open one; by members of this file alone."""
    for name, organisation in (("cle", "harbour"), ("cob", "chandlers"), ("cyn", "chandlers")):
        await join(here, name, organisation)
    invited = [here.people["cob"].user_id]
    await make_group(here, "cle", "cle closed", "Wreck watch", "private_chat", invite=invited)
    await make_group(here, "cle", "cle open", "Weather", "public_chat")
    await here.people["cob"].join(here.groups["cle closed"])
    return {"closed": here.groups["cle closed"], "open": here.groups["cle open"]}


@pytest_asyncio.fixture(scope="module")
async def cle(here: Here, groups: dict[str, str]) -> Visitor:
    return await here.sign_in("cle")


def page_of(room: str) -> str:
    return f"/write?room={quote(room, safe='')}"


async def put(here: Here, by: str, room: str, content: Json) -> tuple[int, Json]:
    path = f"{V3}/rooms/{quote(room)}/send/m.room.message/{unique('c')}"
    return await request(here.people[by], "PUT", path, content)


def picked(page: str) -> tuple[list[str], list[str]]:
    """The labels that a page offers, and which of them is picked."""
    offered = re.findall(r'name="label" value="([^"]*)"( checked)?', page)
    return [one for one, _ in offered], [one for one, checked in offered if checked]


async def test_the_page_offers_what_the_group_carries_and_counts_its_readers(
    here: Here, groups: dict[str, str], cle: Visitor
) -> None:
    closed, open_ = (await cle.get(page_of(groups["closed"]))).text, (await cle.get(page_of(groups["open"]))).text
    assert picked(closed) == (["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER"], ["TLP:AMBER"])
    assert picked(open_) == (["TLP:CLEAR", "TLP:GREEN"], ["TLP:GREEN"])
    assert "only the members of the group it is shared in may see it" in closed
    assert "2 people of 2 organisations and 1 bot." in closed and "every member may join this group" in open_
    counted = json.loads((await cle.get(page_of(groups["closed"]).replace("/write", "/write/audience"))).text)
    assert counted["said"] == "2 people of 2 organisations and 1 bot."
    assert sorted(one.rpartition(": ")[2] for one in counted["organisations"]) == ["1 person", "1 person"]
    assert "data-files" not in closed, "a tab of its own has no Element that would send a file"
    assert page_of(groups["closed"]) in (await cle.get(f"/groups/{quote(groups['closed'], safe='')}")).text


async def test_groups_of_others_and_private_rooms_have_no_such_page(
    here: Here, groups: dict[str, str], cle: Visitor
) -> None:
    wish = {"preset": "trusted_private_chat", "is_direct": True, "invite": [here.people["cyn"].user_id]}
    _, named = await request(here.people["cle"], "POST", f"{V3}/createRoom", wish)
    cyn = await here.sign_in("cyn")
    rooms = ((cyn, groups["closed"]), (cle, named["room_id"]), (cle, here.services["cle"]), (cle, "!x\0"))
    for visitor, room in (*rooms, (cle, "")):
        for path in (page_of(room), page_of(room).replace("/write", "/write/audience")):
            assert (await visitor.get(path)).status == 404, path
    form = form_of((await cyn.get("/")).text)
    for step in ("preview", "send", "change"):
        fields = {"form": form, "room": groups["closed"], "text": "x", "label": "TLP:GREEN", "step": step}
        assert (await cyn.post("/write", fields)).status == 404


async def test_it_is_shown_as_it_will_be_and_sent_by_element_alone(
    here: Here, groups: dict[str, str], cle: Visitor
) -> None:
    inside = await here.in_widget("cle")
    page = (await inside.get(page_of(groups["closed"]))).text
    assert "data-files" in page and "to look only" in page, "who writes need not confirm: Element sends it"
    fields = {"form": form_of(page), "room": groups["closed"], "label": "TLP:GREEN", "text": "The **wreck** moved"}
    shown = (await inside.post("/write", {**fields, "step": "preview"})).text
    assert "<strong>wreck</strong>" in shown and "data-publish" in shown and "2 people of 2 organisations" in shown
    content = json.loads(html.unescape((re.search(r'data-content="([^"]*)"', shown) or [""] * 2)[1]))
    asked = json.loads((await inside.post("/write", {**fields, "step": "send"})).text)
    assert asked == {"room": groups["closed"], "content": content}
    status, sent = await put(here, "cle", groups["closed"], content)
    assert status == 200
    path = f"{V3}/rooms/{quote(groups['closed'])}/event/{quote(sent['event_id'])}"
    _, event = await request(here.people["cob"], "GET", path)
    assert event["content"]["org.belisha.tlp"] == {"label": "TLP:GREEN", "by": "sender"}
    by_hand = (await cle.post("/write", {**fields, "form": form_of((await cle.get("/")).text), "step": "preview"})).text
    assert "data-publish" not in by_hand and "TLP:GREEN\n\nThe **wreck** moved" in by_hand
    changed = (await inside.post("/write", {**fields, "step": "change"})).text
    assert "The **wreck** moved</textarea>" in changed and picked(changed)[1] == ["TLP:GREEN"]


async def test_an_answer_keeps_to_its_message_and_its_thread(here: Here, groups: dict[str, str], cle: Visitor) -> None:
    _, root = await put(here, "cob", groups["closed"], {"msgtype": "m.text", "body": "Where?"})
    link = f"https://chat.example/#/room/{groups['closed']}/{quote(root['event_id'])}?via=x"
    form = form_of((await cle.get("/")).text)
    fields = {"form": form, "room": groups["closed"], "label": "TLP:GREEN", "text": "There", "answers": link}
    asked = json.loads((await cle.post("/write", {**fields, "step": "send"})).text)
    assert asked["content"]["m.relates_to"] == {"m.in_reply_to": {"event_id": root["event_id"]}}
    asked = json.loads((await cle.post("/write", {**fields, "thread": "yes", "step": "send"})).text)
    relates = {"rel_type": "m.thread", "event_id": root["event_id"], "is_falling_back": False}
    assert asked["content"]["m.relates_to"] == {**relates, "m.in_reply_to": {"event_id": root["event_id"]}}
    shown = (await cle.post("/write", {**fields, "step": "preview"})).text
    assert "the stricter one counts" in shown and "TLP:AMBER" in shown


async def test_what_cannot_be_sent_is_said_and_what_was_written_stays(
    here: Here, groups: dict[str, str], cle: Visitor
) -> None:
    form = form_of((await cle.get("/")).text)
    written = {"form": form, "room": groups["open"], "label": "TLP:GREEN", "text": "Fog"}
    elsewhere = f"${'x' * 43}"
    for wrong, words in (
        ({"label": "TLP:AMBER"}, "stricter than this group can carry (TLP:GREEN)"),
        ({"label": "TLP:PINK"}, "Please choose one of the labels"),
        ({"text": " \n"}, "Please write something first"),
        ({"text": "x" * 20_001}, "longer than a message can be"),
        ({"answers": "the one above"}, "no link to a message"),
        ({"answers": f"https://matrix.to/#/!r/{elsewhere}"}, "no such message in this group"),
    ):
        refused = await cle.post("/write", {**written, "step": "preview", **wrong})
        assert refused.status == 400 and words in refused.text, words
        told = json.loads((await cle.post("/write", {**written, "step": "send", **wrong})).text)
        assert words in told["problem"] and "content" not in told
    marked = await cle.post("/write", {**written, "text": "TLP:RED Fog", "step": "preview"})
    assert marked.status == 400 and "TLP:RED Fog</textarea>" in marked.text and "TLP:RED" in marked.text
    empty = json.loads((await cle.post("/write", {**written, "text": "", "step": "send-file"})).text)
    assert empty["content"]["org.belisha.tlp"] == {"label": "TLP:GREEN"}, "a file needs no words"
    hostile = await cle.post("/write", {**written, "text": HOSTILE, "step": "preview"})
    assert hostile.status == 200 and "<script>alert" not in hostile.text and "<img src=x" not in hostile.text
