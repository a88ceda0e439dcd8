"""What serves the installed Element Web: our settings over the archive's, headers, caching, no other files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import aiohttp
import aiohttp.test_utils
import pytest
from yarl import URL

from belisha import secrets
from belisha.cli.element.install import install
from belisha.cli.element.server import Config, application
from belisha.render import Place, render, write
from tests.element.releases import FILES, archive, saved, sha256
from tests.written.element_page import REAL

#: A client of it, and the data folder.
Served = tuple[aiohttp.ClientSession, Path]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """The server over a community's rendered files, and the data folder; nothing is installed yet."""
    place = Place(tmp_path, 8008, 8010, 8011, serves_element=True)
    write(render(REAL[0], place, secrets.ensure(tmp_path)), place.rendered)
    app = application(Config.load(place.rendered / "element.yaml"))
    async with aiohttp.test_utils.TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as client:
        yield client, tmp_path


async def test_a_release_is_served_with_our_files_over_its_own(
    served: Served,
) -> None:
    client, data = served

    async def got(path: str, **options: object) -> tuple[int, str, str, bytes]:
        url = URL(f"{str(client._base_url)[:-1]}{path}", encoded=True)
        async with client.get(url, allow_redirects=False, **options) as answer:  # type: ignore[arg-type]
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            content_type = answer.headers.get("Content-Type", "")
            return answer.status, content_type, answer.headers.get("Cache-Control", ""), await answer.read()

    assert (await got("/config.json"))[0] == 404, "nothing is installed"
    content = archive()
    install(data, str(saved(data, content)), sha256(content))
    for path in ("/", "/index.html", "/?loginToken=x"):
        assert await got(path) == (200, "text/html; charset=utf-8", "no-cache", FILES["index.html"]), path
    assert await got("/bundles/1/a.js") == (
        200,
        "text/javascript; charset=utf-8",
        "public, max-age=31536000, immutable",
        FILES["bundles/1/a.js"],
    )
    assert (await got("/bundles/1/b.wasm"))[1] == "application/wasm", "browsers compile no other type as it arrives"
    assert (await got("/odd.xyz"))[1] == "application/octet-stream"
    assert (await got("/version"))[2:] == ("no-cache", FILES["version"])
    status, kind, caching, settings = await got("/config.json")
    assert (status, kind, caching) == (200, "application/json; charset=utf-8", "no-cache")
    assert settings == (data / "rendered" / "element" / "config.json").read_bytes()
    assert b"registration token" in (await got("/belisha/welcome.html"))[3]
    for path in ("/config.127.0.0.1.json", "/config.sample.json"):
        assert (await got(path))[0] == 404, "another file of settings would come before ours"
    assert (await got("/mobile_guide"))[0] == HTTPStatus.MOVED_PERMANENTLY
    assert b"On phones" in (await got("/mobile_guide/"))[3]
    rendered = data / "rendered"
    for path in (
        "/../installed.json",
        "/%2e%2e/installed.json",
        "/bundles/..%2f..%2f../secrets/pepper",
        "/..%5cinstalled.json",
        f"/{rendered}/homeserver.yaml",
        f"//{rendered}/homeserver.yaml",
        "/belisha/../../homeserver.yaml",
        "/index.html%00",
        "/bundles",
        "/none",
    ):
        assert (await got(path))[0] == 404, path
    async with client.post("/config.json", data=b"x") as answer:
        assert answer.status == 405 and answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    async with client.get("/index.html") as answer:
        tag = answer.headers["ETag"]
    assert (await got("/index.html", headers={"If-None-Match": tag}))[0] == 304

    newer = archive({"version": b"1.12.4", "bundles/1/a.js": None, "bundles/2/a.js": b"x"})
    install(data, str(saved(data, newer)), sha256(newer))
    assert (await got("/version"))[3] == b"1.12.4"
    assert [(await got(f"/bundles/{number}/a.js"))[0] for number in (1, 2)] == [404, 200]


async def test_the_policy_names_our_own_hosts_alone(
    served: Served,
) -> None:
    async with served[0].get("/none") as answer:
        parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";")]
    policy = {name: set(values) for name, *values in parts}
    words = {word for values in policy.values() for word in values}
    assert {word for word in words if "//" in word} == {
        "https://matrix.charity.uk",
        "https://portal.charity.uk",
        "https://charity.uk",
    }
    assert policy["script-src"] == {"'self'", "'wasm-unsafe-eval'"}, "no script of a page, none of a message"
    assert policy["connect-src"] == {"'self'", "blob:", "data:", "https://matrix.charity.uk", "https://charity.uk"}
    assert policy["frame-src"] == {"'self'", "blob:", "https://portal.charity.uk"}
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == {"'self'"}
    assert "*" not in words
