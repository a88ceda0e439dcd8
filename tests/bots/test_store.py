"""The database: migrations that match the tables, one writer, and a file that is nobody else's business."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import bots.directory.index_tables
import bots.roster  # noqa: F401  every bot has tables of its own
from bots.kernel.bot import Context
from bots.kernel.effects import Send
from bots.kernel.events import receive
from bots.kernel.inbox import Inbox
from bots.kernel.migrations import HEAD
from bots.kernel.migrations.upgrade import configuration
from bots.kernel.outbox import Outbox
from bots.kernel.store import Store, StoreError
from bots.kernel.tables import outbox, progress
from bots.portal.tables import metadata  # the portal's tables are in it too
from tests.bots.support import ROOM, STEWARD, message
from tests.support.databases import postgresql


def test_the_newest_revision_is_the_one_named() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == HEAD


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """The full-text index is each database's own, and FTS5 has tables of its own for it."""
    return kind != "table" or not str(name).startswith("blog_words")


async def _differences(store: Store) -> list[object]:
    def compare(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
        return list(compare_metadata(context, metadata))

    async with store.reading() as connection:
        return await connection.run_sync(compare)


async def _works(store: Store) -> None:
    """The inbox, from storing to handled, on whichever database."""
    assert await _differences(store) == []
    now = [100.0]
    box = Inbox(store, lambda: now[0])
    async with store.writing() as connection:
        await connection.execute(progress.update().values(rooms_due=False))
    events = [receive(message(f"${number}", "\0 \ud800 ü", room=room)) for number in range(5) for room in (ROOM,)]
    await box.add(events)
    await box.add(events[:3])
    await asyncio.gather(*(box.add([receive(message(f"$x{number}", room="!other:x"))]) for number in range(20)))
    now[0] = 105.0
    assert (await box.depth()).pending == 25
    assert (await box.depth()).oldest == 5.0
    assert await box.waiting_rooms() == {ROOM: 0.0, "!other:x": 0.0}
    first, second, *_ = await box.pending(ROOM, 10)
    assert (first.event_id, second.event_id) == ("$0", "$1")
    await box.give_up(first.received, "KeyError")
    await box.postpone(second.received, 110.0, "KeyError")
    assert (await box.waiting_rooms())[ROOM] == 110.0
    assert (await box.depth()).failed == 1
    assert [row.event_id for row in await box.pending(ROOM, 10)] == ["$1", "$2", "$3", "$4"]


async def test_the_inbox_on_sqlite(store: Store) -> None:
    await _works(store)


async def _survives_its_connections(store: Store) -> None:
    """A connection that the server has ended in the meantime, as at a restart, is replaced when it is needed."""
    mine = sa.text("SELECT pg_backend_pid()")
    before = await store.read(lambda connection: connection.execute(mine).scalar_one())
    engine = store.leases(1)
    async with engine.connect() as other:
        await other.execute(sa.text("SELECT pg_terminate_backend(:it, 60000)"), {"it": before})
    await engine.dispose()
    await asyncio.sleep(0.2)  # until it is heard of
    assert await store.read(lambda connection: connection.execute(mine).scalar_one()) != before
    assert await store.write(lambda connection: connection.execute(mine).scalar_one()) != before


@pytest.mark.full
async def test_the_inbox_on_postgresql() -> None:
    with postgresql() as address:
        stores = Store(address), Store(address)
        await asyncio.gather(*(store.open() for store in stores))  # two processes that start at once
        await _works(stores[0])
        await _survives_its_connections(stores[0])
        for store in stores:
            await store.close()
        again = Store(address)
        await again.open()
        await again.close()


async def test_the_file_is_private_and_written_ahead(store: Store, tmp_path: Path) -> None:
    assert (tmp_path / "bots.db").stat().st_mode & 0o777 == 0o600
    assert sqlite3.connect(tmp_path / "bots.db").execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_opening_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    await Inbox(store).add([receive(message("$1"))])
    again = Store(f"sqlite:///{tmp_path}/bots.db")
    await again.open()
    assert (await Inbox(again).depth()).pending == 1
    await again.close()


async def test_readers_do_not_wait_for_the_writer(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute(sa.text("DELETE FROM inbox"))
        async with asyncio.timeout(20):
            assert (await Inbox(store).depth()).pending == 0


async def test_a_newer_database_stops_the_start(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "bots.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    store = Store(f"sqlite:///{tmp_path}/bots.db")
    with pytest.raises(StoreError, match="newer version of Belisha"):
        await store.open()
    await store.close()


async def test_what_is_no_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "bots.db").write_text("this is no database, however long one looks at it" * 20)
    store = Store(f"sqlite:///{tmp_path}/bots.db")
    with pytest.raises(StoreError, match="cannot be used"):
        await store.open()
    await store.close()


async def _upgraded(address: str) -> None:
    """A database of the first release, with what it had said once and an event that waits."""
    store = Store(address)

    def first_release(connection: sa.Connection) -> None:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.text("INSERT INTO said (key, event_id) VALUES ('welcome !a:x', '$1')"))
        connection.execute(
            sa.text("INSERT INTO inbox (event_id, room_id, received_at, json) VALUES ('$2', '!a:x', 1, :json)"),
            {"json": receive(message("$2", room="!a:x")).json},
        )

    async with store.writing() as connection:
        await connection.run_sync(first_release)
    await store.open()
    assert await _differences(store) == []
    assert [row.event_id for row in await Inbox(store).pending("!a:x", 5)] == ["$2"]
    context = Context(me=STEWARD, occasion="$3")
    await store.write(
        lambda connection: Outbox(store).store(
            connection,
            "steward",
            context,
            [Send({}, once=f"welcome {room}", room=room) for room in ("!a:x", "!b:x")],
            None,
        )
    )
    async with store.reading() as connection:
        waiting = sa.select(outbox.c.once).where(outbox.c.state == "pending")
        assert list(await connection.scalars(waiting)) == ["steward welcome !b:x"], "the other was said before"
    await store.close()


async def test_a_database_of_the_first_release_is_taken_over(tmp_path: Path) -> None:
    await _upgraded(f"sqlite:///{tmp_path}/bots.db")


@pytest.mark.full
async def test_a_database_of_the_first_release_is_taken_over_on_postgresql() -> None:
    with postgresql() as address:
        await _upgraded(address)
