"""Bots that are killed around the closing of polls end each once, and tell each result once."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from bots.kernel.store import Store
from bots.kernel.tables import job
from bots.polls.tables import poll
from tests.bots.support import BotsProcess, Homeserver, write_config
from tests.bots.test_polls import ANA, GROUP, NOON, ends, facts, prepared, results
from tests.support.patience import until
from tests.support.server import free_ports


@pytest.mark.full
async def test_kill_9_around_closing_gives_one_end_and_one_result(tmp_path: Path) -> None:
    """Killed again and again at any moment, from before the due time until all is said."""
    port, dice = free_ports(1)[0], random.Random(7)  # noqa: S311 - no secret
    async with Homeserver() as homeserver:
        prepared(homeserver)
        process = BotsProcess(write_config(tmp_path, homeserver.url, port))
        await process.start()
        process.end()
        store, polls = Store(f"sqlite:///{tmp_path}/bots.db"), [f"$poll{number}" for number in range(12)]
        await store.open()
        async with store.writing() as connection:
            for event_id in polls:
                found = facts((ANA, "1", NOON), ends=(NOON,))
                homeserver.polls[event_id] = found | {"poll": found["poll"] | {"event_id": event_id}}
                for response in homeserver.polls[event_id]["responses"]:
                    response["content"]["m.relates_to"]["event_id"] = event_id
                await connection.execute(poll.insert().values(event_id=event_id, room_id=GROUP, closes=1.0))
                about = f'{{"event_id": "{event_id}", "room_id": "{GROUP}"}}'
                row = {"bot": "steward", "name": f"poll due {event_id}", "due": 1.0, "arguments": about}
                await connection.execute(job.insert().values(row))
        await store.close()
        try:
            for _ in range(6):
                await process.start()
                await asyncio.sleep(dice.uniform(0.0, 0.25))
                process.end()
            await process.start()
            await until(lambda: _all_said(homeserver, len(polls)))
            await asyncio.sleep(0.5)
        finally:
            process.end()
        ended = sorted(one["m.relates_to"]["event_id"] for one in ends(homeserver))
        counted = sorted(one["m.relates_to"]["m.in_reply_to"]["event_id"] for one in results(homeserver))
        assert ended == counted == sorted(polls)


async def _all_said(homeserver: Homeserver, count: int) -> bool:
    return len(results(homeserver)) >= count
