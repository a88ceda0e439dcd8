"""Bots that are killed while digests are made tell each member theirs once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bots.digest.tables import digest_member, digest_mention, digest_message
from bots.directory.tables import directory_member
from bots.kernel.store import Store
from bots.kernel.tables import job
from tests.bots.killed import LEFT, until_killed
from tests.bots.killed_mailing import IN_CHAT
from tests.bots.support import SERVER, BotsProcess, Homeserver, write_config
from tests.bots.test_digest import BEN, BUOYS, group, told
from tests.support.patience import until
from tests.support.server import free_ports

COUNT = 20


async def _prepared(store: Store, homeserver: Homeserver) -> None:
    """Members whose digests are due, each of them named in a message."""
    async with store.writing() as connection:
        row = {"event_id": "$1", "room_id": BUOYS, "sender": BEN, "at": int(time.time() * 1000) - 99_000}
        await connection.execute(digest_message.insert().values({**row, "arrived": row["at"]}))
        for number in range(COUNT):
            user, own = f"@m{number}:{SERVER}", f"!m{number}:{SERVER}"
            homeserver.digests[user] = {"groups": [group()], "waiting": [], "items": {"$1": told()}}
            names = {"name": "M", "organisation": "reef", "organisation_name": "Reef", "category": "charity"}
            listed = {"user_id": user, "standing": "active", "service_room": own, **names}
            await connection.execute(directory_member.insert().values(listed))
            await connection.execute(digest_mention.insert().values(user_id=user, event_id="$1"))
            await connection.execute(digest_member.insert().values(user_id=user, since=1.0, due=2.0))
        await connection.execute(sa.update(job).where(job.c.name == "digest plan").values(due=1.0))


@pytest.mark.full
@pytest.mark.nightly
async def test_kill_9_while_digests_are_made_gives_each_member_one(tmp_path: Path) -> None:
    async with Homeserver() as homeserver:
        config = write_config(tmp_path, homeserver.url, free_ports(1)[0])
        process = BotsProcess(config, "tests.bots.killed_mailing")
        (tmp_path / LEFT).write_text("")
        await process.start()
        process.end()
        store = Store(f"sqlite:///{tmp_path}/bots.db")
        await store.open()
        await _prepared(store, homeserver)
        (tmp_path / LEFT).write_text("\n".join(IN_CHAT))
        try:
            for _ in IN_CHAT:
                await until_killed(config, "tests.bots.killed_mailing")
            await process.start()
            await until(lambda: _all_noted(store))
        finally:
            process.end()
        await store.close()
        rooms = [room for room, content in homeserver.sent.values() if "What is new for you" in content["body"]]
        assert sorted(rooms) == sorted(f"!m{number}:{SERVER}" for number in range(COUNT))


async def _all_noted(store: Store) -> bool:
    told = sa.select(sa.func.count()).where(digest_member.c.since > 1.0)
    return await store.read(lambda one: one.scalar(told) == COUNT)
