"""What Synapse delivers is stored before it is answered; over HTTP, on a real aiohttp server."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from bots.kernel.config import load
from bots.kernel.inbox import Inbox
from bots.kernel.metrics import Metrics
from bots.kernel.service import BotsService
from bots.kernel.store import Store
from bots.kernel.tables import inbox
from tests.bots.support import HS_TOKEN, message, push, write_config
from tests.support.server import free_ports


class Service:
    """A listening service over a store, and what the store holds."""

    def __init__(self, url: str, store: Store) -> None:
        self.url, self.store = url, store
        self.waiting_for = "the homeserver's answer"
        self.woken = 0

    async def push(self, transaction: str, body: object, token: str | None = HS_TOKEN) -> tuple[int, str]:
        return await push(self.url, transaction, body, token)

    async def stored(self) -> list[str]:
        async with self.store.reading() as connection:
            return list(await connection.scalars(sa.select(inbox.c.event_id).order_by(inbox.c.received)))


@pytest.fixture
async def service(tmp_path: Path, store: Store) -> AsyncIterator[Service]:
    port = free_ports(1)[0]
    config = load(write_config(tmp_path, "http://127.0.0.1:9", port))
    here = Service(f"http://127.0.0.1:{port}", store)

    def woken(_broken: bool) -> None:
        here.woken += 1

    listening = BotsService(
        config, store, Inbox(store), Metrics(tmp_path), stored=woken, waiting_for=lambda: here.waiting_for
    )
    await listening.start(config.listen.host, port)
    yield here
    await listening.stop()


async def test_events_are_stored_in_their_order_and_wake_the_dispatcher(service: Service) -> None:
    assert await service.push("1", {"events": [message("$b"), message("$a")]}) == (200, "{}")
    assert await service.stored() == ["$b", "$a"]
    assert service.woken == 1


async def test_an_event_delivered_again_is_stored_once(service: Service) -> None:
    await service.push("1", {"events": [message("$a"), message("$b"), message("$a")]})
    await service.push("1", {"events": [message("$a"), message("$b")]})
    await service.push("2", {"events": [message("$b"), message("$c")]})
    assert await service.stored() == ["$a", "$b", "$c"]


async def test_a_repeated_transaction_id_with_other_events_loses_none(service: Service) -> None:
    """On SQLite Synapse's ids begin again at 1 after a restart."""
    await service.push("1", {"events": [message("$before")]})
    assert (await service.push("1", {"events": [message("$after")]}))[0] == 200
    assert await service.stored() == ["$before", "$after"]


async def test_transactions_of_several_megabytes_are_taken(service: Service) -> None:
    large = [message(f"${number}", "ü" * 20_000) for number in range(100)]
    assert (await service.push("1", {"events": large}))[0] == 200
    assert len(await service.stored()) == 100


async def test_other_parts_of_a_transaction_do_no_harm(service: Service) -> None:
    body = {"events": [message("$a")], "ephemeral": [{"type": "m.typing"}], "de.sorunome.msc2409.to_device": []}
    assert (await service.push("1", body))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        {},
        "text",
        {"events": None},
        {"events": {}},
        {"events": ["text"]},
        {"events": [message("$good"), {}]},
        {"events": [message("no sigil")]},
        {"events": [message("$nul\0")]},
        {"events": [message("$" + "x" * 300)]},
        {"events": [message("$a") | {"event_id": 5}]},
        {"events": [message("$a") | {"room_id": ["!a"]}]},
    ],
)
async def test_a_malformed_body_is_refused_with_a_sentence_and_nothing_stored(service: Service, body: object) -> None:
    status, answer = await service.push("1", body)
    assert status == 400
    assert '"error": "' in answer
    assert answer.endswith('."}')
    assert await service.stored() == []


async def test_odd_content_is_stored_as_it_is(service: Service) -> None:
    events = [message("$a", "\0 \ud800 \U0001f600"), message("$b") | {"content": None}, message("$c") | {"type": 7}]
    assert (await service.push("1", {"events": events}))[0] == 200
    assert await service.stored() == ["$a", "$b", "$c"]


@pytest.mark.parametrize(
    ("token", "expected"), [(None, 401), ("", 403), ("wrong", 403), (HS_TOKEN + "x", 403), ("ü", 403)]
)
async def test_only_the_homeserver_may_deliver(service: Service, token: str | None, expected: int) -> None:
    status, answer = await service.push("1", {"events": [message("$a")]}, token)
    assert status == expected
    assert HS_TOKEN not in answer
    assert await service.stored() == []


async def test_a_delivery_that_names_no_chain_waits_for_a_synapse_that_does(service: Service) -> None:
    status, answer = await push(service.url, "1", {"events": [message("$a")]}, instance=None)
    assert status == 503
    assert "Restart Synapse." in answer
    assert await service.stored() == []


async def test_a_token_in_the_address_does_not_count(service: Service) -> None:
    status, _ = await service.push(f"1?access_token={HS_TOKEN}", {"events": [message("$a")]}, None)
    assert status == 401


async def test_a_locked_database_is_told_to_synapse_whose_retry_is_stored(service: Service, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "bots.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, answer = await service.push("1", {"events": [message("$a"), message("$b")]})
    assert status == 503
    assert "Send it again." in answer
    assert service.woken == 0
    other.execute("ROLLBACK")
    other.close()
    assert await service.stored() == []
    assert (await service.push("1", {"events": [message("$a"), message("$b")]}))[0] == 200
    assert await service.stored() == ["$a", "$b"]


async def test_many_transactions_at_once_lose_nothing(service: Service) -> None:
    pushes = (service.push(str(n), {"events": [message(f"${n}.{k}") for k in range(10)]}) for n in range(40))
    assert {status for status, _ in await asyncio.gather(*pushes)} == {200}
    assert len(await service.stored()) == 400


async def test_health_readiness_and_metrics(service: Service) -> None:
    async with aiohttp.ClientSession() as session:

        async def get(path: str) -> tuple[int, str]:
            async with session.get(service.url + path) as response:
                return response.status, await response.text()

        assert (await get("/healthz"))[0] == 200
        assert await get("/readyz") == (503, '{"ready": false, "waiting_for": "the homeserver\'s answer"}')
        service.waiting_for = ""
        assert await get("/readyz") == (200, '{"ready": true}')
        await service.push("1", {"events": [message("$a"), message("$b")]})
        await service.push("1", {}, "wrong")
        _, page = await get("/metrics")
    assert "belisha_bots_inbox_pending 2.0" in page
    assert "belisha_bots_events_received_total 2.0" in page
    assert 'belisha_bots_transactions_rejected_total{reason="token"} 1.0' in page
    assert "$a" not in page
    assert "belisha.localhost" not in page
