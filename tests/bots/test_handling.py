"""From the inbox through a bot to the homeserver: order, repeats, errors, and what is not handled at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from bots.kernel.bot import Context, Needs
from bots.kernel.effects import Effect, Send, transaction_id
from bots.kernel.events import Event, receive
from bots.kernel.lanes import Backoff
from bots.kernel.store import Store
from bots.kernel.tables import inbox, outbox
from tests.bots.support import ADA, ROOM, SERVER, STEWARD, Homeserver, grounded, member, message, settled

QUICK = Backoff(first=0.02, longest=0.1, attempts=3)
NOTES = sa.Table("notes", sa.MetaData(), sa.Column("body", sa.Text))


class Echo:
    """Notes down and repeats what it hears; raises where it hears "bad"."""

    name = "steward"

    def __init__(self, once: Callable[[Event], str | None] = lambda _event: None) -> None:
        self.heard: list[str] = []
        self._once = once

    def needs(self, event: Event, me: str) -> Needs | None:
        return Needs() if event.type == "m.room.message" else None

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        body = event.content["body"]
        self.heard.append(body)
        NOTES.create(context.database, checkfirst=True)
        context.database.execute(NOTES.insert(), {"body": body})
        if body == "bad":
            raise KeyError("secret words of a member")
        return [Send({"body": f"{body} {part}"}, once=self._once(event) if part == 1 else None) for part in (1, 2)]


class Second(Echo):
    """Another bot, which minds nothing."""

    name = "second"

    def handle(self, event: Event, context: Context) -> Sequence[Effect]:
        self.heard.append(event.content["body"])
        return [Send({"body": "second"})]


async def noted(store: Store) -> list[str]:
    async with store.reading() as connection:
        return list(await connection.scalars(sa.select(NOTES.c.body)))


async def test_events_are_handled_in_their_order_and_their_content_dropped(
    store: Store, homeserver: Homeserver
) -> None:
    async with grounded(store, homeserver, Echo(), backoff=QUICK) as arrive:
        await arrive(*(message(f"${number}", str(number)) for number in range(120)))
        found = await settled(store)
    said = [content["body"] for _, content in homeserver.sent.values()]
    assert said == [f"{number} {part}" for number in range(120) for part in (1, 2)]
    assert set(found.values()) == {("handled", 0, None, None)}


async def test_a_handler_that_raises_is_tried_again_then_given_up_and_others_go_on(
    store: Store, homeserver: Homeserver
) -> None:
    bot = Echo()
    async with grounded(store, homeserver, bot, backoff=QUICK) as arrive:
        await arrive(message("$1", "bad"), message("$2", "next"), message("$3", "else", room="!other:x"))
        found = await settled(store)
    assert bot.heard.count("bad") == QUICK.attempts + 1, "once with the others, then by itself"
    state, attempts, error, json = found["$1"]
    assert (state, attempts) == ("failed", QUICK.attempts)
    assert error is not None
    assert error.startswith("KeyError at test_handling.py:")
    assert json is not None
    assert found["$2"][0] == found["$3"][0] == "handled"
    # The other room did not wait, its own room kept its order.
    assert bot.heard.index("else") < bot.heard.index("next")
    assert bot.heard.index("next") > max(index for index, body in enumerate(bot.heard) if body == "bad")
    assert sorted(await noted(store)) == ["else", "next"], "what a handler wrote before it raised is undone"


async def test_where_one_bot_raises_the_others_have_the_event_once(store: Store, homeserver: Homeserver) -> None:
    bot, other = Echo(), Second()
    async with grounded(store, homeserver, bot, other, backoff=QUICK) as arrive:
        await arrive(message("$1", "bad"), message("$2", "good"))
        found = await settled(store)
    assert (found["$1"][0], found["$2"][0]) == ("failed", "handled")
    said = [content["body"] for _, content in homeserver.sent.values()]
    assert said == ["second", "good 1", "good 2", "second"]
    assert other.heard.count("bad") == 1


async def test_one_bad_event_among_many_fails_alone(store: Store, homeserver: Homeserver) -> None:
    async with grounded(store, homeserver, Echo(), backoff=QUICK) as arrive:
        await arrive(*(message(f"${n}", "bad" if n == 30 else str(n)) for n in range(60)))
        found = await settled(store)
    assert [key for key, row in found.items() if row[0] != "handled"] == ["$30"]
    expected = [f"{n} {part}" for n in range(60) if n != 30 for part in (1, 2)]
    assert [content["body"] for _, content in homeserver.sent.values()] == expected


async def test_a_deleted_device_is_made_again(store: Store, homeserver: Homeserver) -> None:
    async with grounded(store, homeserver, Echo(), backoff=QUICK) as arrive:
        await arrive(message("$1", "hello"))
        await settled(store)
        homeserver.devices.clear()
        await arrive(message("$2", "again"))
        found = await settled(store)
    assert found["$2"] == ("handled", 0, None, None)
    assert len(homeserver.sent) == 4
    assert [path for _, path in homeserver.requests].count("/_matrix/client/v3/login") == 2


async def test_what_is_said_once_is_said_once(store: Store, homeserver: Homeserver) -> None:
    async with grounded(store, homeserver, Echo(lambda event: f"hello {event.room_id}"), backoff=QUICK) as arrive:
        await arrive(message("$1", "a"), message("$2", "b"))
        await settled(store)
    assert [content["body"] for _, content in homeserver.sent.values()] == ["a 1", "a 2", "b 2"]


async def test_bots_do_not_hear_bots(store: Store, homeserver: Homeserver) -> None:
    bot = Echo()
    async with grounded(store, homeserver, bot, backoff=QUICK) as arrive:
        await arrive(message("$1", sender=STEWARD), message("$2", sender=f"@belisha_polls:{SERVER}"))
        await arrive(member("$3", STEWARD, sender=STEWARD), message("$4", "person"))
        found = await settled(store)
    assert bot.heard == ["person"]
    assert {row[0] for row in found.values()} == {"handled"}


async def test_what_is_no_event_is_given_up_at_once(store: Store, homeserver: Homeserver) -> None:
    bot = Echo()
    async with grounded(store, homeserver, bot, backoff=QUICK) as arrive:
        await arrive(message("$1") | {"type": 7}, message("$2") | {"sender": None}, message("$3", "person"))
        await arrive(message("$4") | {"content": "text"})
        found = await settled(store)
    assert [found[key][0] for key in ("$1", "$2", "$3")] == ["failed", "failed", "handled"]
    assert await noted(store) == ["person"]


async def test_a_restart_repeats_no_answer(store: Store, homeserver: Homeserver) -> None:
    async with grounded(store, homeserver, Echo(), backoff=QUICK) as arrive:
        await arrive(message("$1", "hello"))
        await settled(store)
    async with store.writing() as connection:  # as if killed after the last send and before the mark
        json = receive(message("$1", "hello")).json
        await connection.execute(inbox.update().values(state="pending", json=json))
        await connection.execute(outbox.delete())
    async with grounded(store, homeserver, Echo(), backoff=QUICK):
        await settled(store)
    assert len(homeserver.sent) == 2


def test_transaction_ids_differ_by_bot_occasion_and_position() -> None:
    ids = {transaction_id(bot, event, n) for bot in (STEWARD, ADA) for event in ("$1", "$2", ROOM) for n in range(3)}
    assert len(ids) == 18
    assert all(one.isalnum() and len(one) == 40 for one in ids)
