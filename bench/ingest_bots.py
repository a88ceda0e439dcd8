"""The bots' process of `bench ingest`: one bot that counts, and answers now and then."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from bots.kernel import logs
from bots.kernel.bot import Context, Needs
from bots.kernel.config import load
from bots.kernel.effects import Effect, Send
from bots.kernel.events import Event
from bots.kernel.process import Process

COUNTED = sa.Table("bench_count", sa.MetaData(), sa.Column("room_id", sa.Text), sa.Column("event_id", sa.Text))
_ONE_IN = 100


class Counting:
    """Writes down each event, and answers one in a hundred."""

    name = "steward"

    def __init__(self) -> None:
        self._count = 0

    def needs(self, event: Event, me: str) -> Needs | None:
        """Every message concerns it."""
        return Needs() if event.type == "m.room.message" else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        """One row for each event, and an answer for some."""
        if not self._count:
            COUNTED.create(context.database, checkfirst=True)
        self._count += 1
        context.database.execute(COUNTED.insert(), {"room_id": event.room_id, "event_id": event.event_id})
        return [Send({"msgtype": "m.notice", "body": "counted"})] if not self._count % _ONE_IN else []


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    config = load(parser.parse_args().config)
    logs.set_up(config.log.file, config.log.level)
    asyncio.run(Process(config, [Counting()]).run())
