"""Cards of anonymous polls (P2, L2, P3): from five voters on, once, each text with its label, as they were begun."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from belisha.polls.card import card_content
from tests.support.community import Community, assert_refused
from tests.support.server import request
from tests.synapse.fault_rows import ask_as_portal
from tests.synapse.test_acts import hand_over, typed
from tests.synapse.test_polls import API, answers, event_of, sends, with_people
from tests.synapse.test_room_freezing import V3

Json = dict[str, Any]
OTHERS = ("cora", "dina")


async def with_five(community: Community) -> str:
    room = await with_people(community)
    for name in OTHERS:
        await request(community["ana"], "POST", f"{V3}/rooms/{quote(room)}/invite", {"user_id": community.id(name)})
        status, body = await request(community[name], "POST", f"{V3}/join/{quote(room)}", {})
        assert status == 200, body
    return room


async def begins(
    community: Community, room: str, options: str = "", second: str = "Tuesday", **more: Any
) -> tuple[int, Json]:
    event = await typed(community, "ben", room, f"!poll When? | Monday | {second} --anonymous {options}")
    asked = {"poll": ["When?", "Monday", second], "anonymous": True}
    return await hand_over(community, room, event, "poll_open", asked | more)


async def ballot(community: Community, room: str, event: str, by: str) -> tuple[int, Json]:
    return await ask_as_portal(
        community, {"user_id": community.id(by), "room_id": room, "event_id": event}, name="ballot"
    )


async def test_a_card_is_its_makers_begins_once_and_is_told_to_who_can_read_it(community: Community) -> None:
    room = await with_five(community)
    command = await typed(community, "ben", room, "!poll When? | Monday | Tuesday --anonymous")
    call = (community, room, command, "poll_open", {"poll": ["When?", "Monday", "Tuesday"], "anonymous": True})
    status, told = await hand_over(*call)
    assert status == 200 and told["anonymous"] is True, told
    community.server.change("DELETE FROM belisha_act WHERE event_id = ?", command)
    again = (await hand_over(*call))[1]
    assert (again["event_id"], again["place"]) == (told["event_id"], told["place"])
    event = await event_of(community, room, told["event_id"])
    assert (event["type"], event["sender"]) == ("m.room.message", community.id("ben"))
    assert f"/ballots/{told['place']}" in event["content"]["body"]

    status, paper = await ballot(community, room, told["event_id"], "cora")
    assert status == 200 and paper["may_vote"] == {"closing": True, "opening": True} and not paper["edited_late"]
    edit = card_content("Never?", ["Monday", "Tuesday"], 1, "x", "https://x.localhost", "$x")
    replaces = {"m.new_content": edit, "m.relates_to": {"rel_type": "m.replace", "event_id": told["event_id"]}}
    await sends(community, "ben", room, "m.room.message", edit | replaces)
    _, paper = await ballot(community, room, told["event_id"], "cora")
    held = paper["poll"]["content"]["org.belisha.poll"]["anonymous"]
    assert held["question"]["body"] == "When?" and paper["edited_late"], "what was asked at first counts"
    for by in ("emil", "mona"):
        elsewhere = await ballot(community, room, told["event_id"], by)
        assert elsewhere[0] == 404 and elsewhere == await ballot(community, room, "$nothing", by)

    status, decided = await answers(community, "ben", room, told["event_id"], "!poll close", "poll_close")
    assert status == 200 and decided["anonymous"] is True
    others = await answers(community, "finn", room, told["event_id"], "!poll close", "poll_close")
    assert_refused(*others, "NOT_YOURS", rule="P3")
    query = f"room_id={quote(room)}&event_id={quote(told['event_id'])}"
    status, facts = await request(community["steward"], "GET", f"{API}/poll?{query}")
    assert status == 200 and facts["responses"] == [] and len(facts["voters"]["closing"]) == 5
    assert facts["carries_files"] is True
    path = f"rooms/{quote(room, safe='')}/policy"
    assert (await community.server.local("PUT", path, {"media": "none"}))[0] == 200
    _, facts = await request(community["steward"], "GET", f"{API}/poll?{query}")
    assert facts["carries_files"] is False, "no picture of the result can be shared there"


async def test_with_four_or_by_organisation_none_begins(community: Community) -> None:
    room = await with_people(community)
    assert_refused(*await begins(community, room), "TOO_FEW_VOTERS", rule="P2")
    parted = await begins(community, await with_five(community), "--by organisation", by="organisation")
    assert_refused(*parted, "NOT_BY_ORGANISATION", rule="P2")


async def test_each_text_of_a_card_is_read_for_labels(community: Community) -> None:
    room = await with_five(community)
    refused = await begins(community, room, second="TLP:AMBER+STRICT Tuesday")
    assert_refused(*refused, "ABOVE_CEILING", rule="L3")
