"""How a bot has an event: whom it concerns, and the transaction of what it wrote, what it asked for and the mark."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import sqlalchemy as sa

from bots.kernel.bot import Bot, Context, Needs
from bots.kernel.events import Event, is_news, parse
from bots.kernel.inbox import PENDING, Row
from bots.kernel.matrix import BotClient
from bots.kernel.metrics import Metrics
from bots.kernel.outbox import Outbox
from bots.kernel.rooms import Rooms
from bots.kernel.tables import inbox

_NOTHING: Final = Needs()


class Actor(NamedTuple):
    """A bot with its account."""

    bot: Bot
    client: BotClient
    rooms: Rooms


class Overtaken(Exception):
    """Somebody else has handled this meanwhile: what was done here is rolled back."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event, and what each bot that it concerns has to know."""

    row: Row
    event: Event
    contexts: tuple[tuple[Actor, Context], ...]


class Batches:
    """Events and the bots that they concern."""

    def __init__(
        self,
        outbox: Outbox,
        actors: Sequence[Actor],
        *,
        is_ours: Callable[[str], bool],
        metrics: Metrics,
        handled: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the work.

        Args:
            outbox: Where effects go.
            actors: The bots, in the order in which they are asked about each event.
            is_ours: Whether a user id belongs to a bot.
            metrics: Counters.
            handled: Called when effects may wait.
            now: The clock, in seconds since 1970.
        """
        self._outbox = outbox
        self._actors = actors
        self._is_ours = is_ours
        self._metrics = metrics
        self._handled = handled
        self._now = now

    def asked(self, event: Event, row: Row) -> list[tuple[Actor, Needs]]:
        """The bots that the event concerns and that have not had it, with what each must know."""
        return [(actor, needs) for actor in self._actors if (needs := self._needs(actor, event, row)) is not None]

    def _needs(self, actor: Actor, event: Event, row: Row) -> Needs | None:
        me = actor.client.user_id
        if actor.bot.name in row.handled_by:
            return None
        # Bots that answered bots would do so for ever.
        if self._is_ours(event.sender) and not is_news(event, me):
            return None
        try:
            return actor.bot.needs(event, me)
        except Exception:
            return Needs()  # its handler will be asked, and raise as well or know better

    def context(self, actor: Actor, event: Event) -> Context:
        """What is known without asking anybody."""
        return Context(me=actor.client.user_id, now=self._now(), occasion=event.event_id)

    def prepare(self, row: Row) -> Prepared | None:
        """An event for which nothing must be asked of the network; None for any other.

        Raises:
            MalformedEvent: It is none.
        """
        event = parse(row.json)
        asked = self.asked(event, row)
        if any(needs_network(needs) for _, needs in asked):
            return None
        return Prepared(row, event, tuple((actor, self.context(actor, event)) for actor, _ in asked))

    def handle(self, connection: sa.Connection, one: Prepared) -> None:
        """Lets each bot that it concerns have an event."""
        for actor, context in one.contexts:
            self.handle_by(connection, actor, context, one.event)

    def handle_by(self, connection: sa.Connection, actor: Actor, context: Context, event: Event) -> None:
        """Lets one bot have an event."""
        with self._metrics.handling.time():
            effects = actor.bot.handle(event, replace(context, connection=connection))
        if effects:
            self._outbox.store(connection, actor.bot.name, context, effects, event)

    def mark(self, connection: sa.Connection, batch: Sequence[Prepared]) -> None:
        """Marks events as handled, and drops their content.

        Raises:
            Overtaken: One of them is not pending any more.
        """
        if not batch:
            return
        rows = [one.row.received for one in batch]
        values = {"state": "handled", "json": None, "last_error": None}
        marked = connection.execute(inbox.update().where(inbox.c.received.in_(rows), PENDING).values(values))
        if marked.rowcount != len(rows):
            raise Overtaken

    def committed(self, count: int) -> None:
        """Counts what was handled, once it is committed."""
        self._metrics.handled.inc(count)
        self._handled()


def needs_network(needs: Needs) -> bool:
    """Whether Synapse must be asked for it: all but how it is to be asked."""
    return needs != _NOTHING and replace(needs, fresh=False, patient=False) != _NOTHING
