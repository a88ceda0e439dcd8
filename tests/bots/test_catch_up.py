"""What Synapse's push has lost is read in the rooms, and everything is handled in the room's order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa

from bots.kernel.bot import Context, Needs
from bots.kernel.catch_up import _merged
from bots.kernel.effects import Effect
from bots.kernel.events import Event, Received, receive
from bots.kernel.inbox import Inbox
from bots.kernel.store import Store
from bots.kernel.tables import progress, room
from tests.bots.support import ROOM, STEWARD, Homeserver, Json, grounded, member, message, settled
from tests.support.patience import until

OTHER = "!other:x"


class Hears:
    """A bot that only listens."""

    name = "steward"

    def __init__(self) -> None:
        self.heard: list[str] = []

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs() if event.type == "m.room.message" else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        self.heard.append(event.event_id)
        return ()


def timeline(homeserver: Homeserver, *events: Json, room_id: str = ROOM) -> None:
    homeserver.timelines[room_id] = list(events)


def said(*numbers: int, room_id: str = ROOM) -> list[Json]:
    return [message(f"${number}", room=room_id) for number in numbers]


async def marked(store: Store) -> dict[str, int]:
    query = sa.select(room.c.room_id, room.c.catch_up_since).where(room.c.catch_up_since.is_not(None))
    async with store.reading() as connection:
        return {row.room_id: row.catch_up_since for row in await connection.execute(query)}


async def caught_up(store: Store) -> None:
    async def nothing_is_marked() -> bool:
        async with store.reading() as connection:
            due = await connection.scalar(sa.select(progress.c.rooms_due))
        return not due and not await marked(store)

    await until(nothing_is_marked)


async def test_what_a_restarted_synapse_has_lost_is_handled_before_what_it_delivers(
    store: Store, homeserver: Homeserver
) -> None:
    homeserver.instance = "one"
    timeline(homeserver, *said(1, 2))
    bot = Hears()
    async with grounded(store, homeserver, bot) as arrive:
        await arrive(*said(1, 2), instance="one")
        await caught_up(store)
        await settled(store)
        # Killed with 3 to 8 in its memory; then it delivers the ninth.
        timeline(homeserver, *said(*range(1, 10)))
        homeserver.instance = "two"
        homeserver.pages.clear()
        await arrive(*said(9), instance="two")
        await caught_up(store)
        await settled(store)
    assert bot.heard == [f"${number}" for number in range(1, 10)]
    assert all("to=s1" in page for page in homeserver.pages), "it reads from the last event that was delivered"


async def test_it_finds_out_by_itself_where_nothing_more_is_delivered(store: Store, homeserver: Homeserver) -> None:
    homeserver.instance = "one"
    timeline(homeserver, *said(1))
    bot = Hears()
    async with grounded(store, homeserver, bot) as arrive:
        await arrive(*said(1), instance="one")
        await caught_up(store)
        timeline(homeserver, *said(1, 2, 3))
        homeserver.instance = "two"
        pinged = [path for _, path in homeserver.requests].count("/_matrix/client/v1/appservice/belisha/ping")

        async def heard_all() -> bool:
            return len(bot.heard) == 3

        await until(heard_all)
        assert [path for _, path in homeserver.requests][-50:].count("/_matrix/client/v1/appservice/belisha/ping") > 0
    assert bot.heard == ["$1", "$2", "$3"]
    assert pinged <= 1


async def test_a_room_of_which_nothing_is_known_is_read_from_the_bots_joining(
    store: Store, homeserver: Homeserver
) -> None:
    homeserver.instance = "one"
    before = said(1, 2)
    joined = member("$3", STEWARD, sender=STEWARD)
    renamed = member("$5", STEWARD, sender=STEWARD) | {"unsigned": {"prev_content": {"membership": "join"}}}
    timeline(homeserver, *before, joined, *said(4), renamed, *said(6))
    bot = Hears()
    async with grounded(store, homeserver, bot):
        await caught_up(store)
        await settled(store)
    assert bot.heard == ["$4", "$6"], "what came before the bot is not its business"


async def test_where_synapse_has_lost_the_last_event_the_one_before_it_counts(
    store: Store, homeserver: Homeserver
) -> None:
    """As after a restore of Synapse's database."""
    homeserver.instance = "one"
    timeline(homeserver, *said(1, 2))
    bot = Hears()
    async with grounded(store, homeserver, bot) as arrive:
        await arrive(*said(1, 2, 3), instance="one")
        await caught_up(store)
        await settled(store)
        timeline(homeserver, *said(1, 2, 4, 5))
        await arrive(*said(5), instance="two")
        homeserver.instance = "two"
        await caught_up(store)
        await settled(store)
    assert bot.heard == ["$1", "$2", "$3", "$4", "$5"]


async def test_only_what_came_after_the_break_waits(store: Store, homeserver: Homeserver) -> None:
    homeserver.instance = "two"
    timeline(homeserver, *said(1, 2, 3))
    box = Inbox(store)
    async with store.writing() as connection:
        await connection.execute(progress.update().values(rooms_due=False, instance="one"))
    await box.add([receive(one) for one in said(1)], "one")
    assert await box.add([receive(one) for one in said(3)], "two")
    assert [row.event_id for row in await box.pending(ROOM, 10)] == ["$1"]
    assert not await box.add([receive(one) for one in said(3)], "two")
    # Broken again before the room was read: it is complete up to the same event as before.
    since = await marked(store)
    assert await box.add([receive(one) for one in said(4)], "three")
    assert await marked(store) == since


async def test_a_break_while_a_room_is_read_has_it_read_again(store: Store, homeserver: Homeserver) -> None:
    homeserver.instance = "one"
    timeline(homeserver, *said(1))
    bot = Hears()
    async with grounded(store, homeserver, bot) as arrive:
        await arrive(*said(1), instance="one")
        await caught_up(store)
        await settled(store)
        timeline(homeserver, *said(1, 2))
        homeserver.waiting = 0
        homeserver.reading.clear()  # the page is asked for, and answered only later
        await arrive(instance="two")

        async def asked() -> bool:
            return homeserver.waiting > 0

        await until(asked)
        await arrive(instance="three")
        homeserver.instance = "three"
        homeserver.timelines[ROOM] = said(1, 2, 3)
        homeserver.reading.set()
        await caught_up(store)
        await settled(store)
    assert bot.heard == ["$1", "$2", "$3"]


async def test_a_room_that_the_bots_have_left_keeps_nothing_waiting(store: Store, homeserver: Homeserver) -> None:
    homeserver.instance = "one"
    bot = Hears()
    async with grounded(store, homeserver, bot) as arrive:
        await arrive(*said(1, room_id=OTHER), instance="one")
        await settled(store)
    assert bot.heard == ["$1"]


async def test_missed_events_go_before_those_that_wait(store: Store, homeserver: Homeserver) -> None:
    """Several breaks, in any of which something may be lost: the order is the room's."""
    homeserver.instance = "0"
    timeline(homeserver, *said(0))
    bot = Hears()
    async with grounded(store, homeserver, bot) as arrive:
        await arrive(*said(0), instance="0")
        await caught_up(store)
        for number in range(1, 8):
            homeserver.timelines[ROOM] += said(number * 10, number * 10 + 1, number * 10 + 2)
            homeserver.instance = str(number)
            await arrive(*said(number * 10 + number % 3), instance=str(number))
            await asyncio.sleep(number * 0.01)
        await caught_up(store)
        await settled(store)
    assert bot.heard == [event["event_id"] for event in homeserver.timelines[ROOM]]


def test_two_readings_of_a_room_become_one() -> None:
    def read(names: str) -> list[Received]:
        return [Received(name, ROOM, "{}", 0.0) for name in names]

    for one, other, both in (("", "", ""), ("ab", "", "ab"), ("", "ab", "ab"), ("cd", "abcd", "abcd")):
        assert "".join(event.event_id for event in _merged(read(one), read(other))) == both
    assert "".join(event.event_id for event in _merged(read("acdf"), read("abdef"))) == "abcdef"
