"""Joining, leaving, inviting, renaming and archiving groups by commands (P3): no more than one's own client could."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, unique, wish
from tests.support.ledger import relabel
from tests.support.server import ended, request
from tests.support.settled import make_community
from tests.support.upgrade import joined, path_of, state_of
from tests.synapse.test_acts import asks, done, hand_over, newcomer, typed
from tests.synapse.test_groups import is_listed, own_room
from tests.synapse.test_room_freezing import V3, freeze, group, policy, send

pytestmark = pytest.mark.more

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community of this file alone: its members come and go."""
    here = await make_community(tmp_path_factory.mktemp("group-acts") / "data")
    with ended(here.server):
        try:
            yield here
        finally:
            await here.close()


async def joins(community: Community, by: str, room: str) -> tuple[int, Json]:
    return await asks(community, by, await own_room(community, by), f"!group join {room}", "group_join", {"room": room})


async def leaves(community: Community, by: str, room: str) -> tuple[int, Json]:
    return await asks(
        community, by, await own_room(community, by), f"!group leave {room}", "group_leave", {"room": room}
    )


async def says(
    community: Community, by: str, room: str, act: str, words: str = "", **arguments: Any
) -> tuple[int, Json]:
    """A command that is about the group it is written in."""
    return await asks(community, by, room, f"!group {act} {words}".strip(), f"group_{act}", arguments)


async def membership(community: Community, room: str, name: str) -> str | None:
    found = (await state_of(community, room, "ana")).get(("m.room.member", community.id(name)))
    return None if found is None else str(found["membership"])


def nowhere(answer: tuple[int, Json]) -> None:
    assert (answer[0], answer[1]["errcode"]) == (404, "ORG.BELISHA.NOT_FOUND"), answer


# --- Joining and leaving -----------------------------------------------------------------------------------------


async def test_an_open_group_is_joined_and_left(community: Community) -> None:
    status, made = await community.create(
        "ana", {"preset": "public_chat", "room_alias_name": (name := unique("tides"))}
    )
    room = made["room_id"]
    for _ in range(2):
        status, answer = await joins(community, "emil", f"#{name}")
        assert (status, answer["membership"], answer["room_id"]) == (200, "join", room), answer
    assert "emil" in await joined(community, room, "ana")
    done(await says(community, "emil", room, "leave"), "group_leave")
    assert await membership(community, room, "emil") == "leave"
    done(await leaves(community, "emil", room), "group_leave")


async def test_a_closed_group_is_asked_and_an_invitation_taken(community: Community) -> None:
    room = await group(community, "closed")
    assert (await joins(community, "emil", room))[1]["membership"] == "knock"
    assert await membership(community, room, "emil") == "knock"
    assert (await joins(community, "emil", room))[1]["membership"] == "knock"
    done(await leaves(community, "emil", room), "group_leave")
    assert await membership(community, room, "emil") == "leave"
    status, answer = await says(community, "ana", room, "invite", "@dina", members=["@dina"])
    assert (status, answer["invited"], answer["refused"]) == (200, 1, []), answer
    assert (await joins(community, "dina", room))[1]["membership"] == "join"


async def test_what_one_may_not_find_is_not_there(community: Community) -> None:
    hidden = await group(community, "closed")
    assert (
        await request(community["ana"], "PUT", path_of(hidden, "state/m.room.join_rules/"), {"join_rule": "invite"})
    )[0] == 200
    rooms = [hidden, community.rooms["named"], await own_room(community, "ana"), "!nowhere:belisha.localhost"]
    for room in (*rooms, "#nowhere", "#community", "#room:elsewhere.example", "!room:elsewhere.example"):
        nowhere(await joins(community, "emil", room))
        nowhere(await leaves(community, "emil", room))
        text = f"!group unarchive {room}"
        nowhere(
            await asks(community, "emil", await own_room(community, "emil"), text, "group_unarchive", {"room": room})
        )
    assert await membership(community, hidden, "emil") is None


async def test_the_rules_of_joining_hold(community: Community) -> None:
    _, made = await community.create("ana", {"initial_state": [wish("closed", "harbour")]})
    assert_refused(*await joins(community, "emil", made["room_id"]), "OTHER_ORGANISATION", rule="M1")
    room = await group(community, "open", "finn")
    assert (await request(community["ana"], "POST", path_of(room, "ban"), {"user_id": community.id("finn")}))[0] == 200
    assert_refused(*await joins(community, "finn", room), "NOT_LET", rule="M1")
    assert (await freeze(community, room))[0] == 200
    assert_refused(*await joins(community, "emil", room), "FROZEN_GROUP")


# --- Inviting ----------------------------------------------------------------------------------------------------


async def test_who_cannot_be_invited_is_told_apart(community: Community) -> None:
    _, made = await community.create("ana", {"initial_state": [wish("closed", "harbour")]})
    room = made["room_id"]
    other = await newcomer(community)
    members = ["@emil", f"@{other}", "@nobody", "@ana", f"@{other}"]
    status, answer = await says(community, "ana", room, "invite", " ".join(members), members=members)
    assert (status, answer["invited"]) == (200, 1), answer
    assert [place for place, _ in answer["refused"]] == [0, 2]
    assert await membership(community, room, other) == "invite"
    assert await membership(community, room, "emil") is None
    answer_ = await says(community, "ana", room, "invite", "@emil", members=["@emil"])
    assert_refused(*answer_, "OTHER_ORGANISATION", rule="M1")
    many = [f"@n{number}" for number in range(21)]
    assert_refused(*await says(community, "ana", room, "invite", " ".join(many), members=many), "TOO_MANY")


async def test_who_lacks_the_power_invites_nobody(community: Community) -> None:
    room = await group(community, "closed", "ben", "cora")
    for name in ("ben", "cora"):
        assert_refused(*await says(community, name, room, "invite", "@dina", members=["@dina"]), "NOT_LET", rule="M1")
    assert await membership(community, room, "dina") is None


# --- Name and topic ----------------------------------------------------------------------------------------------


async def test_maintainers_and_stewards_rename_a_group(community: Community) -> None:
    room = await group(community, "closed", "ben", "cora")
    assert_refused(*await says(community, "ben", room, "rename", "Mine", name="Mine"), "NOT_YOURS", rule="R1")
    done(await says(community, "ana", room, "rename", '"Harbour watch"', name="Harbour watch"), "group_rename")
    done(await says(community, "cora", room, "topic", "Who is on watch", topic="Who is on watch"), "group_topic")
    state = await state_of(community, room, "ana")
    assert state["m.room.name", ""] == {"name": "Harbour watch"}
    assert state["m.room.topic", ""] == {"topic": "Who is on watch"}
    words = "TLP:AMBER watch"
    assert_refused(*await says(community, "ana", room, "rename", words, name=words), "NOT_PUBLIC", rule="R3")
    _, home = await request(
        community["cora"], "GET", f"{V3}/directory/room/{quote('#announcements:belisha.localhost')}"
    )
    nobodys = await says(community, "mona", home["room_id"], "rename", "News", name="News")
    done(nobodys, "group_rename")  # a manager has that power there in any client


@pytest.mark.parametrize(("page", "path"), [("composer", "/widget"), ("pads", "/widget/pads")])
async def test_maintainers_put_a_page_of_the_portal_into_a_group_and_take_it_out(
    community: Community, page: str, path: str
) -> None:
    room = await group(community, "closed", "ben")
    key = ("im.vector.modular.widgets", f"belisha-{page}")
    assert_refused(*await says(community, "ben", room, page, "on", shown="on"), "NOT_YOURS", rule="R1")
    done(await says(community, "ana", room, page, "on", shown="on"), f"group_{page}")
    widget = (await state_of(community, room, "ben"))[key]
    portal = community.server.place.portal
    assert widget["url"] == f"{portal}{path}?widgetId=$matrix_widget_id&room=$matrix_room_id"
    assert (widget["type"], widget["creatorUserId"]) == ("m.custom", community.id("ana"))
    done(await says(community, "ana", room, page, "off", shown="off"), f"group_{page}")
    assert (await state_of(community, room, "ben"))[key] == {}


# --- Archiving ---------------------------------------------------------------------------------------------------


async def test_an_archived_group_is_read_and_left_and_comes_back(community: Community) -> None:
    room = await group(community, "open", "ben", "dina")
    _, said = await send(community, room, "dina", "TLP:GREEN the gauge is back")
    path = path_of(room, "messages?dir=b&limit=5")
    assert_refused(*await says(community, "ben", room, "archive"), "NOT_YOURS", rule="R1")
    event = await typed(community, "ana", room, "!group archive")
    for _ in range(2):
        done(await hand_over(community, room, event, "group_archive"), "group_archive")
    assert (await policy(community, room))["archived"] is True
    await is_listed(community, room, wanted=False)
    for name in ("ana", "dina"):
        assert_refused(*await send(community, room, name), "ARCHIVED", rule="R1")
    assert_refused(*await joins(community, "emil", room), "ARCHIVED", rule="R1")
    invite = await request(community["ana"], "POST", path_of(room, "invite"), {"user_id": community.id("emil")})
    assert_refused(*invite, "ARCHIVED", rule="R1")
    topic = await request(community["ana"], "PUT", path_of(room, "state/m.room.topic/"), {"topic": "x"})
    assert_refused(*topic, "ARCHIVED", rule="R1")
    listing = await request(
        community["ana"], "PUT", f"{V3}/directory/list/room/{quote(room)}", {"visibility": "public"}
    )
    assert listing[0] == 403, listing
    alias = await request(
        community["ana"], "PUT", f"{V3}/directory/room/{quote('#gone:belisha.localhost')}", {"room_id": room}
    )
    assert_refused(*alias, "ARCHIVED", rule="R1")
    status, outside = await request(
        community["emil"], "PUT", path_of(room, "send/m.room.message/x"), {"msgtype": "m.text", "body": "x"}
    )
    assert (status, outside["errcode"]) == (403, "M_FORBIDDEN"), "who is not in it is not told"
    # What stays the source's: its label, and taking it back.
    act = await request(
        community["dina"],
        "PUT",
        path_of(room, f"send/org.belisha.relabel/{unique('r')}"),
        relabel(said["event_id"], "TLP:CLEAR"),
    )
    assert act[0] == 200, act
    assert (await request(community["ana"], "GET", path))[0] == 200
    assert (
        await request(community["dina"], "PUT", path_of(room, f"redact/{quote(said['event_id'])}/{unique('r')}"), {})
    )[0] == 200
    assert (await request(community["ben"], "POST", path_of(room, "leave"), {}))[0] == 200

    back = ("!group unarchive " + room, "group_unarchive", {"room": room})
    assert_refused(*await asks(community, "dina", await own_room(community, "dina"), *back), "NOT_YOURS", rule="R1")
    done(await asks(community, "ana", await own_room(community, "ana"), *back), "group_unarchive")
    assert "archived" not in await policy(community, room)
    assert (await send(community, room, "dina"))[0] == 200
    assert (await joins(community, "emil", room))[1]["membership"] == "join"
    await is_listed(community, room)
    done(await hand_over(community, room, event, "group_archive"), "group_archive")
    assert "archived" not in await policy(community, room), "a command is carried out once"


async def test_a_frozen_group_is_not_archived_and_stays_frozen(community: Community) -> None:
    room = await group(community, "closed", "cora")
    event = await typed(community, "ana", room, "!group archive")
    assert (await freeze(community, room))[0] == 200
    assert_refused(*await hand_over(community, room, event, "group_archive"), "FROZEN_GROUP", rule="R1")
    back = ("!group unarchive " + room, "group_unarchive", {"room": room})
    assert_refused(*await asks(community, "ana", await own_room(community, "ana"), *back), "FROZEN_GROUP", rule="R1")
    assert (await policy(community, room))["frozen"] is True
    for address in ("#announcements", "#stewards"):
        text = f"!group unarchive {address}"
        answer = await asks(
            community, "cora", await own_room(community, "cora"), text, "group_unarchive", {"room": address}
        )
        assert_refused(*answer, "NO_CHANGE", rule="R1")


async def test_an_archived_group_keeps_its_rules_when_they_change(community: Community) -> None:
    room = await group(community, "closed", "cora")
    done(await says(community, "ana", room, "archive"), "group_archive")
    assert (
        await community.server.local(
            "PUT",
            f"rooms/{quote(room, safe='')}/policy",
            {"kind": "closed", "organisations": ["harbour", "coastguard"]},
        )
    )[0] == 200
    now = await policy(community, room)
    assert now["archived"] is True and now["organisations"] == ["harbour", "coastguard"]
    assert_refused(*await send(community, room, "ana"), "ARCHIVED", rule="R1")
    upgrade = await community.server.local("POST", f"rooms/{quote(room)}/upgrade")
    assert_refused(*upgrade, "ARCHIVED", rule="R1")
