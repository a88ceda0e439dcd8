"""The first run can be killed anywhere: the next one ends it, and the password that was written down is the one."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from belisha.cli import first_run
from belisha.cli.errors import CommandError
from belisha.cli.progress import Plain
from belisha.cli.supervisor import Running
from belisha.render import Place
from belisha.resources import shipped
from belisha.secrets import ensure
from belisha.settings import load


class Registry:
    """The module's local API, as far as the first run asks it; `broken` is the request that is never answered well."""

    def __init__(self) -> None:
        self.organisations: dict[str, Any] = {}
        self.members: dict[str, Any] = {}
        self.broken = ""

    async def answer(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info.get("name")
        if request.method == "GET":
            members = [{"user_id": f"@{one}:x", **member} for one, member in self.members.items()]
            return web.json_response({"members": members})
        if kind == self.broken:
            return web.json_response({"errcode": "X", "error": "Not now."}, status=500)
        store = getattr(self, kind)
        created = name not in store
        if created:
            store[name] = await request.json()
        return web.json_response({"id": name, "user_id": f"@{name}:x", "created": created, "changed": False})


@pytest.mark.parametrize("broken", ["organisations", "members"])
async def test_a_first_run_that_was_cut_short_is_ended_by_the_next(tmp_path: Path, broken: str) -> None:
    registry = Registry()
    app = web.Application()
    for tail in ("/{kind}", "/{kind}/{name}"):
        app.router.add_route("*", "/_synapse/org.belisha/local/v1" + tail, registry.answer)
    ensure(tmp_path)
    async with TestServer(app, host="127.0.0.1") as server:
        place = Place(tmp_path, server.port or 0, 1, 2)
        community = Running(tmp_path, place, load(shipped("config", "belisha.example.yaml")), (), [])
        registry.broken = broken
        with pytest.raises(CommandError, match=r"Not now\."):
            await first_run.ensure(community, Plain())
        path = tmp_path / "first-manager.json"
        before = json.loads(path.read_text())["password"] if path.exists() else None
        registry.broken = ""
        await first_run.ensure(community, Plain())
        written = json.loads(path.read_text())
        assert path.stat().st_mode & 0o777 == 0o600
        assert written["password"] == registry.members["manager"]["password"]
        assert before in (None, written["password"])
        assert written["homeserver"] == place.homeserver
        assert registry.members["manager"]["roles"] == ["manager"]
        assert registry.organisations["host"]["category"] == "charity"
        path.unlink()  # as a careful operator does
        await first_run.ensure(community, Plain())
        assert not path.exists()
