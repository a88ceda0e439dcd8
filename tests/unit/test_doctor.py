"""`belisha doctor` from outside: everything that can be wrong with an address is told with what to do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp.test_utils
import pytest
from aiohttp import web

from belisha.cli import doctor
from belisha.cli.doctor_outside import Outside, look
from belisha.resources import shipped

_CORS = {"Access-Control-Allow-Origin": "*"}


class Server:
    """A homeserver's outside as it should be; a test spoils `answers`, by path."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
            "/_matrix/client/versions": (200, {"versions": ["v1.11"]}, _CORS),
            "/_matrix/client/v3/login": (200, {"flows": [{"type": "m.login.password"}]}, _CORS),
            "/_matrix/client/v3/publicRooms": (401, {}, _CORS),
            "/": (200, {}, {}),
        }
        self.module: bytes | None = shipped("element-config", "module", "built", "tlp.js").read_bytes()

    def element(self, **changes: Any) -> None:
        told = {
            "default_server_config": {"m.homeserver": {"base_url": self.url}},
            "modules": [f"{self.url}/belisha/tlp.js"],
        }
        self.answers["/config.json"] = (200, told | changes, {})

    def well_known(self, **changes: Any) -> None:
        told = {
            "m.homeserver": {"base_url": f"{self.url}/"},
            "io.element.e2ee": {"default": False},
            "io.element.voip": {"disable_fallback_ice": True},
        }
        self.answers["/.well-known/matrix/client"] = (200, told | changes, _CORS)

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/belisha/tlp.js" and self.module is not None:
            return web.Response(body=self.module)
        status, body, headers = self.answers.get(request.path, (404, {}, {}))
        return web.json_response(body, status=status, headers=headers)

    async def problems(self, *, by_organisation: bool = False) -> list[str]:
        where = Outside(self.url, portal=self.url, element=self.url, by_organisation=by_organisation)
        found = await look(where)
        return [problem for problems in found.values() for problem in problems]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    here = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", here.answer)
    async with aiohttp.test_utils.TestServer(app, host="127.0.0.1") as running:
        here.url = str(running.make_url("")).rstrip("/")
        here.well_known()
        here.element()
        yield here


async def test_all_is_well(server: Server) -> None:
    assert await server.problems() == []


SPOILT: dict[str, tuple[str, tuple[int, dict[str, Any], dict[str, str]], str]] = {
    "no homeserver": ("/_matrix/client/versions", (502, {}, {}), "answers 502. Look at the web server in front"),
    "no CORS": (
        "/_matrix/client/versions",
        (200, {"versions": []}, {}),
        "lacks the header Access-Control-Allow-Origin",
    ),
    "another clock": (
        "/_matrix/client/versions",
        (200, {"versions": []}, _CORS | {"Date": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        "over 30 s apart. Set both by NTP",
    ),
    "no passwords": ("/_matrix/client/v3/login", (200, {"flows": []}, _CORS), "Nobody can sign in by password"),
    "single sign-on": (
        "/_matrix/client/v3/login",
        (200, {"flows": [{"type": "m.login.password"}, {"type": "m.login.sso"}]}, _CORS),
        "offers single sign-on",
    ),
    "open administration": ("/_synapse/admin/v1/server_version", (200, {}, {}), "server_version answers everybody"),
    "open federation": ("/_matrix/federation/v1/version", (200, {}, {}), "federation/v1/version answers everybody"),
    "open keys": ("/_matrix/key/v2/server", (200, {}, {}), "key/v2/server answers everybody"),
    "open metrics": ("/_synapse/metrics", (200, {}, {}), "metrics answers everybody"),
    "rooms for all": ("/_matrix/client/v3/publicRooms", (200, {}, {}), "The list of rooms is told without an account"),
    "no portal": ("/", (502, {}, {}), "The portal answers 502 at"),
    "no Element": ("/config.json", (404, {}, {}), "Element answers 404 at"),
    "no well-known": ("/.well-known/matrix/client", (404, {}, {}), "Serve rendered/well-known/client there"),
}


@pytest.mark.parametrize(("path", "answer", "said"), SPOILT.values(), ids=SPOILT)
async def test_what_is_wrong_is_told_with_what_to_do(
    server: Server, path: str, answer: tuple[int, dict[str, Any], dict[str, str]], said: str
) -> None:
    server.answers[path] = answer
    (told,) = await server.problems()
    assert said in told


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("m.homeserver", "names another homeserver"),
        ("io.element.e2ee", "does not tell Element not to encrypt"),
        ("io.element.voip", "lets Element ask matrix.org for calls"),
    ],
)
async def test_well_known_is_read_as_element_reads_it(server: Server, key: str, said: str) -> None:
    for wrong in (None, {"base_url": "https://matrix.org", "default": True}, "x"):
        server.well_known(**{key: wrong})
        (told,) = await server.problems()
        assert said in told


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"default_server_config": {"m.homeserver": {"base_url": "https://matrix.org"}}}, "names another homeserver"),
        ({"default_server_config": None}, "names another homeserver"),
        ({"modules": ["https://elsewhere.example/belisha/tlp.js"]}, "does not name the module that shows labels"),
        ({"modules": None}, "does not name the module that shows labels"),
    ],
)
async def test_an_element_with_other_settings_is_told(server: Server, changes: dict[str, Any], said: str) -> None:
    server.element(**changes)
    (told,) = await server.problems()
    assert said in told and "copy rendered/element over it again" in told


@pytest.mark.parametrize(("module", "said"), [(None, "answers 404"), (b"export {};", "not the one of this release")])
async def test_an_element_without_this_releases_module_is_told(server: Server, module: bytes | None, said: str) -> None:
    server.module = module
    (told,) = await server.problems()
    assert said in told


async def test_where_organisations_sign_in_there_are_no_passwords(server: Server) -> None:
    login = "/_matrix/client/v3/login"
    both = await server.problems(by_organisation=True)
    assert len(both) == 2 and "Nobody can sign in by an organisation" in both[0] and "takes passwords" in both[1]
    server.answers[login] = (200, {"flows": [{"type": "m.login.sso"}, {"type": "m.login.token"}]}, _CORS)
    assert await server.problems(by_organisation=True) == []


async def test_nobody_answers() -> None:
    found = await look(Outside("http://127.0.0.1:1"))
    assert "answers not at all" in str(found)


async def test_each_process_of_the_bots_is_asked_on_a_server_that_has_several(tmp_path: Path) -> None:
    def run(further: object) -> None:
        told = {"ports": {"bots": ports[0]}} | ({} if further is None else {"replicas": further})
        (tmp_path / "run.json").write_text(json.dumps(told))

    async def ready(_: web.Request) -> web.Response:
        return web.Response()

    async def waits(_: web.Request) -> web.Response:
        return web.Response(status=503)

    apps = [web.Application(), web.Application()]
    for app, answer in zip(apps, (ready, waits), strict=True):
        app.router.add_get("/readyz", answer)
    async with (
        aiohttp.test_utils.TestServer(apps[0], host="127.0.0.1") as one,
        aiohttp.test_utils.TestServer(apps[1], host="127.0.0.1") as other,
    ):
        ports = [int(one.port or 0), int(other.port or 0)]
        run([])
        assert await doctor.bots(tmp_path) == {"each process of the bots is ready": []}
        run([ports[1]])
        ((problem,),) = (await doctor.bots(tmp_path)).values()
        assert problem.startswith("belisha-bots@2 is not ready") and "journalctl -u belisha-bots@2" in problem
        run(None)
        assert await doctor.bots(tmp_path) == {}, "`belisha up` looks after its own"
