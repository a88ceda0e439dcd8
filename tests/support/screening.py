"""What tests do with uploads that are looked at: they offer some, and see what is left of what was refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from belisha import secrets
from belisha.render import render
from belisha.resources import shipped
from belisha.settings import Settings, parse
from tests.support.clamav import Scanner
from tests.support.community import Community, assert_refused
from tests.support.files import Got, ask
from tests.support.matching import MatcherServer
from tests.support.patience import until
from tests.support.server import request

Json = dict[str, Any]

#: What the list and the matcher know.
ON_THE_LIST: Final = b"A file that somebody has put on the list"
OF_THE_MATCHER: Final = b"A file that the matcher knows"
#: How long what is told or erased may take, in seconds.
LATE: Final = 120


def digest_of(data: bytes) -> str:
    """The hash of these bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def settings_of(scanner: Scanner, matcher: MatcherServer, known_list: Path, secret: Path) -> Settings:
    """belisha.yaml as an operator writes it."""
    text = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("  scan: none\n", "  scan: required\n"),
        ("  clamav: null\n", f"  clamav: {scanner.socket}\n"),
        ("  scan_seconds: 30\n", "  scan_seconds: 10\n"),
        ("    list: null\n", f"    list: {known_list}\n"),
        ("    matcher: null\n", f"    matcher: {matcher.url}\n"),
        ("    matcher_secret_file: null\n", f"    matcher_secret_file: {secret}\n"),
        ("    matcher_seconds: 5\n", "    matcher_seconds: 10\n"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return parse(text)


async def start_with(community: Community, settings: Settings) -> None:
    """Starts the server anew with what these settings make of the module's part about uploads."""
    server = community.server
    rendered = render(settings, server.place, secrets.ensure(server.data))["homeserver.yaml"]
    config = server.place.rendered / "homeserver.yaml"
    mark = "      screening: "
    (line,) = (line for line in rendered.splitlines() if line.startswith(mark))
    lines = (line if each.startswith(mark) else each for each in config.read_text().splitlines())
    server.stop()
    config.write_text("\n".join(lines))
    await server.start()


async def offer(community: Community, data: bytes, who: str = "ana", name: str = "tides.pdf") -> Got:
    """Uploads what may be refused."""
    path = f"/_matrix/media/v3/upload?filename={name}"
    return await ask(community, who, "POST", path, data, {"Content-Type": "application/pdf"})


async def announce(community: Community) -> str:
    """An id of ana's whose bytes come later."""
    got = await ask(community, "ana", "POST", "/_matrix/media/v1/create")
    return str(json.loads(got.data)["content_uri"].rpartition("/")[2])


async def put(community: Community, media_id: str, data: bytes, name: str = "tides.pdf") -> Got:
    """Brings the bytes."""
    path = f"/_matrix/media/v3/upload/{community.server.name}/{media_id}?filename={name}"
    return await ask(community, "ana", "PUT", path, data, {"Content-Type": "application/pdf"})


def refuses(got: Got, code: str, rule: str = "F1") -> Json:
    """The refusal of an upload, which has to be this one."""
    body: Json = json.loads(got.data)
    assert_refused(got.status, body, code, rule=rule)
    return body


def on_disk(community: Community, data: bytes) -> list[Path]:
    """Where in the data folder these bytes lie."""
    found = []
    for path in community.server.data.rglob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or a folder
            found += [path] if data in path.read_bytes() else []
    return found


async def stewards_read(community: Community) -> list[Json]:
    """What stands in the stewards' room, the newest first."""
    path = "/_matrix/client/v3/directory/room/%23stewards%3A" + community.server.name
    room = (await request(community["cora"], "GET", path))[1]["room_id"]
    _, body = await request(community["cora"], "GET", f"/_matrix/client/v3/rooms/{quote(room)}/messages?dir=b&limit=50")
    return [event["content"] for event in body["chunk"]]


async def alerted(community: Community, who: str, what: str, by: str) -> Json:
    """The card that tells the stewards of it."""

    async def is_told() -> Json | None:
        for content in await stewards_read(community):
            facts = content.get("org.belisha.alert", {})
            told = (facts.get("member"), facts.get("what"), facts.get("by"))
            if told == (community.id(who), what, by) and "m.relates_to" not in content:
                return content
        return None

    card: Json = await until(is_told, LATE)
    return card
