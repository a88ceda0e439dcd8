"""The small client: patient where a server says "later", never repeating what would be made twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from belisha.cli import client_api
from belisha.cli.client_api import Client, ClientApiError


@asynccontextmanager
async def _client(*answers: tuple[int, dict[str, object]]) -> AsyncIterator[tuple[Client, list[web.Request]]]:
    """A client of a server that gives these answers, one after the other."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        status, content = answers[len(asked)]
        asked.append(request)
        return web.json_response(content, status=status)

    application = web.Application()
    application.router.add_route("*", "/{any:.*}", answer)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        yield Client(session, str(server.make_url("/")), "@anna:x", "token"), asked


async def test_waits_when_told_to_and_sends_the_same_again() -> None:
    limited = (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1})
    async with _client(limited, limited, (200, {"event_id": "$e"})) as (client, asked):
        assert await client.send("!r:x", "m.room.message", "t/1", {"body": "hello"}) == "$e"
    assert len(asked) == 3
    assert {request.raw_path for request in asked} == {"/_matrix/client/v3/rooms/!r:x/send/m.room.message/t%2F1"}
    assert asked[0].headers["Authorization"] == "Bearer token"


async def test_gives_up_after_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_api, "_PATIENCE_S", 0.01)
    async with _client((429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 60_000})) as (client, _):
        with pytest.raises(ClientApiError, match="M_LIMIT_EXCEEDED"):
            await client.joined_rooms()


async def test_never_makes_a_room_twice() -> None:
    async with _client((503, {})) as (client, asked):
        with pytest.raises(ClientApiError):
            await client.create_room({})
    assert len(asked) == 1


async def test_a_refusal_carries_code_and_sentence() -> None:
    refusal = {"errcode": "ORG.BELISHA.ABOVE_CEILING", "error": "This is TLP:RED, and …"}
    async with _client((403, refusal)) as (client, _):
        with pytest.raises(ClientApiError) as caught:
            await client.send("!r:x", "m.room.message", "t", {})
    assert (caught.value.status, caught.value.errcode) == (403, "ORG.BELISHA.ABOVE_CEILING")
    assert "This is TLP:RED" in str(caught.value) and "token" not in str(caught.value).lower()


async def test_finds_what_this_device_sent_before() -> None:
    chunk = [
        {"event_id": "$1", "sender": "@ben:x", "unsigned": {"transaction_id": "t"}},
        {"event_id": "$2", "sender": "@anna:x", "unsigned": {}},
        {"event_id": "$3", "sender": "@anna:x", "unsigned": {"transaction_id": "t"}},
    ]
    async with _client((200, {"chunk": chunk}), (200, {"chunk": chunk[:2]})) as (client, _):
        assert await client.sent_before("!r:x", "t") == "$3"
        assert await client.sent_before("!r:x", "t") is None


async def test_absence_is_an_answer() -> None:
    gone = (404, {"errcode": "M_NOT_FOUND"})
    async with _client(gone, gone, (401, {"errcode": "M_UNKNOWN_TOKEN"})) as (client, _):
        assert await client.room_of_alias("#a:x") is None
        assert await client.state("!r:x", "m.room.name") is None
        assert not await client.is_signed_in()
