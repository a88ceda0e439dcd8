"""What tests do with files: uploads, downloads by every address, and what the database says of a file."""

from __future__ import annotations

import asyncio
import struct
import time
import zlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from tests.support.community import Community

Json = dict[str, Any]

#: Every address by which a client asks for a file's bytes, or for a small picture of it.
DOWNLOAD: Final = "/_matrix/client/v1/media/download/{server}/{media_id}"
THUMBNAIL: Final = "/_matrix/client/v1/media/thumbnail/{server}/{media_id}?width=32&height=32&method=crop"
ADDRESSES: Final = (
    DOWNLOAD,
    DOWNLOAD + "/report.pdf",
    DOWNLOAD + "?timeout_ms=0",
    DOWNLOAD + "?allow_redirect=true",
    DOWNLOAD + "?admin_unsafely_bypass_quarantine=true",
    THUMBNAIL,
    THUMBNAIL.replace("crop", "scale") + "&animated=true&timeout_ms=0",
)
#: The addresses of before Matrix 1.11, which ask for no token: they are closed to everybody.
FORMER: Final = tuple(
    f"/_matrix/media/{version}/{address}"
    for version in ("r0", "v1", "v3")
    for address in (
        "download/{server}/{media_id}",
        "download/{server}/{media_id}/report.pdf?allow_remote=false",
        "thumbnail/{server}/{media_id}?width=32&height=32",
    )
)


_READ_S: Final = 120.0


def png(colour: int = 0) -> bytes:
    """A real picture of 64 × 64 points."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\x00" + bytes((colour % 256, 90, 120)) * 64) * 64
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@dataclass
class Got:
    """An answer to a request for a file."""

    status: int
    data: bytes
    headers: dict[str, str]


async def ask(
    community: Community, who: str | None, method: str, path: str, data: bytes = b"", headers: Json | None = None
) -> Got:
    """One request of a member, or of nobody; `{server}` is filled in."""
    token = {} if who is None else {"Authorization": f"Bearer {community[who].access_token}"}
    url = community.server.url + path.replace("{server}", community.server.name)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(method, url, data=data or None, headers=token | (headers or {})) as answer,
    ):
        return Got(answer.status, await answer.read(), {name.lower(): value for name, value in answer.headers.items()})


async def upload(
    community: Community,
    who: str,
    data: bytes,
    name: str | None = "report.txt",
    kind: str = "text/plain",
    *,
    read: bool = True,
) -> str:
    """Uploads a file; its id. On a slow machine an upload may be answered before it was read: waits, if `read`."""
    query = "" if name is None else f"?filename={quote(name)}"
    got = await ask(community, who, "POST", f"/_matrix/media/v3/upload{query}", data, {"Content-Type": kind})
    assert got.status == 200, got
    media_id = got.data.decode().rpartition("/")[2].rstrip('"}')
    deadline = time.monotonic() + _READ_S
    while read and not scan_of(community, media_id)["done"]:
        assert time.monotonic() < deadline, "it was not read"
        await asyncio.sleep(0.05)
    return media_id


async def fetch(community: Community, who: str | None, media_id: str, address: str = DOWNLOAD, **headers: str) -> Got:
    """Asks for a file."""
    return await ask(community, who, "GET", address.replace("{media_id}", media_id), headers=headers)


def mxc(community: Community, media_id: str) -> str:
    """The address of a file, as events name it."""
    return f"mxc://{community.server.name}/{media_id}"


def message(community: Community, media_id: str, body: str = "report.txt", **more: Any) -> Json:
    """A message with a file."""
    return {"msgtype": "m.file", "body": body, "url": mxc(community, media_id), **more}


def state_of(community: Community, media_id: str) -> str | None:
    """What a file is, as the database has it."""
    found = community.server.query("SELECT state FROM belisha_file WHERE media_id = ?", media_id)
    return None if not found else str(found[0]["state"])


def scan_of(community: Community, media_id: str) -> Json:
    """What was found inside a file, as the database has it."""
    found = community.server.query(
        "SELECT scanned IS NOT NULL AS done, inside, not_checked, forbidden FROM belisha_file WHERE media_id = ?",
        media_id,
    )
    return dict(found[0]) if found else {}
