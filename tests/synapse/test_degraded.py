"""A Synapse that lacks a guarded part starts with the routes closed, or not at all; never open (X1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, assert_refused, make_community
from tests.support.server import Server, ended, request
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
        ("PUT", f"{V3}/profile/{{ana}}/avatar_url", {"avatar_url": "mxc://belisha.localhost/abc"}),
        ("PUT", f"{V3}/profile/{{ana}}/m.tz", {"m.tz": "Europe/London"}),
        ("DELETE", f"{V3}/profile/{{ana}}/m.tz", None),
    ],
    "aliases": [("PUT", f"{V3}/directory/room/%23buoys%3Abelisha.localhost", {"room_id": "{room}"})],
    "past": [
        ("GET", f"{V3}/rooms/{{room}}/event/{{event}}", None),
        ("GET", f"{V3}/rooms/{{room}}/context/{{event}}", None),
        ("GET", f"{V3}/events/{{event}}", None),
        ("GET", f"{V3}/notifications", None),
    ],
    "to_device": [("PUT", f"{V3}/sendToDevice/m.dummy/1", {"messages": {}})],
    "device_names": [("POST", f"{V3}/login", {}), ("PUT", f"{V3}/devices/{{device}}", {"display_name": "x"})],
    "pushers": [("POST", f"{V3}/pushers/set", {"kind": None, "app_id": "x", "pushkey": "x"})],
}


def lacking(server: Server, *names: str, strict: bool) -> None:
    """Changes the rendered configuration so that the next start lacks parts."""
    config = server.place.rendered / "homeserver.yaml"
    changed = config.read_text().replace("synapse_modules.module.BelishaModule", "tests.synapse.lacking.Lacking")
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


@pytest.mark.parametrize(("name", "strict"), [("pushers", True), ("to_device", True), ("enforcement", False)])
async def test_it_does_not_start(tmp_path: Path, name: str, strict: bool) -> None:
    server = Server(tmp_path / "data")
    lacking(server, name, strict=strict)
    with ended(server), pytest.raises(AssertionError, match=r"did not start[\s\S]*Synapse has no \w+\."):
        await server.start()


async def test_with_nothing_missing_nothing_is_degraded(community: Community) -> None:
    _, body = await community.server.local("GET", "status")
    assert body["degraded"] == []
