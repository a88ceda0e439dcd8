"""What the API tells of an item: its label, what it would get, what the portal may show (rules L1 to L4, P2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.community import Community, Json, label_of
from tests.support.ledger import relabel, settled
from tests.support.portal import ask_as_portal
from tests.support.server import request
from tests.synapse.rights import newcomer
from tests.synapse.samples import edit, reply, text

API = "/_synapse/client/org.belisha/v1"


async def label(community: Community, by: str, kind: str, event_id: str) -> tuple[int, Json]:
    path = f"{API}/label/{quote(community.rooms[kind])}/{quote(event_id)}"
    return await request(community[by], "GET", path)


async def explain(community: Community, by: str, kind: str, content: Any, **more: Any) -> tuple[int, Json]:
    body = {"room_id": community.rooms[kind], "content": content, **more}
    return await request(community[by], "POST", f"{API}/explain", body)


async def test_the_label_of_an_item_and_what_one_may_make_of_it(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "strict")
    status, told = await label(community, "ana", "strict", item)
    assert (status, told["label"], told["by"], told["source"]) == (200, "TLP:GREEN", "text", community.id("ana"))
    assert told["may_become"] == ["TLP:CLEAR", "TLP:AMBER", "TLP:AMBER+STRICT"]
    _, told = await label(community, "dina", "strict", item)
    assert told["may_become"] == []
    _, told = await label(community, "cora", "strict", item)
    assert told["may_become"] == ["TLP:AMBER", "TLP:AMBER+STRICT"], "a steward raises"
    edited = await community.sent(edit(item, text("TLP:AMBER Tide at 7")), "strict")
    for one in (item, edited):
        _, told = await label(community, "dina", "strict", one)
        assert (told["event_id"], told["label"]) == (item, "TLP:AMBER")
    await settled(community, item)
    status, _ = await community.put(
        "ana", "strict", relabel(item, "TLP:AMBER+STRICT"), event_type="org.belisha.relabel"
    )
    assert status == 200
    _, told = await label(community, "dina", "strict", item)
    assert (told["label"], told["by"]) == ("TLP:AMBER+STRICT", "relabel")


async def test_what_is_not_for_one_and_what_is_not_there_are_the_same(community: Community) -> None:
    item = await community.sent(text("Tide"), "closed")
    gone = await community.sent(text("Wrong tide"), "closed")
    await community["ana"].room_redact(community.rooms["closed"], gone)
    answers = [
        await label(community, "finn", "closed", item),
        await label(community, "finn", "closed", "$" + "x" * 43),
        await label(community, "dina", "closed", "$" + "x" * 43),
        await label(community, "dina", "strict", item),
        await label(community, "dina", "closed", gone),
        await request(community["dina"], "GET", f"{API}/label/x"),
        await request(community["dina"], "GET", f"{API}/label/%21x/%24y/z"),
    ]
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0][0], answers[0][1]["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND")


@pytest.mark.parametrize(
    ("kind", "content", "label"),
    [
        ("open", text("Tide"), "TLP:GREEN"),
        ("open", text("TLP:CLEAR Tide"), "TLP:CLEAR"),
        ("closed", text("Tide"), "TLP:AMBER"),
        ("open", text("TLP:RED Tide"), None),
        ("open", text("TLP:PURPLE Tide"), None),
    ],
)
async def test_explain_says_what_would_be_and_sends_nothing(
    community: Community, kind: str, content: Json, label: str | None
) -> None:
    before = (await community["ana"].room_messages(community.rooms[kind], limit=1)).chunk[0].event_id
    status, told = await explain(community, "ana", kind, content)
    assert status == 200, told
    assert (status, told["allowed"], told.get("label")) == (200, label is not None, label)
    if label is None:
        refusal = await community.refused(content, kind)
        assert (told["errcode"], told["error"]) == (refusal.status_code, refusal.message)
    else:
        assert label_of(await community.told(content, kind)) == label
        return
    assert (await community["ana"].room_messages(community.rooms[kind], limit=1)).chunk[0].event_id == before


async def test_explain_changes_no_label(community: Community) -> None:
    item = await community.sent(text("TLP:GREEN Tide"), "closed")
    status, told = await explain(community, "ana", "closed", edit(item, text("TLP:AMBER Tide")))
    assert (status, told["allowed"], told["label"]) == (200, True, "TLP:AMBER")
    _, told = await label(community, "ana", "closed", item)
    assert told["label"] == "TLP:GREEN"
    answer = await community.told(text("Thanks", **reply(item)), "closed")
    assert label_of(answer) == "TLP:GREEN", "no change of the item is under way"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"room_id": 3, "content": {}},
        {"type": "m.room.topic", "content": {"topic": "x"}},
        {"type": "m.reaction", "content": {}},
        {"content": "x"},
        {"content": {"msgtype": "m.text", "body": 3}},
        {"content": {"msgtype": "m.text", "body": "\ud800"}},
    ],
)
async def test_what_explain_cannot_read_gets_a_sentence(community: Community, body: Json) -> None:
    body = {"room_id": community.rooms["open"]} | body if "content" in body else body
    status, told = await request(community["ana"], "POST", f"{API}/explain", body)
    assert (status == 400) or (status, told["allowed"]) == (200, False), told
    assert told["error"]


async def test_who_is_not_in_the_room_gets_no_explanation(community: Community) -> None:
    item = await community.sent(text("TLP:AMBER Tide"), "closed")
    for room in (community.rooms["closed"], "!nowhere:belisha.localhost", "x"):
        body = {"room_id": room, "content": text("x", **reply(item))}
        status, told = await request(community["finn"], "POST", f"{API}/explain", body)
        assert (status, told["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND")


async def test_explain_is_not_for_trying_texts_by_the_thousand(community: Community) -> None:
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 300:  # a slow machine gives back a part of the limit meanwhile
        statuses.append((await explain(community, "mona", "open", text(f"{len(statuses)}")))[0])
    assert statuses[0] in (200, 404) and 429 in statuses


async def test_the_audience_of_a_label(community: Community) -> None:
    path = f"{API}/audience?room_id={quote(community.rooms['closed'])}&label="
    _, told = await request(community["ana"], "GET", path + "TLP:AMBER")
    assert (told["allowed"], told["label"], told["total"]) == (True, "TLP:AMBER", 3)
    _, told = await request(community["ana"], "GET", path + "TLP:RED")
    assert told["allowed"] is False and "direct chat" in told["reason"]
    status, told = await request(community["ana"], "GET", path + "purple")
    assert (status, told["errcode"]) == (400, "ORG.BELISHA.MALFORMED")


async def test_the_portal_is_told_what_each_member_may_see(community: Community) -> None:
    here = community.rooms
    green, amber = await community.sent(text("Tide"), "open"), await community.sent(text("Pump"), "closed")
    ask = {
        "items": [
            {"room_id": here["open"], "event_id": green},
            {"room_id": here["closed"], "event_id": amber},
            {"room_id": here["open"], "event_id": amber},
            {"room_id": here["open"], "event_id": "$nothing"},
        ],
        "rooms": [here["open"], here["closed"], "!nothing", here["named"]],
    }
    status, ana = await ask_as_portal(community, ask | {"user_id": community.id("ana")})
    assert status == 200
    assert [one["may_read"] for one in ana["items"]] == [True, True, False, False]
    assert [one["may_read"] for one in ana["rooms"]] == [True, True, False, True]
    assert (ana["label"], ana["member"]["organisation"], ana["member"]["belongs"]) == ("TLP:AMBER", "harbour", True)
    status, finn = await ask_as_portal(community, ask | {"user_id": community.id("finn")})
    assert [one["may_read"] for one in finn["items"]] == [True, False, False, False]
    assert finn["items"][1] == finn["items"][3] == finn["rooms"][1] == finn["rooms"][2] == {"may_read": False}
    assert finn["label"] == "TLP:GREEN"
    status, nobody = await ask_as_portal(community, ask | {"user_id": "@nobody:belisha.localhost"})
    assert not any(one["may_read"] for one in (*nobody["items"], *nobody["rooms"]))
    assert (nobody["label"], nobody["member"]["belongs"]) == (None, False)


async def test_the_portal_is_told_nothing_for_a_frozen_member(community: Community) -> None:
    await community.server.member("gil", "harbour")
    green = await community.sent(text("Tide"), "open")
    gil = await community.server.sign_in("gil")
    await gil.join(community.rooms["open"])
    ask = {"user_id": gil.user_id, "items": [{"room_id": community.rooms["open"], "event_id": green}]}
    _, told = await ask_as_portal(community, ask)
    assert told["items"][0]["may_read"]
    await community.server.local("PUT", "standing/members/gil", {"standing": "frozen"})
    _, told = await ask_as_portal(community, ask)
    assert (told["items"], told["member"]["belongs"]) == ([{"may_read": False}], False)
    await gil.close()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": 3},
        {"user_id": "@a:b", "items": [3]},
        {"user_id": "@a:b", "items": [{"room_id": "!a"}]},
        {"user_id": "@a:b", "items": [{}] * 201},
        {"user_id": "@a:b", "rooms": [3]},
        {"user_id": "@a:b", "rooms": "x"},
        {"user_id": "@belisha_steward:belisha.localhost", "rooms": []},
    ],
)
async def test_what_the_portal_asks_wrongly_gets_a_sentence(community: Community, body: Json) -> None:
    status, told = await ask_as_portal(community, body)
    assert (status, told["errcode"]) == (400, "ORG.BELISHA.MALFORMED") and told["error"].endswith(".")


@pytest.mark.parametrize("secret", ["", "wrong", "as_token", "module_api", "ana"])
async def test_nobody_but_the_portal_asks_for_others(community: Community, secret: str) -> None:
    path = community.server.data / "secrets" / secret
    given = path.read_text().strip() if path.is_file() else secret
    given = community["ana"].access_token if secret == "ana" else given
    status, told = await ask_as_portal(community, {"user_id": community.id("ana")}, given)
    assert (status, told["errcode"]) == (403, "M_FORBIDDEN")


# --- The portal's first page ------------------------------------------------------------------------------------


async def home(community: Community, name: str) -> Json:
    status, told = await ask_as_portal(community, {"user_id": community.id(name)}, name="home")
    assert status == 200, told
    return told


async def test_the_first_page_has_what_is_the_members_own(community: Community) -> None:
    newest = await newcomer(community)
    ana, finn = await home(community, "ana"), await home(community, "finn")
    here = community.rooms
    assert {here["open"], here["closed"], here["strict"]} <= {group["room_id"] for group in ana["groups"]}
    mine = {group["room_id"]: group for group in finn["groups"]}
    assert here["open"] in mine and here["closed"] not in mine and here["strict"] not in mine
    assert (mine[here["open"]]["name"], mine[here["open"]]["kind"]) == ("Buoys", "open")
    assert not {here["named"], here["service"]} & {group["room_id"] for group in (*ana["groups"], *finn["groups"])}
    counted = await request(community["ana"], "GET", f"{API}/audience?room_id={quote(here['closed'])}")
    assert next(g for g in ana["groups"] if g["room_id"] == here["closed"])["members"] == counted[1]["total"]
    names = {one["name"] for one in finn["new_members"]}
    assert f"{newest.capitalize()} (Harbour)" in names and not any("Steward (bot)" in name for name in names)


async def test_knocks_are_shown_to_who_can_answer_them(community: Community) -> None:
    status, made = await community.create("ana", {"preset": "private_chat", "name": "Asked for"})
    room = made["room_id"]
    await community["ana"].room_invite(room, community.id("ben"))
    assert [one["by"]["name"] for one in (await home(community, "ben"))["invitations"] if one["room_id"] == room] == [
        "Ana (Harbour)"
    ]
    await community["ben"].join(room)
    status, body = await request(community["finn"], "POST", f"/_matrix/client/v3/knock/{quote(room)}", {})
    assert status == 200, body
    asks = [one["from"]["user_id"] for one in (await home(community, "ana"))["knocks"] if one["room_id"] == room]
    assert asks == [community.id("finn")]
    for name in ("ben", "finn", "mona"):
        assert room not in {one["room_id"] for one in (await home(community, name))["knocks"]}, "not theirs to answer"


async def test_who_may_not_act_has_an_empty_first_page(community: Community) -> None:
    status, told = await ask_as_portal(community, {"user_id": "@nobody:belisha.localhost"}, name="home")
    assert (status, told["groups"], told["new_members"], told["member"]["belongs"]) == (200, [], [], False)
    assert (await ask_as_portal(community, {"user_id": community.id("ana")}, "wrong", "home"))[0] == 403


# --- Names ------------------------------------------------------------------------------------------------------


async def test_names_are_told_to_members_and_organisations_to_who_runs_the_community(community: Community) -> None:
    async def asks(name: str, **more: Any) -> Json:
        status, told = await ask_as_portal(community, {"user_id": community.id(name), **more})
        assert status == 200, told
        return told

    addresses = ["@ben", community.id("ben"), "@nobody", "@ben:elsewhere.example", "@belisha_steward"]
    told = await asks("ana", named=addresses, organisations=True)
    assert told["named"] == ["Ben (Harbour)", "Ben (Harbour)", None, None, None]
    assert told["organisations"] == [{"id": "harbour", "name": "Harbour"}]
    for name in ("cora", "mona"):
        known = {one["id"]: one["name"] for one in (await asks(name, organisations=True))["organisations"]}
        assert known["coastguard"] == "Coastguard" and known["harbour"] == "Harbour", name
    assert "named" not in await asks("ana") and "organisations" not in await asks("ana")
    body = {"user_id": "@nobody:belisha.localhost", "named": ["@ben"], "organisations": True}
    status, told = await ask_as_portal(community, body)
    assert (status, told["named"], told["organisations"]) == (200, [None], []), "who may not act learns none"
    for wrong in ("@ben", ["@ben"] * 51, [1]):
        status, told = await ask_as_portal(community, {"user_id": community.id("ana"), "named": wrong})
        assert status == 400, wrong


async def test_who_maintains_a_group_is_told_as_such(community: Community) -> None:
    async def maintains(name: str) -> bool:
        return bool((await ask_as_portal(community, {"user_id": community.id(name)}))[1]["member"]["maintains"])

    name = await newcomer(community)
    assert await maintains("ana") and not await maintains(name), "ana has made the groups here"
    body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [community.id("ana")]}
    status, _ = await request(community[name], "POST", "/_matrix/client/v3/createRoom", body)
    assert status == 200 and not await maintains(name), "a room of named people is no group"
