"""Replicas on PostgreSQL share the rooms, and a dead one holds none; on SQLite there is one process."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest

from bots.kernel.errors import StoreError
from bots.kernel.leases import Leases
from bots.kernel.store import Store
from tests.bots.support import BotsProcess, Homeserver, message, write_config
from tests.support.databases import postgresql
from tests.support.server import free_ports


async def test_sqlite_has_one_process(store: Store, tmp_path: Path) -> None:
    store.hold()
    other = Store(f"sqlite:///{tmp_path}/bots.db")
    with pytest.raises(StoreError, match="Another process of the bots works on"):
        other.hold()
    await store.close()
    other.hold()
    await other.close()


@pytest.mark.full
async def test_a_lane_is_held_by_one_replica_and_shared_within_it() -> None:
    with postgresql() as address:
        stores = [Store(address), Store(address)]
        await stores[0].open()
        one, other = (Leases(store, 4) for store in stores)
        try:
            async with one.hold("!a:x") as first, one.hold("!a:x") as shared, other.hold("!a:x") as second:
                assert (first, shared, second) == (True, True, False)
                async with other.hold("!b:x") as elsewhere:
                    assert elsewhere
            async with other.hold("!a:x") as later:
                assert later
        finally:
            for ended in (one, other, *stores):
                await ended.close()


@pytest.mark.full
async def test_two_replicas_answer_each_event_once_even_if_one_is_killed(tmp_path: Path) -> None:
    with postgresql() as address:
        async with Homeserver() as homeserver:
            homeserver.instance = "first"
            replicas = []
            for number, port in enumerate(free_ports(2)):
                (tmp_path / str(number)).mkdir()
                config = write_config(tmp_path / str(number), homeserver.url, port, database=address)
                replicas.append(BotsProcess(config))
            try:
                await asyncio.gather(*(replica.start() for replica in replicas))
                for batch in range(10):
                    events = [message(f"${batch}.{n}", room=f"!{n % 5}:x") for n in range(10)]
                    # Both are told, as after a time-out of Synapse.
                    await asyncio.gather(*(replica.push(str(batch), *events) for replica in replicas))
                    if batch == 5:
                        replicas[0].end(signal.SIGKILL)
                        replicas = replicas[1:]
                await homeserver.until_sent(100, 60)
            finally:
                for replica in replicas:
                    replica.end()
            replied = Counter(
                content["m.relates_to"]["m.in_reply_to"]["event_id"] for _, content in homeserver.sent.values()
            )
            assert len(replied) == 100
            assert set(replied.values()) == {1}
            for lane in range(5):
                order = [
                    content["m.relates_to"]["m.in_reply_to"]["event_id"]
                    for room, content in homeserver.sent.values()
                    if room == f"!{lane}:x"
                ]
                assert order == [f"${batch}.{n}" for batch in range(10) for n in range(lane, 10, 5)]
