"""Upgrades cut short by kill -9 at every step: undone or finished at the next start, with one successor."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.support.community import Community, assert_refused, unique
from tests.support.ledger import query
from tests.support.sampling import sampled
from tests.support.server import Server, ended, request
from tests.support.settled import make_community
from tests.support.upgrade import done, joined, path_of, state_of, successors, upgrade
from tests.synapse.crashing import STEPS
from tests.synapse.samples import text

pytestmark = pytest.mark.full

#: Before the new room is there, amid those who go over, and once the old one is done with.
_SOME = {"begin": (0,), "set_membership": (2,), "finish": (0,)}

Json = dict[str, Any]
_NO_ROW: list[Json] = []


async def _group(here: Community) -> str:
    invited = [here.id(name) for name in ("ana", "dina")]
    body = {"preset": "private_chat", "name": "Watch", "room_alias_name": unique("crash"), "invite": invited}
    status, answer = await here.create("cora", body)
    assert status == 200, answer
    room = str(answer["room_id"])
    for name in ("ana", "dina"):
        assert (await request(here[name], "POST", f"/_matrix/client/v3/join/{quote(room)}", {}))[0] == 200
    assert (await request(here["cora"], "POST", path_of(room, "ban"), {"user_id": here.id("ben")}))[0] == 200
    return room


async def _say(here: Community, room: str) -> tuple[int, Json]:
    return await request(here["ana"], "PUT", path_of(room, f"send/m.room.message/{unique('c')}"), text("hello"))


@pytest.mark.parametrize("steps", sampled((_SOME, STEPS), (_SOME,)), ids=["some", "all"])
async def test_an_upgrade_cut_short_is_undone_or_finished(tmp_path: Path, steps: Mapping[str, tuple[int, ...]]) -> None:
    here = await make_community(tmp_path / "data", module="tests.synapse.crashing.Crashing")
    with ended(here.server):
        ends = set()
        for step, befores in steps.items():
            for before in befores:
                ends.add(await _cut_short(here, step, before))
        assert ends == {"undone", "finished"}
        await here.close()


async def _cut_short(here: Community, step: str, before: int) -> str:
    server, room = here.server, await _group(here)
    policy = (await state_of(here, room, "cora"))["org.belisha.room", ""]
    (server.data / "crash_at").write_text(f"{step} {before}")
    with contextlib.suppress(aiohttp.ClientError):
        await server.local("POST", f"rooms/{quote(room)}/upgrade")
        await _has_died(server)
    assert not (server.data / "crash_at").exists(), f"{step} {before} was never reached"
    server.stop()
    await server.start()

    state = await state_of(here, room, "cora")
    if "replaced" in state["org.belisha.room", ""]:
        end = "finished"
        await done(here, room)
        new = (await state_of(here, room, "cora"))["m.room.tombstone", ""]["replacement_room"]
        assert_refused(*await _say(here, room), "REPLACED", "R1")
    else:
        end = "undone"
        assert ("m.room.tombstone", "") not in state
        assert query(here, "SELECT 1 FROM belisha_upgrade WHERE old_room_id = ?", room) == _NO_ROW
        assert (await _say(here, room))[0] == 200, "the room is as it was"
        new = await upgrade(here, room)
    state = await state_of(here, new, "cora")
    assert state["org.belisha.room", ""] == policy
    assert state["m.room.canonical_alias", ""]["alias"]
    assert state["m.room.member", here.id("ben")]["membership"] == "ban"
    assert await joined(here, new, "cora") == {"cora", "ana", "dina", "belisha_steward"}
    for other in set(successors(here, room)) - {new}:
        inside = "SELECT user_id FROM local_current_membership WHERE room_id = ? AND membership <> 'leave'"
        assert query(here, inside, other) == [], "nobody is in a room that was begun and given up"
    assert query(here, "SELECT new_room_id FROM belisha_upgrade WHERE old_room_id = ?", room) == [{"new_room_id": new}]
    assert (await _say(here, new))[0] == 200
    return end


async def _has_died(server: Server) -> None:
    """Asks until nobody answers."""
    while True:
        await server.local("GET", "status")
