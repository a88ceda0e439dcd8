"""A Synapse that lacks a guarded part starts with the routes closed, or not at all; never open (X1)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused
from tests.support.patience import until
from tests.support.server import PRODUCT_MODULE, Server, ended, request
from tests.support.settled import make_community
from tests.synapse.lacking import PARTS
from tests.synapse.samples import text
from tests.synapse.test_metrics import shown as metrics

V3 = "/_matrix/client/v3"
GUARDS = tuple(name for name in PARTS if name != "enforcement")
#: Each route that closes with a guard; `{room}`, `{event}`, `{ana}` and `{device}` are filled in.
ROUTES = {
    "tokens": [
        ("GET", "/_matrix/client/v1/room_summary/{room}", None),
        ("GET", f"{V3}/directory/room/%23announcements%3Abelisha.localhost", None),
        ("GET", f"{V3}/directory/list/room/{{room}}", None),
    ],
    "profiles": [
        ("PUT", f"{V3}/profile/{{ana}}/avatar_url", {"avatar_url": "mxc://belisha.localhost/portrait"}),
        ("PUT", f"{V3}/profile/{{ana}}/m.tz", {"m.tz": "Europe/London"}),
        ("DELETE", f"{V3}/profile/{{ana}}/m.tz", None),
    ],
    "aliases": [("PUT", f"{V3}/directory/room/%23buoys%3Abelisha.localhost", {"room_id": "{room}"})],
    "past": [
        ("GET", f"{V3}/rooms/{{room}}/event/{{event}}", None),
        ("GET", f"{V3}/rooms/{{room}}/context/{{event}}", None),
        ("GET", f"{V3}/events/{{event}}", None),
        ("GET", f"{V3}/notifications", None),
        ("GET", f"{V3}/rooms/{{room}}/members", None),
    ],
    "to_device": [("PUT", f"{V3}/sendToDevice/m.dummy/1", {"messages": {}})],
    "device_names": [("POST", f"{V3}/login", {}), ("PUT", f"{V3}/devices/{{device}}", {"display_name": "x"})],
    "registration": [("POST", f"{V3}/register", {"username": "olga", "password": "x"})],
    "pushers": [("POST", f"{V3}/pushers/set", {"kind": None, "app_id": "x", "pushkey": "x"})],
    "files": [
        ("GET", "/_matrix/client/v1/media/download/belisha.localhost/sample", None),
        ("GET", "/_matrix/client/v1/media/thumbnail/belisha.localhost/sample?width=32&height=32", None),
        ("GET", "/_matrix/media/v3/download/belisha.localhost/sample", None),
        ("GET", "/_matrix/media/v3/thumbnail/belisha.localhost/sample?width=32&height=32", None),
    ],
    "upgrades": [("POST", f"{V3}/rooms/{{room}}/upgrade", {"new_version": "11"})],
}


def lacking(server: Server, *names: str, strict: bool) -> None:
    """Changes the rendered configuration so that the next start lacks parts."""
    config = server.place.rendered / "homeserver.yaml"
    changed = config.read_text().replace(PRODUCT_MODULE, "tests.synapse.lacking.Lacking")
    lacks = f"lacks: {list(names)}"
    before = next(line for line in changed.splitlines() if "strict_hooks:" in line)
    config.write_text(changed.replace(before, f"      strict_hooks: {str(strict).lower()}\n      {lacks}", 1))


@pytest_asyncio.fixture(scope="module")
async def degraded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Community, str]]:
    """A community whose Synapse, started again, lacks every guarded part; with a message in the open group."""
    here = await make_community(tmp_path_factory.mktemp("degraded") / "data")
    with ended(here.server):
        event_id = await here.sent(text("x"))
        here.server.stop()
        lacking(here.server, *GUARDS, strict=False)
        await here.server.start()
        try:
            yield here, event_id
        finally:
            await here.close()


def test_every_guard_has_its_routes_here() -> None:
    assert set(ROUTES) == set(GUARDS)


@pytest.mark.parametrize(
    ("method", "path", "body"), [route for routes in ROUTES.values() for route in routes], ids=lambda part: str(part)
)
async def test_what_cannot_be_checked_is_closed(
    degraded: tuple[Community, str], method: str, path: str, body: Any
) -> None:
    community, event_id = degraded
    ana = community["ana"]
    names = {
        "room": quote(community.rooms["open"]),
        "event": quote(event_id),
        "ana": quote(community.id("ana")),
        "device": ana.device_id,
    }
    status, answer = await request(ana, method, path.format(**names), body)
    assert_refused(status, answer, "DEGRADED", rule="X1")


async def test_it_is_said_and_the_rest_works(degraded: tuple[Community, str]) -> None:
    community, _ = degraded
    status, body = await community.server.local("GET", "status")
    assert (status, body["ready"], len(body["degraded"])) == (200, True, len(GUARDS))
    assert all(" Synapse" in sentence and sentence.endswith(".") for sentence in body["degraded"])
    logs = "".join(file.read_text() for file in (community.server.data / "logs").glob("*.log*"))
    assert logs.count("DEGRADED") >= len(GUARDS)
    shown = await metrics(community)
    assert f"belisha_degraded_hooks {float(len(GUARDS))}" in shown.splitlines()
    status, body = await community.put("ana", "open", text("TLP:GREEN x"))
    assert status == 200, body
    status, body = await community.put("ana", "open", text("TLP:RED x"))
    assert_refused(status, body, "ABOVE_CEILING", rule="L3")


async def told(community: Community) -> list[str]:
    """What the bot has said in the stewards' room, the newest last."""
    _, body = await request(community["cora"], "GET", f"{V3}/directory/room/%23stewards%3A{community.server.name}")
    if "room_id" not in body:  # closed with the rest; a steward knows the room
        joined = (await request(community["cora"], "GET", f"{V3}/joined_rooms"))[1]["joined_rooms"]
        names = {room: (await request(community["cora"], "GET", f"{V3}/rooms/{quote(room)}/state/m.room.name/"))[1]
                 for room in joined}  # fmt: skip
        body["room_id"] = next(room for room, name in names.items() if name.get("name") == "Stewards")
    path = f"{V3}/rooms/{quote(body['room_id'])}/messages?dir=b&limit=100"
    events = (await request(community["cora"], "GET", path))[1]["chunk"]
    found = [event["content"]["body"] for event in events if event["content"].get("msgtype") == "m.notice"]
    return list(reversed(found))


async def told_once_more(community: Community, times: int) -> str:
    """Waits for the notice of that number, and that there is no other; the notice."""
    deadline = time.monotonic() + 120
    while len(found := await told(community)) < times:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    assert len(found) == times, found
    return found[-1]


async def test_the_stewards_are_told_what_is_closed(degraded: tuple[Community, str]) -> None:
    community, _ = degraded
    notice = await told_once_more(community, 1)
    _, body = await community.server.local("GET", "status")
    assert all(sentence in notice for sentence in body["degraded"])
    assert "make up" in notice


@pytest.mark.parametrize(("name", "strict"), [("pushers", True), ("to_device", True), ("enforcement", False)])
async def test_it_does_not_start(tmp_path: Path, name: str, strict: bool) -> None:
    server = Server(tmp_path / "data")
    lacking(server, name, strict=strict)
    with ended(server), pytest.raises(AssertionError, match=r"did not start[\s\S]*Synapse has no \w+\."):
        await server.start()


async def test_with_nothing_missing_nothing_is_degraded(community: Community) -> None:
    _, body = await community.server.local("GET", "status")
    assert body["degraded"] == []
    assert await told(community) == []


@pytest.mark.full
async def test_the_stewards_are_told_of_changes_only(tmp_path: Path) -> None:
    community = await make_community(tmp_path / "data")
    with ended(community.server):
        try:
            whole = (community.server.place.rendered / "homeserver.yaml").read_text()
            for number, (lacks, times, words) in enumerate(
                [
                    (("pushers",), 1, "closed"),
                    (("pushers",), 1, "closed"),
                    (("pushers", "aliases"), 2, "No room can get an address."),
                    ((), 3, "nothing is closed any more"),
                    ((), 3, "nothing is closed any more"),
                ]
            ):
                community.server.stop()
                (community.server.place.rendered / "homeserver.yaml").write_text(whole)
                if lacks:
                    lacking(community.server, *lacks, strict=False)
                await community.server.start()
                # A later start has told what it has to tell once it has caught up, which this outcome shows.
                assert words in await told_once_more(community, times), number
                await until(partial(is_noted, community, sorted(lacks)))  # written once it is told
                assert words in await told_once_more(community, times), number
        finally:
            await community.close()


async def is_noted(community: Community, parts: list[str]) -> bool:
    """Whether these are written down as told."""
    rows = community.server.query("SELECT value FROM belisha_told WHERE topic <> 'audit heads'")
    return [json.loads(row["value"]) for row in rows] == [parts]
