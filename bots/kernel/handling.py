"""Takes events to the bots: all rooms together as far as that goes, else each room in its own lane."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from bots.kernel.batches import Actor, Batches, Overtaken, Prepared, needs_network
from bots.kernel.bot import Context, Needs
from bots.kernel.events import Event, MalformedEvent, parse
from bots.kernel.inbox import PENDING, Inbox, Row
from bots.kernel.lanes import Backoff
from bots.kernel.leases import Leases
from bots.kernel.logs import where
from bots.kernel.matrix import Refused, Unreachable
from bots.kernel.metrics import Metrics
from bots.kernel.outbox import Outbox
from bots.kernel.store import Store, failed
from bots.kernel.sweep import Sweep
from bots.kernel.tables import inbox

log = logging.getLogger(__name__)

_BATCH = 100  # events of a room in one transaction


class Handling:
    """What is done with events, in the order of each room."""

    def __init__(
        self,
        store: Store,
        box: Inbox,
        outbox: Outbox,
        leases: Leases,
        actors: Sequence[Actor],
        *,
        is_ours: Callable[[str], bool],
        metrics: Metrics,
        handled: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the work.

        Args:
            store: The open store.
            box: Where events wait.
            outbox: Where effects go.
            leases: Who else works where.
            actors: The bots, in the order in which they are asked about each event.
            is_ours: Whether a user id belongs to a bot.
            metrics: Counters.
            handled: Called when effects may wait.
            backoff: Pauses after errors.
            now: The clock, in seconds since 1970.
        """
        self._store = store
        self._inbox = box
        self._is_ours = is_ours
        self._metrics = metrics
        self._handled = handled
        self._backoff = backoff or Backoff()
        self._now = now
        self._unreachable = 0
        self._at_work: set[str] = set()
        self._batches = Batches(outbox, actors, is_ours=is_ours, metrics=metrics, handled=handled, now=now)
        self._sweep = Sweep(store, box, leases, self._batches, at_work=self._at_work, now=now)

    async def due(self) -> dict[str, float]:
        """Handles what needs no lane, and tells each room that does, with the time before which it must wait."""
        return await self._sweep.due()

    async def work(self, room_id: str) -> None:
        """Handles what is due in a room."""
        self._at_work.add(room_id)
        try:
            await self._work(room_id, self._sweep.for_lanes.pop(room_id, 0))
        finally:
            self._at_work.discard(room_id)

    async def _work(self, room_id: str, careful: int) -> None:
        """Handles what is due; so many events one at a time, since one of them made its batch fail."""
        while rows := await self._inbox.pending(room_id, 1 if careful else _BATCH):
            if rows[0].not_before > self._now():
                return
            batch = await self._ready(rows)
            if batch is None:
                return
            if not batch:
                continue
            try:
                if careful or batch[0].row.attempts:
                    if not await self._commit_what_works(batch[0]):
                        return
                else:
                    await self._commit(batch)
            except Overtaken:
                return
            except Exception as error:
                if failed(error) or careful:
                    raise
                careful = len(batch)
                continue
            careful = max(0, careful - 1)

    async def _ready(self, rows: Sequence[Row]) -> Sequence[Prepared] | None:
        """The first events with what must be known for them; None where that has to wait."""
        try:
            batch = await self._prepare(rows)
        except MalformedEvent as error:
            log.error("what is no event is given up", extra={"event": rows[0].event_id, "reason": str(error)})
            await self._inbox.give_up(rows[0].received, str(error))
            self._metrics.failed.labels("inbox").inc()
            return ()
        except (Unreachable, Refused) as error:
            await self._later(rows[0], error)
            return None
        self._unreachable = 0
        return batch

    async def _later(self, row: Row, error: Unreachable | Refused) -> None:
        pause = getattr(error, "retry_after", None) or self._backoff.delay(self._unreachable)
        self._unreachable += 1
        self._metrics.retried.labels("inbox").inc()
        log.warning("Synapse cannot be asked, trying again", extra={"reason": str(error), "seconds": pause})
        await self._inbox.postpone(row.received, self._now() + pause, str(error))

    async def _prepare(self, rows: Sequence[Row]) -> list[Prepared]:
        """Learns what must be known, for as many events as need nothing of the network, or for the first alone."""
        batch: list[Prepared] = []
        for row in rows:
            if row.not_before > self._now():
                break
            try:
                event = parse(row.json)
            except MalformedEvent:
                if batch:
                    break
                raise
            asked = self._batches.asked(event, row)
            alone = any(needs_network(needs) for _, needs in asked)
            if alone and batch:
                break
            contexts = [(actor, await self._context(actor, event, needs)) for actor, needs in asked]
            batch.append(Prepared(row, event, tuple(contexts)))
            if alone:
                break
        return batch

    async def _context(self, actor: Actor, event: Event, needs: Needs) -> Context:
        context = self._batches.context(actor, event)
        return await with_needs(context, actor, event.room_id, needs, self._is_ours, event.sender, event.about)

    async def _commit(self, batch: Sequence[Prepared]) -> None:
        await self._store.write(lambda connection: self._handle_all(connection, batch))
        self._batches.committed(len(batch))

    def _handle_all(self, connection: sa.Connection, batch: Sequence[Prepared]) -> None:
        for one in batch:
            self._batches.handle(connection, one)
        self._batches.mark(connection, batch)

    async def _commit_what_works(self, one: Prepared) -> bool:
        """Lets each bot have the event by itself; whether the room's next one may follow."""
        error = await self._store.write(lambda connection: self._handle_each(connection, one))
        self._handled()
        if error is None:
            self._metrics.handled.inc()
            return True
        given_up = one.row.attempts + 1 >= self._backoff.attempts
        about = {"event": one.event.event_id, "room": one.event.room_id, "error": where(error)}
        if given_up:
            log.error("an event is given up", extra=about)
            self._metrics.failed.labels("inbox").inc()
        else:
            log.warning("an event could not be handled, trying again", extra=about)
            self._metrics.retried.labels("inbox").inc()
        return given_up

    def _handle_each(self, connection: sa.Connection, one: Prepared) -> Exception | None:
        done, raised = set(one.row.handled_by), None
        for actor, context in one.contexts:
            try:
                with connection.begin_nested():
                    self._batches.handle_by(connection, actor, context, one.event)
                done.add(actor.bot.name)
            except Exception as error:
                if failed(error):
                    raise
                raised = raised or error
        if raised is None:
            self._batches.mark(connection, [one])
            return None
        attempts = one.row.attempts + 1
        values = {
            "attempts": attempts,
            "last_error": where(raised),
            "handled_by": ",".join(sorted(done)),
            "not_before": self._now() + self._backoff.delay(one.row.attempts),
            "state": "failed" if attempts >= self._backoff.attempts else "pending",
        }
        counted = connection.execute(inbox.update().where(inbox.c.received == one.row.received, PENDING).values(values))
        if counted.rowcount != 1:
            raise Overtaken
        return raised


async def with_needs(
    context: Context,
    actor: Actor,
    room_id: str,
    needs: Needs,
    is_ours: Callable[[str], bool],
    sender: str | None = None,
    target: str | None = None,
) -> Context:
    """The context with what must be known of a room, of who asks there, and of the item that they ask about.

    Raises:
        Unreachable: Synapse cannot be asked, and it is better to wait.
    """
    if needs.policy:
        context = replace(context, policy=await actor.rooms.policy(room_id, needs))
    if needs.policy_of is not None:
        anew = replace(needs, fresh=True, patient=True)
        context = replace(context, policy=await actor.rooms.policy(needs.policy_of, anew))
    if needs.people:
        everybody = await actor.rooms.people(room_id)
        context = replace(context, people={user: name for user, name in everybody.items() if not is_ours(user)})
        sender = next(iter(context.people), sender)
    if needs.asker and sender is not None and not is_ours(sender):
        context = replace(context, asker=await actor.rooms.asker(room_id, sender, needs))
    if needs.item and sender is not None and target is not None:
        context = replace(context, item=await actor.rooms.item(room_id, target, sender, needs))
    if needs.maintainers is not None:
        found = await actor.rooms.maintainers(room_id, needs.maintainers, is_ours)
        context = replace(context, maintainers=found)
    if needs.groups and sender is not None:
        context = replace(context, groups=await actor.rooms.groups(room_id, sender))
    if needs.extent is not None and sender is not None:
        context = replace(context, extent=await actor.rooms.extent(room_id, sender, *needs.extent))
    if needs.unacknowledged is not None:
        context = replace(context, unacknowledged=await actor.rooms.unacknowledged(*needs.unacknowledged))
    if needs.poll is not None:
        context = replace(context, poll=await actor.rooms.poll(*needs.poll))
    if needs.audience:
        context = replace(context, audience=await actor.rooms.audience(room_id))
    return await _with_parts(context, actor, room_id, needs, sender)


async def _with_parts(context: Context, actor: Actor, room_id: str, needs: Needs, sender: str | None) -> Context:
    """The context with what the directory, the blog, digests and the metrics must know."""
    if needs.sight is not None and sender is not None:
        context = replace(context, sight=await actor.rooms.sight(room_id, sender, needs.sight))
    if needs.sight_for is not None:
        context = replace(context, sight=await actor.rooms.sight_for(*needs.sight_for))
    if needs.documents is not None and sender is not None:
        context = replace(context, documents=await actor.rooms.documents(room_id, sender, *needs.documents))
    if needs.digest is not None:
        context = replace(context, digest=await actor.rooms.digest(*needs.digest))
    if needs.own_digest and sender is not None:
        context = replace(context, digest=await actor.rooms.digest(room_id, sender, ()))
    if needs.registry is not None:
        context = replace(context, registry=await actor.rooms.registry(*needs.registry))
    if needs.doings is not None:
        context = replace(context, doings=await actor.rooms.doings(needs.doings))
    if needs.managers:
        context = replace(context, managers=await actor.rooms.managers())
    if needs.post is not None:
        context = replace(context, post=await actor.rooms.post(*needs.post))
    if needs.blog is not None:
        context = replace(context, blog=await actor.rooms.blog(*needs.blog))
    return context
