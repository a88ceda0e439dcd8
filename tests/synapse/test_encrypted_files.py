"""Encrypted attachments: the server cannot read which room they belong to, and gives them to that room alone (F1)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.community import Community, unique
from tests.support.files import fetch, message, upload
from tests.support.npm import install
from tests.support.server import PASSWORD, ended, request
from tests.support.settled import make_community
from tests.synapse.basic_run import JS, program
from tests.synapse.test_other_settings import CIPHER, ENCRYPTION, changed

pytestmark = pytest.mark.more

Json = dict[str, Any]
SEALED = {"name": None, "kind": "application/octet-stream"}


@pytest_asyncio.fixture(scope="module")
async def community(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Community]:
    """A community whose rooms of named people may be encrypted; `other` is a second one, of ana and emil."""
    folder: Path = tmp_path_factory.mktemp("encrypted")
    settings = changed(folder, ("encrypted_named_rooms: false", "encrypted_named_rooms: true"))
    here = await make_community(folder / "data", settings)
    with ended(here.server):
        for kind, other in (("named", "finn"), ("other", "emil")):
            body = {"preset": "trusted_private_chat", "invite": [here.id(other)], "initial_state": [ENCRYPTION]}
            status, answer = await here.create("ana", body)
            assert status == 200, answer
            here.rooms[kind] = answer["room_id"]
            await here[other].join(answer["room_id"])
        try:
            yield here
        finally:
            await here.close()


async def say(community: Community, kind: str, **content: Any) -> str:
    return await community.sent({**CIPHER, **content}, kind, event_type="m.room.encrypted")


async def may_open(community: Community, media_id: str) -> set[str]:
    names = ("ana", "finn", "emil", "ben", "mona")
    return {name for name in names if (await fetch(community, name, media_id)).status == 200}


async def redact(community: Community, kind: str, event_id: str) -> None:
    path = f"/_matrix/client/v3/rooms/{quote(community.rooms[kind])}/redact/{quote(event_id)}/{unique('r')}"
    assert (await request(community["ana"], "PUT", path, {}))[0] == 200


async def test_with_a_clients_own_cryptography(community: Community) -> None:
    await install(JS)
    given = {
        "homeserver": community.server.url,
        "sender": "ana",
        "reader": "finn",
        "readerId": community.id("finn"),
        "password": PASSWORD,
        "text": "The pump is off",
    }
    said = json.loads(await program("node", str(JS / "encrypted.js"), given=json.dumps(given)))
    assert (said["opened"], said["small"]) == ("The pump is off", "small The pump is off")
    community.rooms["sealed"] = said["room"]
    for name in ("mxc", "thumbnail"):
        media_id = said[name].rpartition("/")[2]
        assert await may_open(community, media_id) == {"ana", "finn"}
    await redact(community, "sealed", said["event"])
    for name in ("mxc", "thumbnail"):
        assert await may_open(community, said[name].rpartition("/")[2]) == set()


async def test_it_belongs_to_the_event_that_follows(community: Community) -> None:
    media_id = await upload(community, "ana", b"ciphertext", **SEALED)
    assert await may_open(community, media_id) == {"ana"}
    await say(community, "other", session_id="emil's")
    assert await may_open(community, media_id) == {"ana", "emil"}


async def test_it_belongs_to_both_where_it_cannot_be_told(community: Community) -> None:
    """Somebody writes in one room while a file for another goes up."""
    media_id = await upload(community, "ana", b"ciphertext", **SEALED)
    await say(community, "other")
    event = await say(community, "named")
    assert await may_open(community, media_id) == {"ana", "emil", "finn"}
    community.server.change("UPDATE belisha_file SET arrived = arrived - 60 WHERE media_id = ?", media_id)
    await say(community, "named", session_id="later")
    await redact(community, "named", event)
    assert await may_open(community, media_id) == {"ana", "emil"}


async def test_a_later_event_brings_no_file_along(community: Community) -> None:
    media_id = await upload(community, "ana", b"ciphertext", **SEALED)
    await say(community, "other")
    community.server.change("UPDATE belisha_file SET arrived = arrived - 60 WHERE media_id = ?", media_id)
    await say(community, "named")
    assert await may_open(community, media_id) == {"ana", "emil"}


async def test_what_is_not_encrypted_is_not_brought_along(community: Community) -> None:
    """Neither what has a name or a type, nor another's, nor what was shared in clear."""
    named = await upload(community, "ana", b"x", name="plan.bin", kind="application/octet-stream")
    typed = await upload(community, "ana", b"x", name=None)
    foreign = await upload(community, "ben", b"x", **SEALED)
    clear = await upload(community, "ana", b"x", **SEALED)
    await community.sent(message(community, clear), "closed")
    await say(community, "named")
    assert await may_open(community, named) == await may_open(community, typed) == {"ana"}
    assert await may_open(community, foreign) == {"ben"}
    assert "finn" not in await may_open(community, clear)


async def test_nobody_is_told_more_than_its_ciphertext(community: Community) -> None:
    """The label stands in clear, as strict as the room carries, so that no cache keeps the file."""
    media_id = await upload(community, "ana", b"ciphertext", **SEALED)
    await say(community, "named")
    got = await fetch(community, "finn", media_id)
    assert (got.status, got.headers["cache-control"]) == (200, "private, no-store")
    assert (await fetch(community, "finn", media_id, **{"If-None-Match": "1"})).status == 304
    assert (await fetch(community, "emil", media_id, **{"If-None-Match": "1"})).status == 404
