"""What the module tells the metrics: content-free, once a position, and nothing of rooms of named people (rule P1)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused
from tests.support.files import ask, fetch, message, png, upload
from tests.support.patience import until
from tests.support.server import request
from tests.support.settled import own_community
from tests.support.upgrade import path_of
from tests.synapse.samples import text
from tests.synapse.test_acts import newcomer
from tests.synapse.test_room_freezing import group

Json = dict[str, Any]
V3 = "/_matrix/client/v3"
API = "/_synapse/client/org.belisha/v1/doings"


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    async with own_community(tmp_path_factory.mktemp("doings") / "data") as here:
        yield here


async def told(community: Community, after: str = "") -> tuple[list[Json], str]:
    """Everything after a position, by as many questions as it takes, and the last position."""
    found: list[Json] = []
    while True:
        status, body = await request(community["steward"], "GET", f"{API}?after={after}")
        assert status == 200, body
        found, after = [*found, *body["doings"]], body["next"]
        if not body["more"]:
            return found, after


def of(found: list[Json], action: str, user_id: str) -> list[Json]:
    return [one for one in found if one["action"] == action and one["user_id"] == user_id]


async def read(community: Community, name: str, room: str, kind: str = "m.read", by: str = "ana") -> None:
    sent = await community[by].room_send(room, "m.room.message", text("A tide"))
    path = f"{V3}/rooms/{quote(room)}/receipt/{kind}/{quote(sent.event_id)}"
    assert (await request(community[name], "POST", path, {}))[0] == 200


async def share(community: Community, room: str, media_id: str) -> None:
    await community["ana"].room_send(room, "m.room.message", message(community, media_id))


async def test_accounts_sessions_and_receipts_of_groups_are_told(community: Community) -> None:
    rooms, finn = community.rooms, community.id("finn")
    found, before = await told(community)
    assert of(found, "invited", finn) and of(found, "signed_in", finn), "what was before the first question, too"
    assert not [one for one in found if "belisha_" in one["user_id"]], "bots are no members"
    name = await newcomer(community)
    await read(community, "finn", rooms["open"])
    await read(community, "finn", rooms["named"])
    await read(community, "dina", rooms["closed"], "m.read.private")
    found, after = await told(community, before)
    (invited,), sessions = of(found, "invited", community.id(name)), of(found, "signed_in", community.id(name))
    assert invited["at"] % 1000 == 0 and invited["room_id"] == "" and len(sessions) == 1
    (one,) = [one for one in of(found, "read", finn) if one["room_id"] == rooms["open"]]
    assert one == {**one, "label": "", "what": ""} and one["at"] > 0
    assert rooms["named"] not in json.dumps(found), "nothing of rooms of named people"
    assert not of(found, "read", community.id("dina")), "nor what is read in private"
    again, last = await told(community, after)
    assert last == after and all(one in found or one["action"] in ("read", "signed_in") for one in again)


async def test_files_are_told_of_where_who_opened_them_could_find_them_in_a_group(community: Community) -> None:
    room = await group(community, "closed", "finn")
    finn = community.id("finn")
    shared, hidden, later = [await upload(community, "ana", b"tides %d" % number) for number in range(3)]
    await share(community, room, shared)
    for media_id in (hidden, later):
        await share(community, community.rooms["named"], media_id)
    for media_id in (shared, hidden, later):
        assert (await fetch(community, "finn", media_id)).status == 200

    async def files() -> dict[str, Json]:
        return {one["what"]: one for one in of((await told(community))[0], "downloaded", finn)}

    async def is_told() -> bool:
        return shared in await files()

    await until(is_told)
    one = (await files())[shared]
    assert (one["room_id"], one["label"]) == (room, "TLP:AMBER")
    assert set(await files()) == {shared}, "what was opened in a room of named people is not told"
    seen = await upload(community, "ana", png(5), "quay.png", "image/png")
    await share(community, room, seen)
    await asyncio.sleep(2)  # the moment of a share is kept to the second
    portal = (community.server.data / "secrets" / "portal_api").read_text().strip()
    path = f"/_synapse/client/org.belisha/v1/media/{seen}?preview=1&user_id={quote(finn)}"
    got = await ask(community, None, "GET", path, headers={"Authorization": f"Bearer {portal}"})
    assert got.status == 200

    async def is_noted() -> bool:
        found = community.server.query("SELECT part FROM belisha_download WHERE media_id = ?", seen)
        return found == [{"part": "preview"}]

    await until(is_noted)
    assert set(await files()) == {shared}, "who looks at a file's page has not downloaded it"
    await share(community, room, later)
    assert set(await files()) == {shared}, "nor once it is shared in a group too"
    assert (await request(community["finn"], "POST", path_of(room, "leave"), {}))[0] == 200
    assert await files() == {}, "who is not in the group could have it from elsewhere"


async def test_reports_are_told_of_without_what_where_and_who_looked_after_them(community: Community) -> None:
    """Of one in a room of named people it is told no less, and no more: nobody learns by it where something was."""
    finn, at = community.id("finn"), int(time.time())
    _, before = await told(community)
    for room in (community.rooms["open"], community.rooms["named"]):
        sent = await community["ana"].room_send(room, "m.room.message", text("A rude word"))
        path = f"{V3}/rooms/{quote(room)}/report/{quote(sent.event_id)}"
        assert (await request(community["finn"], "POST", path, {"reason": "rude"}))[0] == 200

    async def reports(action: str = "reported") -> list[Json]:
        return of((await told(community, before))[0], action, finn)

    async def are_told() -> bool:
        return len(await reports()) == 2

    await until(are_told)
    found = await reports()
    numbers = [one.pop("what") for one in found]
    assert len(set(numbers)) == 2 and all(one.startswith("report ") for one in numbers)
    assert all(one.pop("at") // 1000 - at in range(60) for one in found)
    assert found == [{"action": "reported", "user_id": finn, "room_id": "", "label": ""}] * 2
    assert await reports("acknowledged") == []
    row = "INSERT INTO belisha_report_act (number, act, by_member, at, place) VALUES (?, ?, 'cora', ?, ?)"
    number = int(numbers[0].removeprefix("report "))
    for place, act in enumerate(("acknowledge", "close")):
        community.server.change(row, number, act, at + 60 * (place + 1), place)
    (one,) = await reports("acknowledged")
    done = {"action": "acknowledged", "user_id": finn, "room_id": "", "label": "", "what": numbers[0]}
    assert one == done | {"at": (at + 60) * 1000}, "when one was first looked after, and not by whom"
    assert "cora" not in json.dumps(await reports("acknowledged"))


async def test_bots_alone_may_ask_and_a_position_is_one(community: Community) -> None:
    assert_refused(*await request(community["ana"], "GET", API), "NOT_A_BOT", "P3")
    assert (await request(community["steward"], "GET", f"{API}/x"))[0] == 404
    for bad in ("x", "1.2.3", "1.2.3.4.5", "1.2.3.-4", "1..2.3", "1.2.3.4.5.6.7", "\u0661.2.3.4"):
        status, body = await request(community["steward"], "GET", f"{API}?after={quote(bad)}")
        assert (status, body["errcode"]) == (400, "ORG.BELISHA.MALFORMED"), bad
    for length in (4, 6):  # four numbers have those that were given away before reports were told of
        huge = ".".join(["9" * 40] * length)
        assert (await request(community["steward"], "GET", f"{API}?after={huge}"))[0] == 200


async def test_where_managers_are_told_things_is_known_to_bots_and_of_those_who_may_act(community: Community) -> None:
    url = API.replace("doings", "managers")
    assert_refused(*await request(community["ana"], "GET", url), "NOT_A_BOT", "P3")
    assert (await request(community["steward"], "GET", f"{url}/x"))[0] == 404

    async def rooms() -> set[str]:
        status, body = await request(community["steward"], "GET", url)
        assert status == 200 and set(body) == {"rooms"}, body
        return set(body["rooms"])

    before = await rooms()
    name, other = await newcomer(community, "harbour", "manager"), await newcomer(community, "harbour", "steward")
    _, listed = await community.server.local("GET", "members")
    own = {one["user_id"]: one["service_room"] for one in listed["members"]}
    assert await rooms() == {*before, own[community.id(name)]} and own[community.id(other)] not in before
    assert (await community.server.local("PUT", f"standing/members/{name}", {"standing": "frozen"}))[0] == 200

    async def is_gone() -> bool:
        return await rooms() == before

    await until(is_gone)
