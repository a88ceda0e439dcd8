"""From the inbox through a bot to the homeserver: order, repeats, errors, and what is not handled at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
import sqlalchemy as sa

from bots.kernel.bot import Bot, Context, Needs
from bots.kernel.dispatch import Actor, Backoff, Dispatcher
from bots.kernel.effects import Effect, Send, transaction_id
from bots.kernel.events import Event, receive
from bots.kernel.inbox import Inbox
from bots.kernel.matrix import BotClient
from bots.kernel.metrics import Metrics
from bots.kernel.rooms import Rooms
from bots.kernel.store import Store, inbox
from tests.bots.support import ADA, ROOM, SERVER, STEWARD, Homeserver, Json, eventually, member, message

QUICK = Backoff(first=0.02, longest=0.1, attempts=3)


class Echo:
    """Repeats what it hears; raises where it hears "bad"."""

    name = "steward"

    def __init__(self, once: Callable[[Event], str | None] = lambda _event: None) -> None:
        self.heard: list[str] = []
        self._once = once

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs() if event.type == "m.room.message" else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        body = event.content["body"]
        self.heard.append(body)
        if body == "bad":
            raise KeyError("secret words of a member")
        return [Send({"body": f"{body} {part}"}, once=self._once(event)) for part in (1, 2)]


@asynccontextmanager
async def working(store: Store, homeserver: Homeserver, bot: Bot) -> AsyncIterator[Callable[..., object]]:
    """A running dispatcher; gives the function that stores events and wakes it."""
    async with aiohttp.ClientSession() as session:
        client = BotClient(homeserver.url, STEWARD, "token", session)
        box = Inbox(store)
        dispatcher = Dispatcher(
            box,
            [Actor(bot, client, Rooms(client))],
            is_ours=lambda user: user.startswith("@belisha_"),
            metrics=Metrics(),
            backoff=QUICK,
        )
        task = asyncio.create_task(dispatcher.run())

        async def arrive(*events: Json) -> None:
            await box.add([receive(event) for event in events])
            dispatcher.wake()

        try:
            yield arrive
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def rows(store: Store) -> dict[str, tuple[str, int, str | None, str | None]]:
    columns = (inbox.c.event_id, inbox.c.state, inbox.c.attempts, inbox.c.last_error, inbox.c.json)
    async with store.reading() as connection:
        return {row[0]: (row[1], row[2], row[3], row[4]) for row in await connection.execute(sa.select(*columns))}


async def settled(store: Store) -> dict[str, tuple[str, int, str | None, str | None]]:
    async def nothing_waits() -> bool:
        return all(row[0] != "pending" for row in (await rows(store)).values())

    await eventually(nothing_waits)
    return await rows(store)


async def test_events_are_handled_in_their_order_and_their_content_dropped(
    store: Store, homeserver: Homeserver
) -> None:
    async with working(store, homeserver, Echo()) as arrive:
        await arrive(*(message(f"${number}", str(number)) for number in range(120)))
        found = await settled(store)
    said = [content["body"] for _, content in homeserver.sent.values()]
    assert said == [f"{number} {part}" for number in range(120) for part in (1, 2)]
    assert set(found.values()) == {("handled", 0, None, None)}


async def test_a_handler_that_raises_is_tried_again_then_given_up_and_others_go_on(
    store: Store, homeserver: Homeserver
) -> None:
    bot = Echo()
    async with working(store, homeserver, bot) as arrive:
        await arrive(message("$1", "bad"), message("$2", "next"), message("$3", "else", room="!other:x"))
        found = await settled(store)
    assert bot.heard.count("bad") == QUICK.attempts
    state, attempts, error, json = found["$1"]
    assert (state, attempts) == ("failed", QUICK.attempts)
    assert error is not None
    assert error.startswith("KeyError at test_dispatch.py:")
    assert json is not None
    assert found["$2"][0] == found["$3"][0] == "handled"
    # The other room did not wait, its own room kept its order.
    assert bot.heard.index("else") < bot.heard.index("next")
    assert bot.heard.index("next") > max(index for index, body in enumerate(bot.heard) if body == "bad")


async def test_an_unreachable_homeserver_is_waited_for_without_counting(store: Store, homeserver: Homeserver) -> None:
    homeserver.errors = [(502, {})] * 5 + [
        (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": 20})
    ] * 3
    async with working(store, homeserver, Echo()) as arrive:
        await arrive(message("$1", "hello"))
        found = await settled(store)
    assert found["$1"] == ("handled", 0, None, None)
    assert len(homeserver.sent) == 2


async def test_a_refused_answer_is_given_up(store: Store, homeserver: Homeserver) -> None:
    homeserver.errors = [(403, {"errcode": "M_FORBIDDEN", "error": "words of the server"})] * QUICK.attempts
    async with working(store, homeserver, Echo()) as arrive:
        await arrive(message("$1", "hello"), message("$2", "again"))
        found = await settled(store)
    assert found["$1"][:3] == ("failed", 3, "403 M_FORBIDDEN")
    assert found["$2"][0] == "handled"


async def test_a_deleted_device_is_made_again(store: Store, homeserver: Homeserver) -> None:
    async with working(store, homeserver, Echo()) as arrive:
        await arrive(message("$1", "hello"))
        await settled(store)
        homeserver.devices.clear()
        await arrive(message("$2", "again"))
        found = await settled(store)
    assert found["$2"] == ("handled", 0, None, None)
    assert len(homeserver.sent) == 4
    assert [path for _, path in homeserver.requests].count("/_matrix/client/v3/login") == 2


async def test_what_is_said_once_is_said_once(store: Store, homeserver: Homeserver) -> None:
    async with working(store, homeserver, Echo(lambda event: f"hello {event.room_id}")) as arrive:
        await arrive(message("$1", "a"), message("$2", "b"))
        await settled(store)
    assert len(homeserver.sent) == 1


async def test_bots_do_not_hear_bots(store: Store, homeserver: Homeserver) -> None:
    bot = Echo()
    async with working(store, homeserver, bot) as arrive:
        await arrive(message("$1", sender=STEWARD), message("$2", sender=f"@belisha_polls:{SERVER}"))
        await arrive(member("$3", STEWARD, sender=STEWARD), message("$4", "person"))
        found = await settled(store)
    assert bot.heard == ["person"]
    assert {row[0] for row in found.values()} == {"handled"}


async def test_what_is_no_event_is_given_up_at_once(store: Store, homeserver: Homeserver) -> None:
    bot = Echo()
    async with working(store, homeserver, bot) as arrive:
        await arrive(message("$1") | {"type": 7}, message("$2") | {"sender": None}, message("$3", "person"))
        await arrive(message("$4") | {"content": "text"})
        found = await settled(store)
    assert [found[key][0] for key in ("$1", "$2", "$3")] == ["failed", "failed", "handled"]
    assert bot.heard == ["person"]


async def test_a_restart_repeats_no_answer(store: Store, homeserver: Homeserver) -> None:
    async with working(store, homeserver, Echo()) as arrive:
        await arrive(message("$1", "hello"))
        await settled(store)
    async with store.writing() as connection:  # as if killed after the last send and before the mark
        json = receive(message("$1", "hello")).json
        await connection.execute(inbox.update().values(state="pending", json=json))
    async with working(store, homeserver, Echo()):
        await settled(store)
    assert len(homeserver.sent) == 2


def test_transaction_ids_differ_by_bot_occasion_and_position() -> None:
    ids = {transaction_id(bot, event, n) for bot in (STEWARD, ADA) for event in ("$1", "$2", ROOM) for n in range(3)}
    assert len(ids) == 18
    assert all(one.isalnum() and len(one) == 40 for one in ids)
