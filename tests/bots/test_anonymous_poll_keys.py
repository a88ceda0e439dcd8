"""Keys of anonymous polls: made once, lost, destroyed; and kill -9 around closing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bots.kernel.bot import Context
from bots.kernel.outbox import Outbox
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.polls import anonymous
from bots.polls.ballot_box import BallotBox, Closed, unsealed
from bots.polls.key_files import KeyFiles, LostKey
from bots.polls.tables import ballot, poll
from tests.bots.support import SERVER, BotsProcess, Homeserver, grounded, write_config
from tests.bots.test_anonymous_polls import (
    FORM,
    VOTERS,
    Anonymous,
    arrives,
    bodies,
    count_of,
    done,
    facts,
    key_files,
    opened,
    prepared,
    row,
    vote,
)
from tests.bots.test_polls import ANA, BEN, GROUP, NOON, POLL, QUICK, answering, quiet, told
from tests.bots.test_schedule import Clock
from tests.support.databases import postgresql
from tests.support.patience import until
from tests.support.server import free_ports


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "ballot-keys")


@pytest.mark.parametrize("when", ["voting", "closing", "turnout"])
async def test_a_lost_key_cancels_the_poll_and_says_so(
    store: Store, homeserver: Homeserver, keys: KeyFiles, tmp_path: Path, when: str
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock)
    await vote(store, keys, ANA, 1)
    (file,) = key_files(tmp_path)
    if when == "closing":
        file.write_bytes(b"cut off")
    else:
        file.unlink()
    with pytest.raises(LostKey):
        await vote(store, keys, BEN, 1)
    if when == "voting":
        await _told_by_page(store, homeserver, keys, clock, await row(store))
    elif when == "closing":
        done(homeserver, "poll_close")
        await arrives(store, homeserver, keys, clock, answering("!poll close", "$close"))
    else:
        clock.now += 5 * 3600
        async with grounded(store, homeserver, Anonymous(keys), now=clock, backoff=QUICK):
            await quiet(store, clock)
    assert "the key that its ballots were sealed with is lost" in bodies(homeserver)[-1]
    assert (await row(store))["state"] == "cancelled" and not await count_of(store, ballot)


async def _told_by_page(
    store: Store, homeserver: Homeserver, keys: KeyFiles, clock: Clock, kept: Mapping[str, Any]
) -> None:
    def work(connection: sa.Connection) -> None:
        context = Context(f"@belisha_steward:{SERVER}", now=clock.now, occasion="page", connection=connection)
        Outbox(store).store(connection, "steward", context, anonymous.lost(context, kept), None)

    await store.write(work)
    async with grounded(store, homeserver, Anonymous(keys), now=clock, backoff=QUICK):
        await quiet(store, clock)


async def test_a_page_that_was_asked_for_at_the_moment_of_closing_cancels_nothing(
    store: Store, homeserver: Homeserver, keys: KeyFiles
) -> None:
    clock = Clock(NOON)
    await opened(store, homeserver, keys, clock)
    await vote(store, keys, ANA, 2)
    before = await row(store)
    done(homeserver, "poll_close")
    await arrives(store, homeserver, keys, clock, answering("!poll close", "$close"))
    with pytest.raises(LostKey):
        await BallotBox(store, keys).has_voted(before, ANA)
    await _told_by_page(store, homeserver, keys, clock, before)
    assert (await row(store))["state"] == "counted" and await BallotBox(store, keys).published(POLL)
    assert not told(homeserver, "is lost")


def test_one_key_is_made_once_and_destroyed(keys: KeyFiles, tmp_path: Path) -> None:
    first, second = keys.make("$one"), keys.make("$one")
    assert first.link("@a:x") == second.link("@a:x") == keys.read("$one").link("@a:x")
    (file,) = key_files(tmp_path)
    held = file.open("rb")  # what is open still reads what was written over it
    keys.destroy("$one")
    keys.destroy("$one")
    assert held.read() == bytes(32) and not key_files(tmp_path)
    held.close()
    with pytest.raises(LostKey):
        keys.read("$one")


@pytest.mark.full
async def test_kill_9_around_closing_gives_one_hash_and_one_result_and_no_key(tmp_path: Path) -> None:
    """Killed again and again at any moment, from before the due time until all is said."""
    port, dice = free_ports(1)[0], random.Random(11)  # noqa: S311 - no secret
    keys = KeyFiles(tmp_path / "ballot-keys")
    (tmp_path / "portal_api").write_text("the portal's secret")
    (tmp_path / "portal_api").chmod(0o600)
    portal_port = free_ports(1)[0]
    portal = {
        "listen": {"host": "127.0.0.1", "port": portal_port},
        "public_url": f"http://127.0.0.1:{portal_port}",
        "secret_file": str(tmp_path / "portal_api"),
        "community": "Tides",
    }
    async with Homeserver() as homeserver:
        prepared(homeserver)
        changes = {"ballot_keys": str(tmp_path / "ballot-keys"), "portal": portal}
        process = BotsProcess(write_config(tmp_path, homeserver.url, port, **changes))
        await process.start()
        process.end()
        store, polls = Store(f"sqlite:///{tmp_path}/bots.db"), [f"$poll{number}" for number in range(8)]
        await store.open()
        for event_id in polls:
            found = facts()
            homeserver.polls[event_id] = found | {"poll": found["poll"] | {"event_id": event_id}}
            about = f'{{"event_id": "{event_id}", "room_id": "{GROUP}"}}'
            due = {"bot": "steward", "name": f"poll due {event_id}", "due": 1.0, "arguments": about}
            kept = {"event_id": event_id, "room_id": GROUP, "closes": None, "place": f"place{event_id[5:]}"}
            async with store.writing() as connection:
                await connection.execute(poll.insert().values(kept))
            for place, voter in enumerate(VOTERS):
                await BallotBox(store, keys).cast(event_id, voter, FORM, (1 + place % 3,))
            async with store.writing() as connection:
                await connection.execute(poll.update().where(poll.c.event_id == event_id).values(closes=1.0))
                await connection.execute(job.insert().values(due))
        assert len(key_files(tmp_path)) == len(polls)
        await store.close()
        try:
            for _ in range(6):
                await process.start()
                await asyncio.sleep(dice.uniform(0.0, 0.3))
                process.end()
            await process.start()
            await until(lambda: _all_said(homeserver, len(polls)))
            await asyncio.sleep(0.5)
        finally:
            process.end()
        said_there = bodies(homeserver)
        hashes = [one for one in said_there if "The list of ballots follows" in one]
        results = [one for one in said_there if "Find your own ballot" in one]
        assert len(hashes) == len(set(hashes)) == len(results) == len(polls)
        for place, one in enumerate(results):
            digest = one.partition("of its file is ")[2][:64]
            (announced,) = [number for number, other in enumerate(said_there) if other in hashes and digest in other]
            assert announced < said_there.index(results[place]), "its hash stands before its result"
        assert not key_files(tmp_path)


async def _all_said(homeserver: Homeserver, count: int) -> bool:
    return sum("Find your own ballot" in one for one in bodies(homeserver)) >= count


async def test_replicas_on_postgresql_make_one_key_and_lose_no_ballot(tmp_path: Path) -> None:
    folder = tmp_path / "ballot-keys"
    with postgresql() as address:
        stores = [Store(address), Store(address)]
        for store in stores:
            await store.open()
        boxes = [BallotBox(store, KeyFiles(folder)) for store in stores]
        try:
            begun = poll.insert().values(event_id=POLL, room_id=GROUP, place="place")
            await stores[0].write(lambda connection: connection.execute(begun))
            casts = [
                boxes[number % 2].cast(POLL, voter, f"{FORM}-{number}", (1 + number % 3,))
                for number, voter in enumerate(VOTERS * 2)
            ]
            receipts = await asyncio.gather(*casts)
            kept = await row(stores[0])
            found, damaged = await stores[1].read(
                lambda connection: unsealed(connection, KeyFiles(folder), kept, VOTERS)
            )
            assert len(found) == len(VOTERS) and not damaged and {one.receipt for one in found} <= set(receipts)
            assert len(key_files(tmp_path)) == 1
            change = poll.update().values(state="closing")
            late = boxes[1].cast(POLL, ANA, FORM, (1,))
            closing = stores[0].write(lambda connection: connection.execute(change))
            _closed, after = await asyncio.gather(closing, late, return_exceptions=True)
            assert isinstance(after, str | Closed)
            with pytest.raises(Closed):
                await boxes[1].cast(POLL, BEN, FORM, (1,))
        finally:
            for store in stores:
                await store.close()
