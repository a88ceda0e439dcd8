"""The rendered configuration in a real nginx: what it lets through, what it never does, and what it writes down."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator

import pytest

from tests.deploy.proxied import NAMES, Proxied, proxied

MATRIX, PORTAL, CHAT, COMMUNITY = NAMES


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxied]:
    async with proxied(tmp_path_factory.mktemp("nginx")) as running:
        yield running


async def test_clients_reach_what_they_need(site: Proxied) -> None:
    for path in ("/_matrix/client/versions", "/_matrix/media/v3/config", "/_synapse/client/org.belisha/v1/me"):
        site.asked.clear()
        assert await site.status(path) == 200
        assert [one for one, _ in site.asked] == [path]
    for host in (PORTAL, CHAT):
        assert await site.status("/", host) == 200
    well_known = await site.raw("/.well-known/matrix/client", COMMUNITY)
    head, _, body = well_known.partition("\r\n\r\n")
    assert json.loads(body)["m.homeserver"] == {"base_url": f"https://{MATRIX}"}
    assert "Access-Control-Allow-Origin: *" in head and "Content-Type: application/json" in head


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health",
        "/metrics",
        "/_synapse/admin/v1/server_version",
        "/_synapse/admin",
        "/_synapse/replication/",
        "/_synapse/org.belisha/local/v1/members",
        "/_matrix/federation/v1/version",
        "/_matrix/federation/v1/openid/userinfo?access_token=x",
        "/_matrix/key/v2/server",
        "/.well-known/matrix/server",
        "/_matrix/client/../../_synapse/admin/v1/users",
        "/_matrix/client/%2e%2e/%2e%2e/_synapse/admin/v1/users",
        "/_matrix/client/..%2f..%2f_synapse/admin/v1/users",
        "/_synapse/client/../admin/v1/users",
        "/_synapse/admin/../client/org.belisha",
        "/%5fsynapse/admin/v1/users",
        "/%5fsynapse/client/../admin/v1/users",
        "/_synapse%2fadmin/v1/users",
        "//_synapse/admin/v1/users",
        "/_synapse//admin/v1/users",
        f"https://{MATRIX}/_synapse/admin/v1/users",
    ],
)
async def test_nothing_else_of_synapse_is_reached_however_it_is_written(site: Proxied, path: str) -> None:
    site.asked.clear()
    assert await site.status(path) == 404
    assert site.asked == []


async def test_a_name_that_is_not_ours_gets_nothing(site: Proxied) -> None:
    context = site.tls()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.0.1", site.web.https_port, ssl=context, server_hostname="other.test")


async def test_a_request_for_another_site_of_the_same_connection_stays_within_the_sites(site: Proxied) -> None:
    site.asked.clear()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", site.web.https_port, ssl=site.tls(), server_hostname=MATRIX
    )
    writer.write(b"GET /_matrix/client/versions HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    assert not answer.startswith("HTTP/1.1 200") and site.asked == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # that is what is tried
async def test_old_tls_is_refused_and_new_is_taken(site: Proxied) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = site.tls(minimum_version=version, maximum_version=version)
        _, writer = await asyncio.open_connection("127.0.0.1", site.web.https_port, ssl=context, server_hostname=MATRIX)
        writer.close()
    old = site.tls(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", site.web.https_port, ssl=old, server_hostname=MATRIX)


async def test_without_tls_one_is_led_to_it(site: Proxied) -> None:
    async def plain(host: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.web.http_port)
        writer.write(f"GET /_matrix/client/versions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        return answer

    site.asked.clear()
    answer = await plain(MATRIX)
    assert answer.startswith("HTTP/1.1 301") and f"Location: https://{MATRIX}/_matrix/client/versions" in answer
    assert await plain("other.test") == ""
    assert site.asked == []


@pytest.mark.parametrize(
    ("host", "path"),
    [(MATRIX, "/_matrix/client/versions"), (MATRIX, "/nothing"), (PORTAL, "/"), (CHAT, "/"), (COMMUNITY, "/nothing")],
)
async def test_every_answer_has_its_headers_once(site: Proxied, host: str, path: str) -> None:
    head = (await site.raw(path, host)).partition("\r\n\r\n")[0].lower()
    assert head.count("strict-transport-security: max-age=63072000") == 1
    assert head.count("x-content-type-options") <= 1
    if host == MATRIX:
        for header in ("x-content-type-options: nosniff", "x-frame-options: deny", "referrer-policy: no-referrer"):
            assert header in head
    assert "nginx/" not in head


@pytest.mark.parametrize(("host", "path"), [(MATRIX, "/nothing"), (MATRIX, "/_matrix/client/versions"), (PORTAL, "/")])
async def test_no_answer_is_compressed_since_its_length_would_tell_of_secrets(
    site: Proxied, host: str, path: str
) -> None:
    answer = await site.raw(path, host, headers="Accept-Encoding: gzip\r\n")
    assert "content-encoding" not in answer.partition("\r\n\r\n")[0].lower()


async def test_nobody_claims_another_address(site: Proxied) -> None:
    for host, path in ((MATRIX, "/_matrix/client/versions"), (PORTAL, "/")):
        site.asked.clear()
        await site.status(path, host, headers="X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: http\r\n")
        ((_, headers),) = site.asked
        assert headers["X-Forwarded-For"] == "127.0.0.1" and headers["X-Forwarded-Proto"] == "https"
        assert headers["Host"] == host


async def test_only_a_page_of_a_pad_keeps_a_connection_over_which_both_write(site: Proxied) -> None:
    for path, kept in (("/pads/%21a:x/%24b/live", True), ("/pads/%21a:x/%24b", False), ("/live", False), ("/", False)):
        site.asked.clear()
        await site.raw(path, PORTAL, headers="Upgrade: websocket\r\n")
        ((_, headers),) = site.asked
        found = (headers.get("Upgrade"), headers.get("Connection"))
        assert found == (("websocket", "upgrade") if kept else (None, None)), path


async def test_what_is_too_large_is_said_in_the_clients_language(site: Proxied) -> None:
    await site.raw("/_matrix/media/v3/upload?filename=x", method="POST", body=b"x" * 3_000_000)
    answer = await site.raw("/_matrix/client/v3/rooms/!r/send/m.room.message/1", method="PUT", body=b"x" * 3_000_000)
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 413") and json.loads(body)["errcode"] == "M_TOO_LARGE"
    site.asked.clear()
    length = f"Content-Length: {52 * 1024**2}\r\n"
    answer = await site.raw("/_matrix/media/v3/upload", method="POST", headers=length)
    assert answer.startswith("HTTP/1.1 413") and "a file may have 50M" in answer and site.asked == []


async def test_guessing_is_slowed_down_and_said_so(site: Proxied) -> None:
    asked = 320
    answers = await asyncio.gather(
        *(site.raw("/_matrix/client/v3/login", method="POST", body=b"{}") for _ in range(asked))
    )
    refused = [answer for answer in answers if answer.startswith("HTTP/1.1 429")]
    assert refused and len(refused) < asked
    head, _, body = refused[0].partition("\r\n\r\n")
    assert "Access-Control-Allow-Origin: *" in head
    assert json.loads(body)["errcode"] == "M_LIMIT_EXCEEDED"
    assert await site.status("/_matrix/client/versions") == 200, "only signing in is slowed down"


async def test_the_log_has_neither_tokens_nor_names(site: Proxied) -> None:
    await site.status("/_matrix/client/v3/sync?access_token=SECRET1", headers="Authorization: Bearer SECRET2\r\n")
    await site.status(
        "/_matrix/media/v3/download/harbour.test/SECRET3/SECRET4.pdf", headers="Referer: https://x/SECRET5\r\n"
    )
    await site.status("/_matrix/client/v3/directory/room/%23SECRET6:harbour.test", headers="User-Agent: SECRET7\r\n")
    await site.status("/ballots/SECRET8?code=SECRET9", PORTAL)
    await site.status("/nothing/SECRET0?x=SECRET0")
    await site.leave()  # the last test: nginx has nobody to pass on to any more, and complains
    for path in ("/_matrix/client/v3/sync?access_token=SECRET1", "/_matrix/client/v3/login?token=SECRET2"):
        assert await site.status(path) in (429, 502)
    log = site.logs()
    assert "SECRET" not in log and "SECRET" not in (site.folder / "start.log").read_text()
    assert f"{MATRIX} GET /_matrix/client/v3/sync 200" in log and f"{MATRIX} GET /_matrix/client/v3/sync 502" in log
    assert PORTAL not in log, "when somebody opened which page would tell of secret ballots"
