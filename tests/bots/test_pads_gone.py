"""Pads of groups that are gone from the server: their rows go too, and never by one wrong answer (rules E1 and X1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import sqlalchemy as sa

from bots.kernel.bot import Context, Job, Needs, Policy, Unknown
from bots.kernel.effects import Schedule
from bots.kernel.handling import Actor, with_needs
from bots.kernel.store import Store
from bots.pads import book
from bots.pads.pads import SWEEP, Pads
from bots.pads.tables import pad
from bots.steward import Steward

HERE, GONE = "!here:x", "!gone:x"
NO_SUCH = Unknown(no_such_room=True)


class World:
    """The steward with pads, and what the server says of rooms."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.bot = Steward(parts=[Pads("https://portal.x")])
        self.says: dict[str, Policy | Unknown] = {HERE: Policy("closed"), GONE: NO_SUCH}

    async def run(self, job: Schedule) -> list[Schedule]:
        """Does a job with what it needs to know; the jobs that follow."""
        kept = Job(job.name, job.at, job.arguments)
        needs = self.bot.job_needs(kept)
        known = Unknown() if needs is None or needs.policy_of is None else self.says[needs.policy_of]

        def run(connection: sa.Connection) -> list[Any]:
            context = Context("@s", policy=known, now=job.at, occasion=job.name, connection=connection)
            return list(self.bot.run(kept, context))

        return await self.store.write(run)

    async def pads(self) -> list[str]:
        query = sa.select(pad.c.event_id).order_by(pad.c.event_id)
        return await self.store.read(lambda connection: list(connection.scalars(query)))


async def test_pads_of_a_room_that_is_gone_go_and_others_stay(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/bots.db")
    await store.open()
    here = World(store)
    for event_id, room in (("$a", HERE), ("$b", GONE), ("$c", GONE)):
        await store.write(lambda one, event_id=event_id, room=room: book.make(one, event_id, room, 1.0))
    gone, stays = await here.run(Schedule(SWEEP, 100.0))
    assert (gone.arguments["room_id"], stays.arguments["room_id"]) == (GONE, HERE)
    assert await here.run(stays) == []
    (again,) = await here.run(gone)
    assert await here.pads() == ["$a", "$b", "$c"], "one answer takes nothing away"
    assert again.at == 3_700.0
    # Whatever is no plain "there is no such room" takes nothing away either.
    for said in (Unknown(), Policy("closed")):
        here.says[GONE] = said
        assert await here.run(again) == []
        assert await here.pads() == ["$a", "$b", "$c"]
    here.says[GONE] = NO_SUCH
    assert await here.run(replace(again, at=9_000.0)) == []
    assert await here.pads() == ["$a"]
    await store.close()


async def test_a_room_is_asked_about_anew_and_with_patience() -> None:
    asked: list[tuple[str, bool, bool]] = []

    async def policy(room_id: str, needs: Needs) -> Policy | Unknown:
        asked.append((room_id, needs.fresh, needs.patient))
        return NO_SUCH

    actor = cast("Actor", SimpleNamespace(rooms=SimpleNamespace(policy=policy)))
    found = await with_needs(Context("@s"), actor, "", Needs(policy_of=GONE), lambda _user: False)
    assert (found.policy, asked) == (NO_SUCH, [(GONE, True, True)])
