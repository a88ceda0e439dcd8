"""What a member with a changed client tries: text without a label, rooms outside the rules, another's name."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.support.community import LABEL_KEY, Community, assert_refused, label_of, unique
from tests.support.server import request
from tests.synapse.samples import text

Json = dict[str, Any]
RED = "TLP:RED the pump is off"
CLIENT = "/_matrix/client/v3"


def _room(community: Community, kind: str) -> str:
    return quote(community.rooms[kind], safe="")


# --- Text without a label ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event_type", "content"),
    [
        ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "EVENT", "key": "x"}, "note": RED}),
        ("org.matrix.dummy_event", {"note": RED}),
        ("m.beacon", {"m.relates_to": {"rel_type": "m.reference", "event_id": "EVENT"}, "note": RED}),
        (
            "org.matrix.msc3381.poll.response",
            {
                "m.relates_to": {"rel_type": "m.reference", "event_id": "EVENT"},
                "org.matrix.msc3381.poll.response": {"answers": [RED]},
            },
        ),
    ],
)
async def test_no_key_of_a_protocol_event_carries_text(community: Community, event_type: str, content: Json) -> None:
    event_id = await community.sent(text("Vote"), "closed")
    relates = content.get("m.relates_to")
    body = content | ({"m.relates_to": {**relates, "event_id": event_id}} if relates else {})
    status, answer = await community.put("ana", "closed", body, event_type=event_type)
    assert status == 403 and answer["errcode"].startswith("ORG.BELISHA."), answer


@pytest.mark.parametrize(
    ("event_type", "key", "content"),
    [
        ("m.room.pinned_events", "", {"pinned": [], "note": "x" * 50_000}),
        ("m.room.pinned_events", "", {"pinned": ["the pump is off"]}),
        ("m.room.topic", "the pump is off", {"topic": "x"}),
        ("m.room.join_rules", "", {"join_rule": "knock", "note": RED}),
        ("m.room.third_party_invite", "x", {"display_name": "x", "public_key": "x", "key_validity_url": "x"}),
        ("m.space.child", "the pump is off", {"via": ["x"]}),
        ("m.room.avatar", "", {"url": RED}),
        ("m.room.canonical_alias", "", {"alt_aliases": ["#TLP-RED-pump:belisha.localhost"]}),
        ("im.vector.modular.widgets", "the pump is off", {}),
    ],
)
async def test_no_part_of_room_state_carries_text(
    community: Community, event_type: str, key: str, content: Json
) -> None:
    status, answer = await community.state("ana", "closed", event_type, content, key)
    assert status == 403 and answer["errcode"].startswith("ORG.BELISHA."), answer


async def test_power_levels_hold_levels_and_nothing_else(community: Community) -> None:
    path = f"{CLIENT}/rooms/{_room(community, 'closed')}/state/m.room.power_levels/"
    _, levels = await request(community["ana"], "GET", path)
    for more in ({"note": RED}, {"events": {**levels["events"], "the pump is off": 50}}):
        status, answer = await community.state("ana", "closed", "m.room.power_levels", levels | more)
        assert_refused(status, answer, "MALFORMED", rule="L1")
    status, answer = await community.state("ana", "closed", "m.room.power_levels", levels | {"redact": 60})
    assert status == 200, answer
    assert (await community.state("ana", "closed", "m.room.power_levels", levels))[0] == 200


async def test_a_membership_says_nothing_else(community: Community) -> None:
    for path, body in (
        (f"{CLIENT}/join/{_room(community, 'open')}", {"note": RED}),
        (f"{CLIENT}/knock/{_room(community, 'closed')}", {"reason": RED}),
    ):
        status, answer = await request(community["mona"], "POST", path, body)
        assert_refused(status, answer, "NOT_PUBLIC", rule="R3", label="TLP:RED")


async def test_a_jitsi_widget_is_no_page_of_the_portal(community: Community) -> None:
    origin = community.server.place.portal
    page = {"type": "m.custom", "url": f"{origin}/x", "name": "Poll", "creatorUserId": community.id("ana")}
    jitsi = page | {"type": "jitsi", "data": {"domain": "meet.example", "conferenceId": "x"}}
    status, answer = await community.state("ana", "closed", "im.vector.modular.widgets", jitsi, unique("w"))
    assert_refused(status, answer, "WIDGET_ORIGIN", rule="R5")
    key = unique("w")
    status, answer = await community.state("ana", "closed", "im.vector.modular.widgets", page, key)
    assert status == 200, answer
    assert (await community.state("ana", "closed", "im.vector.modular.widgets", {}, key))[0] == 200


# --- Labels lower than they should be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        '<span data-mx-spoiler="TLP:RED">x</span>',
        '<img src="mxc://belisha.localhost/sample" title="TLP:RED">',
        "<p>x</p><p>T<b>LP</b>:R&#69;D</p>",
        "T\u0336L\u0336P\u0336:R\u0336E\u0336D\u0336 x",
    ],
)
async def test_a_marker_that_people_see_is_read_or_refused(community: Community, html: str) -> None:
    status, answer = await community.put("ana", "named", text("x") | _html(html))
    if status == 200:
        content = await community.read(answer["event_id"], "named")
        assert label_of(content) == "TLP:RED"
    else:
        assert_refused(status, answer, "UNKNOWN_LABEL")


def _html(html: str) -> Json:
    return {"format": "org.matrix.custom.html", "formatted_body": html}


@pytest.mark.parametrize("body", ["> <x\n> TLP:RED\n", "> <x\n> TLP:RED\n\nTLP:GREEN yes"])
async def test_a_reply_fallback_hides_no_marker(community: Community, body: str) -> None:
    parent = await community.sent(text("TLP:GREEN x"), "named")
    told = await community.told(text(body) | {"m.relates_to": {"m.in_reply_to": {"event_id": parent}}}, "named")
    assert label_of(told) in ("TLP:RED", "TLP:GREEN") and (label_of(told) == "TLP:RED" or "yes" in body)


async def test_a_badge_in_an_edit_hides_no_marker_behind_it(community: Community) -> None:
    original = await community.sent(text("TLP:GREEN x"), "named")
    body = "[TLP:GREEN] [TLP:RED] x"
    edit = text("* " + body) | {
        "m.new_content": text(body),
        "m.relates_to": {"rel_type": "m.replace", "event_id": original},
    }
    assert label_of(await community.told(edit, "named")) == "TLP:RED"


async def test_many_marks_or_tags_do_not_hold_up_the_server(community: Community) -> None:
    fonts = "".join(f"<font color={number}>" for number in range(1_500))
    for content in (
        text("a" + "\u0301\u0323" * 12_000),
        text("x") | _html("a" + "\u0301\u0323" * 12_000),
        text("x") | _html(f"<p>{fonts}x</p>" + "<p>x</p>" * 1_500),
    ):
        start = community.server.processor_seconds()
        status, answer = await community.put("ana", "closed", content)
        # Of computing: how long it takes is a matter of what else the machine does.
        assert community.server.processor_seconds() - start < 3
        assert status in (200, 400), answer


# --- Rooms outside the rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item",
    [
        {"type": "m.room.avatar", "content": {"url": "x" * 70_000}},
        {"type": "m.room.avatar", "content": {"note": RED}},
        {"type": "m.room.topic", "state_key": "the pump is off", "content": {"topic": "x"}},
    ],
)
async def test_a_creation_that_would_break_off_leaves_no_room(community: Community, item: Json) -> None:
    _, before = await request(community["finn"], "GET", f"{CLIENT}/joined_rooms")
    status, answer = await community.create("finn", {"initial_state": [item]})
    assert status == 403 and answer["errcode"].startswith("ORG.BELISHA."), answer
    _, after = await request(community["finn"], "GET", f"{CLIENT}/joined_rooms")
    assert after == before


async def test_two_members_are_no_service_room(community: Community) -> None:
    steward = community.id("steward")
    status, answer = await community.create("ana", {"is_direct": True, "invite": [steward]})
    assert status == 200, answer
    room = quote(answer["room_id"], safe="")
    status, answer = await request(community["ana"], "POST", f"{CLIENT}/rooms/{room}/kick", {"user_id": steward})
    assert status == 200, answer
    invite = {"user_id": community.id("emil")}
    status, answer = await request(community["ana"], "POST", f"{CLIENT}/rooms/{room}/invite", invite)
    assert_refused(status, answer, "TWO_ONLY", rule="M1")


@pytest.mark.parametrize(("kind", "by"), [("closed", "ana"), ("named", "finn")])
async def test_no_upgrade_of_a_group_or_of_anothers_room(community: Community, kind: str, by: str) -> None:
    path = f"{CLIENT}/rooms/{_room(community, kind)}/upgrade"
    status, answer = await request(community[by], "POST", path, {"new_version": "11"})
    assert_refused(status, answer, "NO_UPGRADE", rule="R1")


# --- Names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "alias"), [("closed", "TLP-RED-pump"), ("named", "board")])
async def test_an_address_says_nothing_either(community: Community, kind: str, alias: str) -> None:
    path = f"{CLIENT}/directory/room/{quote(f'#{alias}:{community.server.name}', safe='')}"
    status, answer = await request(community["ana"], "PUT", path, {"room_id": community.rooms[kind]})
    assert status == 403 and answer["org.belisha.rule"] == "R3", answer


async def test_the_refusal_of_an_address_tells_strangers_nothing_of_the_room(community: Community) -> None:
    path = f"{CLIENT}/directory/room/{quote(f'#board:{community.server.name}', safe='')}"
    for kind in ("named", "closed"):
        status, answer = await request(community["emil"], "PUT", path, {"room_id": community.rooms[kind]})
        assert (status, answer["errcode"]) == (403, "M_FORBIDDEN"), answer


async def test_an_ordinary_address_is_given(community: Community) -> None:
    alias = f"#{unique('red')}:{community.server.name}"
    path = f"{CLIENT}/directory/room/{quote(alias, safe='')}"
    status, answer = await request(community["ana"], "PUT", path, {"room_id": community.rooms["closed"]})
    assert status == 200, answer


@pytest.mark.parametrize(
    ("field", "value"), [("org.belisha.roles", ["manager"]), ("com.example.note", RED), ("avatar_url", RED)]
)
async def test_a_profile_is_no_place_to_write(community: Community, field: str, value: object) -> None:
    path = f"{CLIENT}/profile/{community.id('emil')}/{field}"
    status, answer = await request(community["emil"], "PUT", path, {field: value})
    assert status == 403 and answer["errcode"].startswith("ORG.BELISHA."), answer
    _, profile = await request(community["ana"], "GET", f"{CLIENT}/profile/{community.id('emil')}")
    assert profile.get(field) is None and profile["displayname"] == "Emil (University)"


async def test_a_name_is_nobody_elses(community: Community) -> None:
    me = community.id("dina")
    status, _ = await request(community["dina"], "PUT", f"{CLIENT}/profile/{me}/displayname", {"displayname": "Mona"})
    assert status == 403
    status, answer = await community.state(
        "dina", "closed", "m.room.member", {"membership": "join", "displayname": "Mona"}, me
    )
    path = f"{CLIENT}/rooms/{_room(community, 'closed')}/state/m.room.member/{quote(me)}"
    _, member = await request(community["dina"], "GET", path)
    assert member["displayname"] == "Dina (Coastguard)" and LABEL_KEY not in member, (status, answer)


# --- Without a token ----------------------------------------------------------------------------------------------


async def test_whether_a_room_exists_or_is_listed_is_told_to_members_only(community: Community) -> None:
    path = f"{community.server.url}{CLIENT}/directory/list/room/{_room(community, 'closed')}"
    async with aiohttp.ClientSession() as session, session.get(path) as answer:
        assert answer.status == 401, await answer.text()
    status, body = await request(community["dina"], "GET", path.removeprefix(community.server.url))
    assert (status, body) == (200, {"visibility": "private"})


# --- The admin API ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/_synapse/admin/v1/server_version",
        "//_synapse/admin/v1/server_version",
        "/_synapse//admin/v1/server_version",
        "/_synapse/%61dmin/v1/server_version",
        "/_synapse/admin%2Fv1/server_version",
        "/_synapse/./admin/v1/server_version",
        "/_synapse/admin/",
        "/_synapse/mas/query_user",
        "/_matrix/client/v3/admin/whois/@ana:belisha.localhost",
    ],
)
async def test_the_admin_api_has_no_side_door(community: Community, path: str) -> None:
    status, _ = await request(community["mona"], "GET", path)
    assert status in (403, 404)
