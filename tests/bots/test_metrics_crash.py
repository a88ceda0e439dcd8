"""Bots that are killed count each thing once, of events and of what the module tells, and tell of each report once."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from belisha.metrics.days import month_of, months_before
from bots.directory.tables import directory_member
from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.metrics import reports
from bots.metrics.tables import fact, member, shown
from tests.bots.support import SERVER, BotsProcess, Homeserver, message, write_config
from tests.support.patience import until
from tests.support.server import free_ports

COUNT = 60
BUOYS = f"!buoys:{SERVER}"


@pytest.mark.full
async def test_kill_9_while_facts_come_loses_and_doubles_none(tmp_path: Path) -> None:
    dice, now = random.Random(7), int(time.time() * 1000)  # noqa: S311 - no secret
    key = tmp_path / "key"
    key.write_text("k" * 40)
    key.chmod(0o600)
    people = [f"@m{number}:{SERVER}" for number in range(6)]
    async with Homeserver() as homeserver:
        homeserver.doings = [
            {"action": "read", "user_id": user, "at": now, "room_id": f"!{number}:{SERVER}", "label": "", "what": ""}
            for user in people
            for number in range(10)
        ]
        port = free_ports(1)[0]
        process = BotsProcess(write_config(tmp_path, homeserver.url, port, metrics_key_file=str(key)))
        await process.start()
        process.end()
        store = Store(f"sqlite:///{tmp_path}/bots.db")
        await store.open()
        names = {"name": "M", "organisation": "reef", "organisation_name": "Reef", "category": "charity"}
        rows = [{"user_id": user, "standing": "active", "service_room": f"!own{user}", **names} for user in people]
        await store.write(lambda one: one.execute(directory_member.insert(), rows))
        events = [
            message(f"$e{number}", "words", room=BUOYS, sender=people[number % 6]) | {"origin_server_ts": now}
            for number in range(COUNT)
        ]

        async def counted() -> dict[str, int]:
            query = sa.select(fact.c.action, sa.func.count()).group_by(fact.c.action)
            return await store.read(lambda one: {row[0]: row[1] for row in one.execute(query)})

        async def all_counted() -> bool:
            return await counted() == {"posted": COUNT, "read": 60}

        try:
            for start in range(0, COUNT, 15):
                due = sa.update(job).where(job.c.name == "metrics ask").values(due=1.0)
                await store.write(lambda one, due=due: one.execute(due))
                await process.start()
                sending = asyncio.create_task(process.push(f"t{start}", *events[start : start + 15]))
                await asyncio.sleep(dice.uniform(0.0, 0.3))
                process.end()
                await asyncio.gather(sending, return_exceptions=True)
            await process.start()
            for start in range(0, COUNT, 15):  # as Synapse does with what was not answered
                assert (await process.push(f"t{start}", *events[start : start + 15]))[0] == 200
            await until(all_counted)
            await asyncio.sleep(0.5)
            assert await all_counted()
            numbers = await store.read(lambda one: list(one.scalars(sa.select(member.c.number))))
            assert len(numbers) == len(set(numbers)) == 6
        finally:
            process.end()
            await store.close()


@pytest.mark.full
async def test_kill_9_while_a_report_is_made_tells_each_manager_once(tmp_path: Path) -> None:
    dice = random.Random(11)  # noqa: S311 - no secret
    key = tmp_path / "key"
    key.write_text("k" * 40)
    key.chmod(0o600)
    month = month_of(months_before(datetime.now(UTC).date(), 2))
    numbers = {"first": month.first.toordinal(), "last": month.last.toordinal(), "members": 20, "figures": "{}"}
    async with Homeserver() as homeserver:
        homeserver.managers = [f"!manager{number}:{SERVER}" for number in range(5)]
        process = BotsProcess(write_config(tmp_path, homeserver.url, free_ports(1)[0], metrics_key_file=str(key)))
        await process.start()
        process.end()
        store = Store(f"sqlite:///{tmp_path}/bots.db")
        await store.open()
        row = {**numbers, "measure": "active", "part": ""}
        await store.write(lambda one: one.execute(shown.insert().values(row)))

        async def hurry() -> None:
            names = ("metrics nightly", "metrics tell")
            due = sa.update(job).where(job.c.name.in_(names)).values(due=1.0)
            await store.write(lambda one: one.execute(due))

        async def told() -> list[str]:
            texts = [str(content.get("body")) for _, content in homeserver.sent.values()]
            return [one for one in texts if "The report of" in one]

        async def all_told() -> bool:
            await hurry()
            return len(await told()) >= len(homeserver.managers)

        try:
            for _ in range(4):
                await hurry()
                await process.start()
                await asyncio.sleep(dice.uniform(0.0, 0.6))
                process.end()
            await process.start()
            await until(all_told)
            await asyncio.sleep(0.5)
            assert len(await told()) == len(homeserver.managers)
            assert await store.read(reports.months) == [month.first]
        finally:
            process.end()
            await store.close()
