"""Events of all rooms are handled together, and a room that cannot be is left to its lane without holding up others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from aiohttp import web

from bots.kernel.bot import Context, Needs
from bots.kernel.effects import Effect
from bots.kernel.events import Event
from bots.kernel.lanes import Backoff
from bots.kernel.leases import Leases
from bots.kernel.store import Store
from tests.bots.support import Homeserver, Json, grounded, message, rows, settled
from tests.support.databases import postgresql
from tests.support.patience import until

QUICK = Backoff(first=0.02, longest=0.1, attempts=3)
NOTES = sa.Table("notes", sa.MetaData(), sa.Column("room_id", sa.Text), sa.Column("event_id", sa.Text))


class Noting:
    """Writes down what it hears; must ask Synapse where it hears "ask", and fails in two ways."""

    name = "steward"

    def __init__(self) -> None:
        self.transactions: dict[str, object] = {}
        """Where each event was handled last."""

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs(policy=event.content["body"] == "ask", patient=True) if event.type == "m.room.message" else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        self.transactions[event.event_id] = context.database.get_transaction()
        NOTES.create(context.database, checkfirst=True)
        context.database.execute(NOTES.insert(), {"room_id": event.room_id, "event_id": event.event_id})
        if event.content["body"] == "bad":
            raise KeyError("body")
        if event.content["body"] == "broken":
            context.database.execute(sa.text("SELECT 1 FROM a_table_that_is_missing"))
        return ()


class Slow(Homeserver):
    """A homeserver that lets who asks for a room's rules wait."""

    def __init__(self) -> None:
        super().__init__()
        self.answering = asyncio.Event()
        self.asked: set[str] = set()

    async def _other(self, path: str, request: web.Request) -> tuple[int, Json]:
        if "/policy/" in path:
            self.asked.add(path)
            await self.answering.wait()
        return await super()._other(path, request)


async def noted(store: Store) -> dict[str, list[str]]:
    """The events of each room, in the order in which they were handled."""
    found: dict[str, list[str]] = {}
    async with store.reading() as connection:
        for room_id, event_id in await connection.execute(sa.select(NOTES).order_by(sa.text("rowid"))):
            found.setdefault(room_id, []).append(event_id)
    return found


async def test_events_of_many_rooms_share_a_transaction(store: Store, homeserver: Homeserver) -> None:
    bot = Noting()
    async with grounded(store, homeserver, bot, backoff=QUICK) as arrive:
        await arrive(*(message(f"${n}", room=f"!{n % 10}:x") for n in range(30)))
        await settled(store)
    assert len(bot.transactions) == 30
    assert len(set(map(id, bot.transactions.values()))) == 1


async def test_a_long_backlog_keeps_the_order_of_each_room(store: Store, homeserver: Homeserver) -> None:
    bodies = {17: "bad", 250: "ask", 555: "bad"}
    async with grounded(store, homeserver, Noting(), backoff=QUICK) as arrive:
        await arrive(*(message(f"${n}", bodies.get(n, "text"), room=f"!{n % 3}:x") for n in range(900)))
        found = await settled(store)
    assert [event_id for event_id, row in found.items() if row[0] == "failed"] == ["$17", "$555"]
    assert await noted(store) == {
        f"!{room}:x": [f"${n}" for n in range(room, 900, 3) if bodies.get(n) != "bad"] for room in range(3)
    }


async def test_rooms_that_wait_for_synapse_hold_up_no_other(store: Store) -> None:
    async with Slow() as homeserver, grounded(store, homeserver, Noting(), backoff=QUICK) as arrive:
        # More of them than there are lanes side by side, each with more behind it than is handled together.
        waiting = [message(f"$ask{n}", "ask", room=f"!{n}:x") for n in range(9)]
        behind = [message(f"$behind{n}", room=f"!{n % 9}:x") for n in range(300)]
        await arrive(*waiting, *behind)
        await until(lambda: _is(len(homeserver.asked) == 8))
        await arrive(message("$other", room="!other:x"))
        await until(lambda: _handled(store, "$other"))
        assert (await rows(store))["$behind0"][0] == "pending", "a room keeps its order"
        homeserver.answering.set()
        await settled(store)
    for room, events in (await noted(store)).items():
        assert room == "!other:x" or events[0].startswith("$ask")


@pytest.mark.parametrize("body", ["bad", "broken"])
async def test_a_room_whose_handler_fails_holds_up_no_other(store: Store, homeserver: Homeserver, body: str) -> None:
    """`broken` fails like a database that is gone, so it is tried for ever; the others have their turn all the same."""
    bot = Noting()
    async with grounded(store, homeserver, bot, backoff=QUICK) as arrive:
        await arrive(message("$1", body, room="!bad:x"), *(message(f"$a{n}", room=f"!{n}:x") for n in range(5)))
        for n in range(5):
            await until(lambda n=n: _handled(store, f"$a{n}"))
        await arrive(*(message(f"$b{n}", room=f"!{n}:x") for n in range(5)))
        for n in range(5):
            await until(lambda n=n: _handled(store, f"$b{n}"))
    assert "!bad:x" not in await noted(store)
    assert len({id(bot.transactions[f"$a{n}"]) for n in range(5)}) == 1, "they were still handled together"


@pytest.mark.full
async def test_a_sweep_takes_no_lane_of_another_replica() -> None:
    with postgresql() as address:
        stores = [Store(address), Store(address)]
        await stores[0].open()
        one, other = (Leases(store, 4) for store in stores)
        try:
            three = ["!a:x", "!b:x", "!c:x"]
            async with (
                one.hold(three[0]),
                other.hold(three[1]),
                one.within(three) as ours,
                stores[0].writing() as connection,
            ):
                found = await connection.run_sync(ours)
                async with other.hold(three[2]) as taken:
                    assert not taken, "until the end of the transaction"
            assert set(found) == {"!a:x", "!c:x"}
            async with other.hold("!a:x") as first, other.hold("!c:x") as second:
                assert (first, second) == (True, True)
        finally:
            for ended in (one, other, *stores):
                await ended.close()


async def _is(value: bool) -> bool:
    return value


async def _handled(store: Store, event_id: str) -> bool:
    found = (await rows(store)).get(event_id)
    return found is not None and found[0] == "handled"
