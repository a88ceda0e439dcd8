"""The bot of the crash test, run as `python -m tests.bots.tally --config bots.yaml`: it counts, edits and reacts."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from bots.kernel import logs
from bots.kernel.bot import Context, Needs
from bots.kernel.config import load
from bots.kernel.effects import Edit, Effect, React, Send, Sent
from bots.kernel.events import Event
from bots.kernel.process import Process

COUNTED = sa.Table(
    "tally",
    sa.MetaData(),
    sa.Column("room_id", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)


class Tally:
    """Answers each message once with the count of messages in its room, edits the answer and reacts to the message."""

    name = "steward"

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs() if event.type == "m.room.message" and event.text("msgtype") == "m.text" else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        here = COUNTED.c.room_id == event.room_id
        COUNTED.create(context.database, checkfirst=True)
        count = (context.database.scalar(sa.select(COUNTED.c.count).where(here)) or 0) + 1
        if count == 1:
            context.database.execute(COUNTED.insert(), {"room_id": event.room_id, "count": 1})
        else:
            context.database.execute(COUNTED.update().where(here).values(count=count))
        answer = {"msgtype": "m.notice", "body": str(count), "of": event.event_id, "count": count}
        return [Send(answer), Edit(Sent(0), {**answer, "body": f"{count}!"}), React(event.event_id, "✅")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    config = load(parser.parse_args().config)
    logs.set_up(config.log.file, config.log.level)
    asyncio.run(Process(config, [Tally()]).run())
