"""Jobs: what is due at a time and not done yet. What fell due while the bots were down is done once on their return."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bots.kernel.batches import Actor, Overtaken
from bots.kernel.bot import Context, Job, WithCuriousJobs, WithJobs
from bots.kernel.effects import Effect
from bots.kernel.handling import with_needs
from bots.kernel.lanes import Backoff
from bots.kernel.logs import where
from bots.kernel.matrix import Unreachable
from bots.kernel.metrics import Metrics
from bots.kernel.outbox import Outbox
from bots.kernel.quiet import LATER, sent_now
from bots.kernel.rules import Rule, next_due
from bots.kernel.store import Store, failed
from bots.kernel.tables import job

log = logging.getLogger(__name__)

_PENDING = job.c.state == "pending"
_LANE = "job "
_UNREACHABLE = 3  # as after so many attempts: nobody waits for a job to the second


class Jobs:
    """What is done in the lane of a job."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        actors: Sequence[Actor],
        metrics: Metrics,
        zone: ZoneInfo,
        *,
        done: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the work.

        Args:
            store: The open store.
            outbox: Where effects go.
            actors: The bots; those with jobs are asked.
            metrics: Counters.
            zone: The community's time zone, in which rules hold.
            done: Called when effects may wait.
            backoff: Pauses after errors.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._outbox = outbox
        self._actors = {actor.bot.name: actor for actor in actors}
        self._metrics = metrics
        self._zone = zone
        self._done = done
        self._backoff = backoff or Backoff()
        self._now = now
        self._add = store.insert(job)

    async def set_up(self) -> None:
        """Sees that each rule has its next job, and that none has one that is no rule any more."""
        async with self._store.writing() as connection:
            rows = await connection.execute(sa.select(job.c.bot, job.c.name).where(_PENDING, job.c.rule.is_not(None)))
            known = {(row.bot, row.name) for row in rows}
            wanted = {(bot, name) for bot in self._actors for name in self._rules(bot)}
            for bot, name in sorted(known - wanted):
                ruled = (job.c.bot == bot) & (job.c.name == name) & job.c.rule.is_not(None)
                await connection.execute(job.delete().where(ruled, _PENDING))
            for bot, name in sorted(wanted - known):
                due = next_due(self._rules(bot)[name], self._now(), self._zone)
                await connection.execute(self._add, _ruled(bot, name, due))

    def _rules(self, bot: str) -> Mapping[str, Rule]:
        found = self._actors[bot].bot if bot in self._actors else None
        return found.rules if isinstance(found, WithJobs) else {}

    async def waiting_lanes(self) -> dict[str, float]:
        """The lane of each job that is not done, with its time."""
        query = sa.select(job.c.number, job.c.due, job.c.not_before).where(_PENDING)
        async with self._store.reading() as connection:
            rows = await connection.execute(query)
        return {f"{_LANE}{row.number}": max(row.due, row.not_before) for row in rows}

    async def work(self, lane: str) -> None:
        """Does the job of a lane."""
        query = sa.select(job).where(job.c.number == int(lane.removeprefix(_LANE)), _PENDING)
        async with self._store.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None or max(row.due, row.not_before) > self._now():
            return
        try:
            context = await self._context(row)
            await self._store.write(lambda connection: self._run(connection, row, context))
        except Overtaken:
            return
        except Unreachable as error:
            pause = error.retry_after or self._backoff.delay(_UNREACHABLE)
            log.warning("a job waits", extra={"job": row.name, "reason": str(error), "seconds": pause})
            values = {"not_before": self._now() + pause, "last_error": str(error)}
            change = job.update().where(job.c.number == row.number, _PENDING).values(values)
            await self._store.write(lambda connection: connection.execute(change))
            return
        except Exception as error:
            if failed(error):
                raise
            await self._after_error(row, error)
        self._done()

    async def _context(self, row: sa.Row[tuple[object, ...]]) -> Context:
        """What is known when a job is done.

        Raises:
            Unreachable: Synapse cannot be asked.
        """
        actor = self._actors.get(row.bot)
        if actor is None:
            raise LookupError(row.bot)
        context = Context(me=actor.client.user_id, now=self._now(), occasion=f"job {row.name} {row.due}")
        asked = actor.bot.job_needs(_job(row)) if isinstance(actor.bot, WithCuriousJobs) else None
        return context if asked is None else await with_needs(context, actor, "", asked, lambda _user: False)

    def _run(self, connection: sa.Connection, row: sa.Row[tuple[object, ...]], known: Context) -> None:
        if not connection.execute(job.delete().where(job.c.number == row.number, _PENDING)).rowcount:
            raise Overtaken
        self._plan_next(connection, row)
        bot, kept, context = self._actors[row.bot].bot, _job(row), replace(known, connection=connection)
        with self._metrics.handling.time():
            if kept.name.startswith(LATER):
                effects: Sequence[Effect] = (sent_now(kept.arguments),)
            elif isinstance(bot, WithJobs):
                effects = bot.run(kept, context)
            else:
                raise LookupError(row.bot)
        self._outbox.store(connection, row.bot, context, effects, None)
        self._metrics.jobs.inc()

    def _plan_next(self, connection: sa.Connection, row: sa.Row[tuple[object, ...]]) -> None:
        rule = self._rules(row.bot).get(row.name)
        if row.rule is not None and rule is not None:
            connection.execute(self._add, _ruled(row.bot, row.name, next_due(rule, self._now(), self._zone)))

    async def _after_error(self, row: sa.Row[tuple[object, ...]], error: Exception) -> None:
        attempts = row.attempts + 1
        gives_up = attempts >= self._backoff.attempts
        about = {"bot": row.bot, "job": row.name, "error": where(error), "attempt": attempts}
        values = {
            "attempts": attempts,
            "last_error": where(error),
            "not_before": self._now() + self._backoff.delay(row.attempts),
            "state": "failed" if gives_up else "pending",
        }
        async with self._store.writing() as connection:
            await connection.execute(job.update().where(job.c.number == row.number, _PENDING).values(values))
            if gives_up:  # what comes again does come again
                await connection.run_sync(self._plan_next, row)
        if gives_up:
            log.error("a job is given up", extra=about)
            self._metrics.failed.labels("job").inc()
        else:
            log.warning("a job could not be done, trying again", extra=about)
            self._metrics.retried.labels("job").inc()


def _job(row: sa.Row[tuple[object, ...]]) -> Job:
    return Job(row.name, row.due, json.loads(row.arguments))


def _ruled(bot: str, name: str, due: float) -> dict[str, object]:
    return {"bot": bot, "name": name, "due": due, "rule": name, "arguments": "{}"}
