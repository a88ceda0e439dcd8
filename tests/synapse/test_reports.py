"""Reports: what comes in however it comes, what the stewards' room is told of it, who does what about it, and once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from belisha.acts.reports import REPORT_KEY
from tests.support.community import Community, assert_refused, assert_sentence, unique
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.synapse.samples import edit, text
from tests.synapse.test_acts import hand_over, newcomer, stored, typed
from tests.synapse.test_acts_items import answering
from tests.synapse.test_acts_moderation import member_of, membership
from tests.synapse.test_questions import own_room, taps
from tests.synapse.test_room_freezing import V3, group

pytestmark = pytest.mark.more

Json = dict[str, Any]
SAID = "The tug lies at pier nine tonight"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members are muted and removed."""
    here = await make_community(tmp_path_factory.mktemp("reports") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


@pytest.fixture(autouse=True)
def in_peace(community: Community) -> None:
    """Those who report much in these tests have done so long ago."""
    community.server.change("UPDATE belisha_report SET carded_at = 1 WHERE carded_at IS NOT NULL")


async def stewards_room(community: Community) -> str:
    alias = quote(f"#stewards:{community.server.name}")
    return str((await request(community["cora"], "GET", f"{V3}/directory/room/{alias}"))[1]["room_id"])


async def cards(community: Community) -> list[Json]:
    """What the stewards' room was told of reports, the newest first, as a steward reads it."""
    path = f"{V3}/rooms/{quote(await stewards_room(community))}/messages?dir=b&limit=100"
    _, body = await request(community["cora"], "GET", path)
    return [event for event in body["chunk"] if REPORT_KEY in event["content"]]


async def told(community: Community, before: int) -> Json:
    """The card that comes as the next one."""

    async def has_come() -> bool:
        return len(await cards(community)) > before

    await until(has_come)
    (newest, *others) = await cards(community)
    assert len(others) == before
    return newest


async def reports(
    community: Community, by: str, room: str, item: str, reason: str = "rude", **more: Any
) -> tuple[int, Json]:
    """As a client's own menu does."""
    path = f"{V3}/rooms/{quote(room)}/report/{quote(item)}"
    return await request(community[by], "POST", path, {"reason": reason, **more})


async def says(community: Community, by: str, room: str, body: str = SAID) -> str:
    return await typed(community, by, room, body)


async def reported(community: Community, room: str, item: str, by: str = "ben", reason: str = "rude") -> Json:
    before = len(await cards(community))
    assert (await reports(community, by, room, item, reason))[0] == 200
    return await told(community, before)


async def does(
    community: Community, by: str, act: str, number: int, words: str = "", **arguments: Any
) -> tuple[int, Json]:
    """A command about a report, in the own room of who gives it."""
    room = await own_room(community, by)
    event = await typed(community, by, room, f"!report {act} --number {number} {words}".strip())
    return await hand_over(community, room, event, f"report_{act}", {"number": number, **arguments})


async def tap(community: Community, by: str, card: str, key: str, act: str, **arguments: Any) -> tuple[int, Json]:
    room = await stewards_room(community)
    return await hand_over(community, room, await taps(community, by, room, card, key), act, arguments)


def facts(card: Json) -> Json:
    return dict(card["content"][REPORT_KEY])


# --- What the stewards are told ----------------------------------------------------------------------------------


async def test_a_report_from_a_clients_menu_is_told_without_content(community: Community) -> None:
    room = await group(community, "closed", "ben")
    item = await says(community, "ana", room)
    card = await reported(community, room, item, reason="Rude to newcomers")
    known = facts(card)
    assert card["sender"] == community.id("steward")
    assert (known["member"], known["room_id"], known["item"], known["where"]) == ("ana", room, item, "group")
    assert known["words"] == "Rude to newcomers" and not known["urgent"] and known["done"] == []
    told = json.dumps(card["content"])
    assert community.id("ben") not in told and '"ben"' not in told, "nobody is told who reported it"
    assert SAID not in json.dumps(card) and "has come in" in card["content"]["body"]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (f"Look: “{SAID.upper()}”", False),
        ("TLP:RED see the roster", False),
        ("long " * 120, False),
        ("", False),
        ("URGENT he is outside", True),
    ],
)
async def test_words_are_told_as_far_as_they_are_fit(community: Community, reason: str, shown: bool) -> None:
    room = await group(community, "closed", "ben")
    known = facts(await reported(community, room, await says(community, "ana", room), reason=reason))
    assert known.get("words") == (reason if shown else None)
    assert known["urgent"] is reason.startswith("URGENT")


async def test_of_named_people_neither_who_nor_what_nor_where(community: Community) -> None:
    room = community.rooms["named"]
    item = await says(community, "ana", room)
    card = await reported(community, room, item, by="finn", reason="ana said so")
    known, all_of_it = facts(card), json.dumps(card["content"])
    assert set(known) == {"number", "kind", "urgent", "at", "about", "where", "done"} and known["where"] == "private"
    assert not any(word in all_of_it for word in (room, item, SAID))
    assert not {"ana", "finn"} & set(re.findall(r"\w+", all_of_it)), "as words: an id can hold the letters"


async def test_who_cannot_read_it_reports_nothing(community: Community) -> None:
    before = len(await cards(community))
    room = community.rooms["named"]
    item = await says(community, "ana", room)
    assert (await reports(community, "ben", room, item))[0] == 404
    own = await own_room(community, "ben")
    link = f"https://matrix.to/#/{room}/{item}?via=x"
    event = await typed(community, "ben", own, f"!report spam --message {link}")
    answer = await hand_over(community, own, event, "report", {"kind": "spam", "message": f"{room}/{item}"})
    assert_refused(*answer, "NO_ITEM", rule="M1")
    mine = await says(community, "ben", await group(community, "open", "ben"))
    await reports(community, "ben", community.rooms["open"], mine)
    await asyncio.sleep(5)
    assert len(await cards(community)) == before


async def test_a_command_reports_too_in_a_group_and_by_a_link(community: Community) -> None:
    room = await group(community, "open", "ben")
    item, before = await says(community, "ana", room), len(await cards(community))
    event = await typed(community, "ben", room, "!report harassment --urgent", **answering(item))
    call = (community, room, event, "report", {"kind": "harassment", "urgent": True})
    assert await hand_over(*call) == (200, {"outcome": "done", "act": "report", "again": False})
    assert await hand_over(*call) == (200, {"outcome": "done", "act": "report", "again": False})
    known = facts(await told(community, before))
    assert (known["kind"], known["urgent"], known["item"], known["member"]) == ("harassment", True, item, "ana")
    own, before = await own_room(community, "finn"), before + 1
    item = await says(community, "ana", community.rooms["named"])
    link = f"{community.rooms['named']}/{item}"
    event = await typed(community, "finn", own, f"!report danger --message https://matrix.to/#/{link}")
    answer = await hand_over(community, own, event, "report", {"kind": "danger", "message": link})
    assert answer[0] == 200, answer
    assert facts(await told(community, before))["where"] == "private"


@pytest.mark.full
async def test_the_same_member_reports_the_same_once(community: Community) -> None:
    room = await group(community, "open", "ben", "finn")
    item = await says(community, "ana", room)
    number = facts(await reported(community, room, item))["number"]
    assert (await reports(community, "ben", room, item))[0] == 200
    event = await typed(community, "ben", room, "!report spam", **answering(item))
    assert (await hand_over(community, room, event, "report", {"kind": "spam"}))[1]["again"] is True
    other = facts(await reported(community, room, item, by="finn"))["number"]
    assert other == number + 1, "another member's is another report"
    assert (await does(community, "cora", "close", number))[0] == 200
    assert facts(await reported(community, room, item))["number"] == number + 2, "what is closed can be reported anew"


@pytest.mark.full
async def test_members_and_rooms_can_be_reported(community: Community) -> None:
    before = len(await cards(community))
    whom = quote(community.id("dina"))
    assert (await request(community["ben"], "POST", f"{V3}/users/{whom}/report", {"reason": "calls me names"}))[
        0
    ] == 200
    known = facts(await told(community, before))
    assert (known["about"], known["member"], known["where"]) == ("member", "dina", "nowhere")
    assert "words" not in known
    room = await group(community, "closed", "ben")
    path = f"{V3}/rooms/{quote(room)}/report"
    assert (await request(community["ben"], "POST", path, {"reason": "off topic"}))[0] == 200
    known = facts(await told(community, before + 1))
    assert (known["about"], known["room_id"], known.get("member")) == ("room", room, None)
    assert_refused(*await does(community, "cora", "warn", known["number"]), "NO_MEMBER", rule="M1")
    # Who does not know the room says nothing of it.
    assert (await request(community["emil"], "POST", path, {"reason": "off topic"}))[0] in (200, 404)
    await asyncio.sleep(5)
    assert len(await cards(community)) == before + 2


@pytest.mark.full
async def test_one_member_cannot_flood_the_stewards(community: Community) -> None:
    room, before = await group(community, "open"), len(await cards(community))
    name = await member_of(community, room)
    for _ in range(12):
        assert (await reports(community, name, room, await says(community, "ana", room)))[0] == 200

    async def ten_have_come() -> bool:
        return len(await cards(community)) == before + 10

    await until(ten_have_come)
    await asyncio.sleep(3)
    assert await ten_have_come()
    assert stored(community, "SELECT COUNT(*) FROM belisha_report WHERE reporter = ? AND due = 1", name) == [(2,)]
    community.server.change("UPDATE belisha_report SET carded_at = 1 WHERE reporter = ?", name)

    async def all_have_come() -> bool:
        return len(await cards(community)) == before + 12

    await until(all_have_come)


# --- What is done about it ---------------------------------------------------------------------------------------


async def test_of_two_at_once_one_wins_and_the_other_is_told(community: Community) -> None:
    room = await group(community, "open", "ben")
    card = await reported(community, room, await says(community, "ana", room))
    place = await stewards_room(community)
    events = [await taps(community, name, place, card["event_id"], "👀") for name in ("cora", "mona")]
    answers = await asyncio.gather(*(hand_over(community, place, event, "report_acknowledge") for event in events))
    assert sorted(status for status, _ in answers) == [200, 403], answers
    (won,) = [body for status, body in answers if status == 200]
    (lost,) = [answer for answer in answers if answer[0] == 403]
    assert_refused(*lost, "DONE_ALREADY", rule="M1")
    winner = won["done"][0][1]
    assert f"@{winner}" in lost[1]["error"] and won["number"] == facts(card)["number"]
    assert won["reporter_room"] == await own_room(community, "ben")


async def test_each_act_by_a_tap_holds_at_once(community: Community) -> None:
    room = await group(community, "open", "ben", "cora")
    name = await member_of(community, room)
    item = await says(community, name, room)
    card = (await reported(community, room, item))["event_id"]
    status, warned = await tap(community, "cora", card, "⚠️", "report_warn")
    assert status == 200 and warned["member_room"] == await own_room(community, name)
    assert (await tap(community, "cora", card, "🗑️", "report_redact"))[0] == 200
    _, event = await request(community["ana"], "GET", f"{V3}/rooms/{quote(room)}/event/{quote(item)}")
    assert event["content"] == {}
    assert (await tap(community, "cora", card, "🔇", "report_mute", time=86400))[0] == 200
    await asyncio.sleep(0.7)
    path = f"{V3}/rooms/{quote(room)}/send/m.room.message/{unique('m')}"
    assert_refused(*await request(community[name], "PUT", path, text("x")), "MUTED", rule="M1")
    assert (await tap(community, "cora", card, "🚪", "report_remove"))[0] == 200
    assert await membership(community, room, name) == "leave"
    status, closed = await tap(community, "mona", card, "🏁", "report_close")
    assert status == 200 and [act for act, _by, _at in closed["done"]] == ["warn", "redact", "mute", "remove", "close"]
    assert_refused(*await tap(community, "cora", card, "👀", "report_acknowledge"), "CLOSED", rule="M1")
    log = stored(community, "SELECT act, by_member FROM belisha_moderation WHERE member = ? ORDER BY place", name)
    assert log == [("warn", "cora"), ("redact", "cora"), ("mute", "cora"), ("kick", "cora")]


async def test_in_a_room_of_named_people_there_is_no_bot(community: Community) -> None:
    room = community.rooms["named"]
    number = facts(await reported(community, room, await says(community, "ana", room), by="finn"))["number"]
    for act in ("redact", "remove"):
        assert_refused(*await does(community, "cora", act, number), "NO_BOT_THERE", rule="P1")
    status, muted = await does(community, "cora", "mute", number, "1h", time=3600)
    assert status == 200 and muted["room_id"] is None
    own = await own_room(community, "cora")
    event = await typed(community, "cora", own, "!unmute @ana --everywhere")
    await hand_over(community, own, event, "member_unmute", {"member": "@ana", "everywhere": True})


async def test_whom_it_is_about_has_no_say(community: Community) -> None:
    room = await group(community, "open", "ben", "cora")
    card = await reported(community, room, await says(community, "cora", room))
    assert_refused(*await tap(community, "cora", card["event_id"], "🏁", "report_close"), "NOT_YOURSELF", rule="M1")
    assert (await tap(community, "mona", card["event_id"], "🏁", "report_close"))[0] == 200


async def test_nobody_else_looks_after_reports(community: Community) -> None:
    room = await group(community, "open", "ben")
    card = await reported(community, room, await says(community, "ana", room))
    number = facts(card)["number"]
    answer = await does(community, "ben", "close", number)
    assert_refused(*answer, "NOT_YOURS", rule="P3")
    assert await does(community, "ben", "close", 999_999) == answer, "nor learns which there are"
    # A tap on what is no card, by a steward too, asks for nothing; nor does a card's number in a group.
    item = await says(community, "ana", room)
    await request(community["cora"], "POST", f"{V3}/join/{quote(room)}", {})
    tapped = await taps(community, "cora", room, item, "👀")
    assert_refused(*await hand_over(community, room, tapped, "report_acknowledge"), "NOT_HERE", rule="P3")
    event = await typed(community, "cora", room, f"!report close --number {number}")
    assert_refused(*await hand_over(community, room, event, "report_close", {"number": number}), "NOT_HERE", rule="P3")
    place = await stewards_room(community)
    other = await typed(community, "cora", place, "hello")
    tapped = await taps(community, "cora", place, other, "🏁")
    assert_refused(*await hand_over(community, place, tapped, "report_close"), "NO_REPORT", rule="P3")
    answer = await does(community, "cora", "close", number, "TLP:RED no", answer="TLP:RED no")
    assert_refused(*answer, "NOT_PUBLIC", rule="R3")
    assert_sentence(answer[1]["error"])
    assert (await does(community, "cora", "close", number, "Thank you", answer="Thank you"))[0] == 200


# --- What was reported -------------------------------------------------------------------------------------------


async def portal(community: Community, question: str, **body: Any) -> tuple[int, Json]:
    secret = (community.server.data / "secrets" / "portal_api").read_text().strip()
    address = f"{community.server.url}/_synapse/client/org.belisha/v1/{question}"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {secret}"}) as session,
        session.post(address, json=body) as answer,
    ):
        return answer.status, await answer.json()


async def looks(community: Community, name: str, number: int, *, look: bool = True) -> tuple[int, Json]:
    return await portal(community, "report", user_id=community.id(name), number=number, look=look)


async def test_two_stewards_see_exactly_the_reported_item(community: Community) -> None:
    room = community.rooms["named"]
    await says(community, "ana", room, "What stands before it")
    item = await says(community, "ana", room, "TLP:RED The code is 4711")
    await says(community, "ana", room, "What stands behind it")
    changed = edit(item, text("TLP:RED The code is 4712"))
    path = f"{V3}/rooms/{quote(room)}/send/m.room.message/{unique('e')}"
    assert (await request(community["ana"], "PUT", path, changed))[0] == 200
    number = facts(await reported(community, room, item, by="finn"))["number"]
    others = [await newcomer(community, "harbour", "steward") for _ in range(2)]
    status, unseen = await looks(community, "cora", number, look=False)
    assert status == 200 and unseen["shown"] is None and unseen["may_look"] and unseen["seen_by"] == 0
    told = json.dumps(unseen)  # it has times and ids, in which digits and short names come by chance
    assert "The code is" not in told and community.id("ana") not in told and '"ana"' not in told
    answers = await asyncio.gather(*(looks(community, name, number) for name in ("cora", *others)))
    assert sorted(status for status, _ in answers) == [200, 200, 403], answers
    for status, body in answers:
        if status == 403:
            assert_refused(status, body, "SEEN_BY_TWO", rule="P1")
            continue
        shown = body["shown"]
        assert shown["source"] == community.id("ana") and shown["label"] == "TLP:RED"
        assert [("4711" in said or "4712" in said) for said in shown["texts"]] == [True, True]
        assert "What stands" not in json.dumps(body)
    seen = stored(community, "SELECT COUNT(*) FROM belisha_report_viewer WHERE number = ?", number)
    assert seen == [(2,)]
    # What was taken back is shown to nobody any more.
    redact = f"{V3}/rooms/{quote(room)}/redact/{quote(item)}/{unique('r')}"
    assert (await request(community["ana"], "PUT", redact, {}))[0] == 200
    viewer = next(name for name, (status, _) in zip(("cora", *others), answers, strict=True) if status == 200)
    _, gone = await looks(community, viewer, number, look=False)
    assert gone["shown"] == {"texts": [], "gone": True, "source": None, "sent_at": None, "label": None, "sealed": False}


async def test_who_may_not_look_learns_of_no_report(community: Community) -> None:
    room = await group(community, "open", "ben", "cora")
    number = facts(await reported(community, room, await says(community, "cora", room)))["number"]
    missing = await looks(community, "ben", 999_999)
    for name in ("ben", "ana", "cora"):  # cora is whom it is about
        assert await looks(community, name, number) == missing, name
    assert (await portal(community, "reports", user_id=community.id("ben")))[0] == 404
    manager = await newcomer(community, "harbour", "manager")
    assert_refused(*await looks(community, manager, number), "NOT_YOURS", rule="P1")
    status, listed = await portal(community, "reports", user_id=community.id("mona"))
    assert status == 200 and number in [one["number"] for one in listed["reports"]]
    assert SAID not in json.dumps(listed)
    assert (await portal(community, "report", user_id=community.id("mona"), number="1"))[0] == 400


@pytest.mark.full
async def test_only_what_can_be_done_is_offered(community: Community) -> None:
    everything = ["acknowledge", "warn", "mute", "redact", "remove", "close"]

    async def offered(name: str, number: int) -> list[str]:
        status, body = await looks(community, name, number, look=False)
        assert status == 200, body
        return list(body["acts"])

    room = await group(community, "open", "ben", "cora")
    name = await member_of(community, room)
    number = facts(await reported(community, room, await says(community, name, room)))["number"]
    assert await offered("cora", number) == everything
    # What was done is not offered once more, nor what there is nothing left of.
    assert (await does(community, "cora", "warn", number))[0] == 200
    assert (await does(community, "cora", "redact", number))[0] == 200
    assert (await does(community, "cora", "remove", number))[0] == 200
    assert await offered("cora", number) == ["acknowledge", "mute", "close"]
    item = await says(community, "ana", room)
    number = facts(await reported(community, room, item))["number"]
    redact = f"{V3}/rooms/{quote(room)}/redact/{quote(item)}/{unique('r')}"
    assert (await request(community["ana"], "PUT", redact, {}))[0] == 200
    assert await offered("cora", number) == [one for one in everything if one != "redact"]
    assert (await does(community, "cora", "close", number))[0] == 200
    assert await offered("cora", number) == []
    # A steward moderates no manager, who is somebody else's; and a room of its own is neither warned nor muted.
    manager = await newcomer(community, "harbour", "manager")
    path = f"{V3}/users/{quote(community.id(manager))}/report"
    before = len(await cards(community))
    assert (await request(community["ben"], "POST", path, {"reason": "rude"}))[0] == 200
    number = facts(await told(community, before))["number"]
    assert await offered("cora", number) == ["acknowledge", "close"]
    assert await offered("mona", number) == ["acknowledge", "warn", "mute", "close"]
    path = f"{V3}/rooms/{quote(room)}/report"
    assert (await request(community["ben"], "POST", path, {"reason": "off topic"}))[0] == 200
    assert await offered("cora", facts(await told(community, before + 1))["number"]) == ["acknowledge", "close"]


async def test_what_is_offered_tells_nothing_of_named_people(community: Community) -> None:
    manager = await newcomer(community, "harbour", "manager")
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("ben")]}
    room = (await request(community[manager], "POST", f"{V3}/createRoom", body))[1]["room_id"]
    assert (await request(community["ben"], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    number = facts(await reported(community, room, await says(community, manager, room)))["number"]
    _, seen = await looks(community, "cora", number, look=False)
    assert seen["acts"] == ["acknowledge", "warn", "mute", "close"]
    assert_refused(*await does(community, "cora", "warn", number), "MODERATES", rule="M1")
