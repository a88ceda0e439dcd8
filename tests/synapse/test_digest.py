"""What the module says of one member for a digest, at that moment and of what they can read alone (P1, P2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from belisha.polls.wire import RESPONSE
from tests.support.community import Community, assert_refused, unique, wish
from tests.support.ledger import relabel
from tests.support.patience import until
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import path_of
from tests.synapse.rights import standing
from tests.synapse.samples import edit, poll, text, thread
from tests.synapse.test_acts import newcomer
from tests.synapse.test_announcements import announced
from tests.synapse.test_groups import own_room
from tests.synapse.test_introductions import agrees, asked, introduces
from tests.synapse.test_reports import does, facts, reported, stewards_room
from tests.synapse.test_room_freezing import group

pytestmark = pytest.mark.more

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
DIGEST = "/_synapse/client/org.belisha/v1/digest"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members leave, knock and are frozen."""
    here = await make_community(tmp_path_factory.mktemp("digest") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def ask(community: Community, name: str, *items: tuple[str, str], by: str = "steward", **more: Any) -> Any:
    asked = [{"room_id": room, "event_id": event_id} for room, event_id in items]
    body = {"room_id": await own_room(community, name), "member": community.id(name), "items": asked, **more}
    return await request(community[by], "POST", DIGEST, body)


async def told(community: Community, name: str, *items: tuple[str, str]) -> Json:
    status, body = await ask(community, name, *items)
    assert status == 200, body
    assert isinstance(body, dict)
    return body


async def say(community: Community, room: str, content: Json, by: str = "ana", kind: str = "m.room.message") -> str:
    found = await community[by].room_send(room, kind, content)
    return str(found.event_id)


async def of(community: Community, name: str, room: str) -> Json | None:
    groups = (await told(community, name))["groups"]
    return next((one for one in groups if one["room_id"] == room), None)


async def test_groups_alone_are_told_and_since_when(community: Community) -> None:
    rooms = community.rooms
    ana = {one["room_id"]: one for one in (await told(community, "ana"))["groups"]}
    assert {rooms["open"], rooms["closed"], rooms["strict"]} <= set(ana) and rooms["named"] not in ana
    assert rooms["service"] not in ana and ana[rooms["open"]]["name"] == "Buoys"
    room = await group(community, "closed", "ben")
    first = await of(community, "ben", room)
    assert first is not None and first["read"] == {}
    profile = f"{V3}/rooms/{quote(room)}/state/m.room.member/{quote(community.id('ben'))}"
    _, content = await request(community["ben"], "GET", profile)
    await request(community["ben"], "PUT", profile, {**content, "org.example.note": "x"})
    assert await of(community, "ben", room) == first, "a change of what is shown of one is no coming"
    assert (await request(community["ben"], "POST", path_of(room, "leave"), {}))[0] == 200
    assert await of(community, "ben", room) is None, "it ends with the membership"
    await request(community["ana"], "POST", path_of(room, "invite"), {"user_id": community.id("ben")})
    assert (await request(community["ben"], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    again = await of(community, "ben", room)
    assert again is not None and again["since"] > first["since"]


async def test_the_domains_are_those_of_ones_own_organisation_at_that_moment(community: Community) -> None:
    _, listed = await community.server.local("GET", "members")
    harbour = next(one["organisation"] for one in listed["members"] if one["user_id"] == community.id("ana"))
    _, known = await community.server.local("GET", "organisations")
    before = next(one for one in known["organisations"] if one["id"] == harbour)
    for domains in (["harbour.test", "port.test"], []):
        body = {key: before[key] for key in ("name", "category")} | {"domains": domains}
        assert (await community.server.local("PUT", f"organisations/{harbour}", body))[0] == 200
        assert (await told(community, "ana"))["domains"] == domains
        assert (await told(community, "finn"))["domains"] == [], "of another organisation"


async def test_receipts_say_what_was_read(community: Community) -> None:
    room = await group(community, "closed", "ben", "dina")
    root = await say(community, room, text("One"))
    answer = await say(community, room, {**text("Two"), **thread(root)})
    for event_id, kind, body, key in (
        (root, "m.read.private", {"thread_id": "main"}, "main"),
        (answer, "m.read", {"thread_id": root}, root),
        (answer, "m.read", {}, ""),
    ):
        path = f"{V3}/rooms/{quote(room)}/receipt/{kind}/{quote(event_id)}"
        assert (await request(community["ben"], "POST", path, body))[0] == 200
        at = (await community["ben"].room_get_event(room, event_id)).event.server_timestamp
        found = await of(community, "ben", room)
        assert found is not None and found["read"][key] == at
    assert set(found["read"]) == {"main", root, ""}
    other = await of(community, "dina", room)
    assert other is not None and other["read"] == {}, "a receipt is told to nobody else"


async def test_an_item_is_told_to_who_can_read_it_now(community: Community) -> None:
    room = await group(community, "closed", "dina")
    before = await say(community, room, text("TLP:GREEN Before"))
    await request(community["ana"], "POST", path_of(room, "invite"), {"user_id": community.id("ben")})
    assert (await request(community["ben"], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    green, amber = (
        await say(community, room, text("TLP:GREEN Tide")),
        await say(community, room, text("TLP:AMBER Tide")),
    )
    gone, changed = await say(community, room, text("Gone")), await say(community, room, edit(green, text("Tides")))
    assert (await community["ana"].room_redact(room, gone)).event_id
    named = await say(community, community.rooms["named"], text("TLP:RED Tide"))
    items = [(room, one) for one in (green, amber, before, gone, changed, "$none", named)]
    items += [(community.rooms["named"], named), (community.rooms["open"], green), ("!x", green)]
    found = (await told(community, "ben", *items))["items"]
    assert found[0] == {"label": "TLP:GREEN", "name": "Ana (Harbour)", "voted": False}
    assert found[1] == {**found[0], "label": "TLP:AMBER"}
    assert found[2:] == [None] * 8
    ana = (await told(community, "ana", (community.rooms["named"], named)))["items"]
    assert ana == [None], "rooms of named people take no part, whoever asks"
    assert (await told(community, "emil", (room, green)))["items"] == [None]
    await say(community, room, relabel(green, "TLP:AMBER"), kind="org.belisha.relabel")

    async def is_raised() -> bool:
        return bool((await told(community, "ben", (room, green)))["items"][0]["label"] == "TLP:AMBER")

    await until(is_raised)


async def test_who_is_frozen_is_told_nothing_and_not_named(community: Community) -> None:
    name, room = await newcomer(community), community.rooms["open"]
    assert (await request(community[name], "POST", f"{V3}/join/{quote(room)}", {}))[0] == 200
    mine = await say(community, room, text("Tide"), by=name)
    theirs = await say(community, room, text("Tide"))
    assert all((await told(community, name, (room, mine), (room, theirs)))["items"])
    await standing(community, "members", name, "frozen")
    status, body = await ask(community, name, (room, theirs))
    assert status == 404 or body == {"groups": [], "waiting": [], "items": [None], "domains": []}
    (found,) = (await told(community, "ben", (room, mine)))["items"]
    assert found == {"label": "TLP:GREEN", "name": "", "voted": False}


async def test_ones_own_vote_is_told_and_nobody_elses(community: Community) -> None:
    room = await group(community, "closed", "ben", "dina", by="cora")
    event_id = await say(community, room, poll("Which?", "One", "Two"), by="cora", kind="org.matrix.msc3381.poll.start")
    vote = {"m.relates_to": {"rel_type": "m.reference", "event_id": event_id}, RESPONSE[0]: {"answers": ["0"]}}
    await say(community, room, vote, by="ben", kind=RESPONSE[0])
    for name, voted in (("ben", True), ("dina", False)):
        (found,) = (await told(community, name, (room, event_id)))["items"]
        assert found["voted"] is voted


async def test_who_decides_is_told_how_many_wait_and_not_who(community: Community) -> None:
    room = await group(community, "closed", "ben", by="cora")
    name = await newcomer(community)
    assert (await request(community[name], "POST", f"{V3}/knock/{quote(room)}", {}))[0] == 200
    assert (await request(community["steward"], "POST", DIGEST.replace("digest", "waiting"), {}))[0] == 200
    _, state = await request(community["cora"], "GET", f"{V3}/rooms/{quote(room)}/state/m.room.name")
    waits = {one["name"]: one for one in (await told(community, "cora"))["waiting"]}
    assert waits[state["name"]] == {"sort": "group", "name": state["name"], "count": 1}
    for other in ("ben", name, "mona"):
        assert state["name"] not in str((await told(community, other))["waiting"]), other


async def waits(community: Community, name: str) -> dict[str, int]:
    return {one["sort"]: one["count"] for one in (await told(community, name))["waiting"]}


async def where(community: Community, name: str, sort: str) -> tuple[str | None, str | None]:
    """The room and event that the line about it links."""
    (found,) = [one for one in (await told(community, name))["waiting"] if one["sort"] == sort]
    return found.get("room_id"), found.get("event_id")


async def in_announcements(community: Community, *names: str) -> bool:
    """Whether they read announcements already, into which everybody comes a moment after their account."""
    rows = community.server.query(
        "SELECT user_id FROM local_current_membership JOIN room_aliases USING (room_id)"
        " WHERE membership = 'join' AND room_alias = ?",
        f"#announcements:{community.server.name}",
    )
    return {community.id(name) for name in names} <= {row["user_id"] for row in rows}


async def test_all_that_asks_for_a_member_is_counted_and_nobodys_else(community: Community) -> None:
    first, other, asker = await newcomer(community), await newcomer(community, "chandlers"), await newcomer(community)
    assert await waits(community, first) == await waits(community, other) == {}, "nothing was said before they came"

    assert (await introduces(community, asker, first, other))[0] == 200
    assert await waits(community, first) == await waits(community, other) == {"introduction": 1}
    assert await waits(community, asker) == {}, "it waits for others"
    (row,) = {one["id"] for one in (await asked(community, first, other)).values()}
    assert (await agrees(community, first, row))[0] == 200
    assert await waits(community, first) == {} and await waits(community, other) == {"introduction": 1}

    await until(lambda: in_announcements(community, first, other))
    announcement = await announced(community)
    assert await waits(community, first) == {"announcement": 1}
    assert await where(community, first, "announcement") == (announcement["room_id"], announcement["event_id"])
    assert "announcement" not in await waits(community, "mona"), "she wrote it"
    yes = {"m.relates_to": {"rel_type": "m.annotation", "event_id": announcement["event_id"], "key": "✅"}}
    await say(community, announcement["room_id"], yes, by=first, kind="m.reaction")
    assert await waits(community, first) == {} and "announcement" in await waits(community, other)
    pier = {"name": unique("Pier news "), "initial_state": [wish("closed", purpose="announcements")]}
    pier |= {"invite": [community.id(first)]}
    closed = (await community.create("mona", pier))[1]["room_id"]
    assert (await request(community[first], "POST", f"{V3}/join/{quote(closed)}", {}))[0] == 200
    await announced(community, room=closed)
    assert await where(community, first, "announcement") == (closed, None), "above GREEN no event is named"

    before = {name: (await waits(community, name)).get("report", 0) for name in ("cora", "ana", "mona")}
    room = await group(community, "closed", "ana", "ben", by="cora")
    card = await reported(community, room, await say(community, room, text("Rude words")))
    after = {name: (await waits(community, name)).get("report", 0) for name in ("cora", "ana", "mona")}
    assert after == {"cora": before["cora"] + 1, "ana": 0, "mona": 0}, "stewards alone"
    assert await where(community, "cora", "report") == (await stewards_room(community), None)
    assert (await does(community, "cora", "close", facts(card)["number"]))[0] == 200
    assert (await waits(community, "cora")).get("report", 0) == before["cora"]


async def test_only_a_bot_asks_and_only_in_the_members_own_room(community: Community) -> None:
    assert_refused(*await ask(community, "ana", by="ana"), "NOT_A_BOT", "P3")
    for room in (community.rooms["open"], await own_room(community, "dina"), "!none:x", "x"):
        status, body = await ask(community, "emil", room_id=room)
        assert (status, body["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), room
    one = {"room_id": community.rooms["open"], "event_id": "$x"}
    for items in ("x", [1], [{"room_id": "!x"}], [one] * 201, [{**one, "event_id": "$\0"}]):
        status, body = await ask(community, "dina", items=items)
        assert (status, body["errcode"]) == (400, "ORG.BELISHA.MALFORMED"), items
