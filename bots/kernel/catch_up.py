"""Reads what Synapse's push has lost: in each room, all that arrived after the last event of an unbroken chain.

Synapse delivers in order, so what is lost lies behind the last event it delivered. A room that is marked is read from
there; what was missed and what still waits are put into the room's order, in one transaction with taking the mark away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from bots.kernel.events import MalformedEvent, Received, receive
from bots.kernel.inbox import PENDING, Inbox
from bots.kernel.leases import Leases
from bots.kernel.logs import where
from bots.kernel.matrix import BotClient, Refused, Unreachable
from bots.kernel.metrics import Metrics
from bots.kernel.store import Store
from bots.kernel.tables import inbox, progress, room

log = logging.getLogger(__name__)

_AT_ONCE = 4  # rooms that are read side by side
_IN_ONE_QUESTION = 500


class Marked(NamedTuple):
    """A room to be read, and the number of the last event up to which it is complete."""

    room_id: str
    catch_up_since: int
    generation: int


class CatchUp:
    """Sees that a break is noticed, and reads the rooms after one."""

    def __init__(
        self,
        store: Store,
        box: Inbox,
        clients: Sequence[BotClient],
        leases: Leases,
        metrics: Metrics,
        *,
        ready: Callable[[], None],
        ping: Callable[[], object],
        every: float = 5.0,
    ) -> None:
        """Prepares the loop.

        Args:
            store: The open store.
            box: The inbox on it.
            clients: The bots' ways to Synapse.
            leases: Who else works.
            metrics: Counters.
            ready: Called after each room that was read, since its events can now be handled.
            ping: Called when Synapse answers again, so that it sends what waits.
            every: Seconds between two looks at whether Synapse was restarted.
        """
        self._store = store
        self._box = box
        self._clients = clients
        self._leases = leases
        self._metrics = metrics
        self._ready = ready
        self._ping = ping
        self._every = every
        self._wake = asyncio.Event()
        self._rooms_of: dict[str, list[BotClient]] = {}
        self._rooms_asked = -1  # the generation for which that is so
        self._gone = False

    def wake(self) -> None:
        """Tells that rooms were marked."""
        self._wake.set()

    async def run(self) -> None:
        """Works until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._look()
            except (Unreachable, Refused) as error:
                self._gone = True
                log.info("rooms wait to be read", extra={"reason": str(error)})
            except Exception as error:
                log.error("rooms cannot be read yet", extra={"error": where(error)})
            try:
                async with asyncio.timeout(self._every):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        async with self._store.reading() as connection:
            known = await connection.scalar(sa.select(progress.c.instance))
        found = await self._clients[0].instance()
        if self._gone or found != known:
            self._gone = False
            self._ping()
        if found is not None and found != known:
            await self._store.write(lambda connection: self._box.mark_if_new(connection, found))
        async with self._leases.hold("catch-up") as ours:
            if ours:
                await self._read_rooms()

    async def _read_rooms(self) -> None:
        async with self._store.reading() as connection:
            now = (await connection.execute(sa.select(progress.c.generation, progress.c.rooms_due))).one()
        if now.rooms_due or self._rooms_asked != now.generation:
            await self._ask_for_rooms(now.generation)
        marked = await self._marked()
        if not marked:
            return
        log.info("reading rooms", extra={"rooms": len(marked)})
        turn = asyncio.Semaphore(_AT_ONCE)
        missed = await asyncio.gather(*(self._read_in_turn(turn, one) for one in marked))
        log.info("rooms were read", extra={"rooms": len(marked), "missed": sum(missed)})

    async def _marked(self) -> list[Marked]:
        query = sa.select(room.c.room_id, room.c.catch_up_since, room.c.generation)
        async with self._store.reading() as connection:
            rows = await connection.execute(query.where(room.c.catch_up_since.is_not(None)))
        return [Marked(*row) for row in rows]

    async def _ask_for_rooms(self, generation: int) -> None:
        """Learns which rooms the bots are in: one may have got a bot and lost every event since."""
        found: dict[str, list[BotClient]] = {}
        for client in self._clients:
            for room_id in await client.joined_rooms():
                found.setdefault(room_id, []).append(client)
        if await self._store.write(lambda connection: self._note_rooms(connection, set(found), generation)):
            self._rooms_of, self._rooms_asked = found, generation
            self._ready()

    def _note_rooms(self, connection: sa.Connection, found: set[str], generation: int) -> bool:
        """Marks the rooms that are new; False where a break came between."""
        if self._box.alone(connection).generation != generation:
            return False
        known = set(connection.scalars(sa.select(room.c.room_id)))
        if new := [{"room_id": one, "catch_up_since": 0, "generation": generation} for one in found - known]:
            connection.execute(room.insert(), new)
        # Where no bot is any more nothing can be read; what came from there is handled as it is.
        for left in _chunks(sorted(known - found)):
            connection.execute(room.update().where(room.c.room_id.in_(left)).values(catch_up_since=None))
        connection.execute(progress.update().values(rooms_due=False))
        return True

    async def _read_in_turn(self, turn: asyncio.Semaphore, marked: Marked) -> int:
        async with turn:
            try:
                missed = await self._read(marked)
            except (Unreachable, Refused, MalformedEvent) as error:
                log.warning("a room cannot be read yet", extra={"room": marked.room_id, "reason": str(error)})
                return 0
        self._ready()
        return missed

    async def _read(self, marked: Marked) -> int:
        """Reads one room; how many events had been lost."""
        anchor = await self._last_before(marked)
        lists = []
        for client in self._rooms_of.get(marked.room_id, ()):
            token = await client.position(anchor) if anchor else None
            lists.append(await self._backwards(client, marked, token))
        merged: list[Received] = []
        for one in lists:
            merged = _merged(merged, one)
        missed = await self._store.write(lambda connection: self._finish(connection, marked, merged))
        if missed is None:
            return 0  # marked anew since: it is read once more
        self._metrics.caught_up.inc()
        self._metrics.missed.inc(missed)
        return missed

    def _finish(self, connection: sa.Connection, marked: Marked, read: Sequence[Received]) -> int | None:
        """Takes the mark away and stores what was missed; None where the room was marked anew."""
        self._box.alone(connection)
        here = (room.c.room_id == marked.room_id) & (room.c.generation == marked.generation)
        if not connection.execute(room.update().where(here).values(catch_up_since=None)).rowcount:
            return None
        return self._put_in_order(connection, marked, read)

    async def _last_before(self, marked: Marked) -> str | None:
        query = (
            sa.select(inbox.c.event_id)
            .where(inbox.c.room_id == marked.room_id, inbox.c.received <= marked.catch_up_since)
            .order_by(inbox.c.received.desc())
            .limit(1)
        )
        async with self._store.reading() as connection:
            return await connection.scalar(query)

    async def _backwards(self, client: BotClient, marked: Marked, token: str | None) -> list[Received]:
        """What arrived after the token, oldest first; without one, what came since the bot has been in the room.

        Without a token it also ends at an event that is known: then Synapse has lost the last one that we know.
        """
        found: list[Received] = []
        page = ""
        while True:
            events, page = await client.messages(marked.room_id, page, until=token)
            received = [receive({**event, "room_id": marked.room_id}) for event in events]
            known = set()
            if token is None:
                known = await self._store.read(_known(received, marked.catch_up_since))
            for event, raw in zip(received, events, strict=True):
                if event.event_id in known:
                    return found[::-1]
                found.append(event)
                if token is None and _begins(raw, client.user_id):
                    return found[::-1]
            if not page:
                return found[::-1]

    def _put_in_order(self, connection: sa.Connection, marked: Marked, read: Sequence[Received]) -> int:
        """Puts what was missed and what waits into the room's order."""
        behind = (inbox.c.room_id == marked.room_id) & (inbox.c.received > marked.catch_up_since)
        waiting = connection.execute(
            sa.select(inbox.c.event_id, inbox.c.json, inbox.c.received_at, inbox.c.state)
            .where(behind)
            .order_by(inbox.c.received)
        ).all()
        stored = {row.event_id: row for row in waiting if row.state == "pending"}
        passed = {row.event_id for row in waiting} - set(stored)
        passed |= _known(read, marked.catch_up_since)(connection)
        order = [event.event_id for event in read if event.event_id not in passed]
        order += [event_id for event_id in stored if event_id not in set(order)]
        if order == list(stored):
            return 0
        texts = {event.event_id: event.json for event in read}
        now = self._box.now()
        rows = [
            {
                "event_id": event_id,
                "room_id": marked.room_id,
                "json": stored[event_id].json if event_id in stored else texts[event_id],
                "received_at": stored[event_id].received_at if event_id in stored else now,
            }
            for event_id in order
        ]
        connection.execute(inbox.delete().where(behind, PENDING))
        connection.execute(inbox.insert(), rows)
        return len(order) - len(stored)


def _known(events: Iterable[Received], until: int) -> Callable[[sa.Connection], set[str]]:
    """Which of the events are stored under a number up to that one."""
    ids = [event.event_id for event in events]

    def ask(connection: sa.Connection) -> set[str]:
        found: set[str] = set()
        for some in _chunks(ids):
            query = sa.select(inbox.c.event_id).where(inbox.c.event_id.in_(some), inbox.c.received <= until)
            found.update(connection.scalars(query))
        return found

    return ask


def _begins(event: Mapping[str, object], user_id: str) -> bool:
    """Whether an event is the joining of a bot that was not in the room before."""
    if event.get("type") != "m.room.member" or event.get("state_key") != user_id:
        return False
    content, unsigned = event.get("content"), event.get("unsigned")
    before = unsigned.get("prev_content") if isinstance(unsigned, dict) else None
    was_in = isinstance(before, dict) and before.get("membership") == "join"
    return isinstance(content, dict) and content.get("membership") == "join" and not was_in


def _merged(one: Sequence[Received], other: Sequence[Received]) -> list[Received]:
    """Two readings of a room, each in order, as one: bots may see different parts of it."""
    places = {event.event_id: place for place, event in enumerate(one)}
    merged: list[Received] = []
    taken = 0
    for event in other:
        place = places.get(event.event_id)
        if place is None:
            merged.append(event)
        elif place >= taken:
            merged += one[taken : place + 1]
            taken = place + 1
    return [*merged, *one[taken:]]


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + _IN_ONE_QUESTION] for start in range(0, len(values), _IN_ONE_QUESTION))
