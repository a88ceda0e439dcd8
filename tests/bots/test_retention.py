"""The database does not grow for ever, and nothing that was done is done again for it."""

from __future__ import annotations

import sqlalchemy as sa

from bots.kernel.events import receive
from bots.kernel.inbox import Inbox
from bots.kernel.retention import KEPT_S, Thinning
from bots.kernel.store import Store
from bots.kernel.tables import inbox, outbox, progress, room
from tests.bots.support import Json, message

DAY = 86400.0


def sent(event_id: str, at: float, room_id: str = "!a:x") -> Json:
    return message(event_id, room=room_id) | {"origin_server_ts": int(at * 1000)}


async def _state(store: Store, **values: object) -> None:
    async with store.writing() as connection:
        await connection.execute(progress.update().values(**values))


async def test_old_rows_go_and_what_is_still_needed_stays(store: Store) -> None:
    now = [1e9]
    box, thinning = Inbox(store, lambda: now[0]), Thinning(store, Inbox(store), now=lambda: now[0])
    await _state(store, rooms_due=False)
    await box.add([receive(sent(f"$a{number}", now[0])) for number in range(3)])
    await box.add([receive(sent("$b", now[0], "!b:x")), receive(sent("$waits", now[0], "!c:x"))])
    handled = inbox.c.event_id != "$waits"
    async with store.writing() as connection:
        await connection.execute(inbox.update().where(handled).values(state="handled", json=None))
        for name, once in (("said", None), ("welcome", "steward welcome")):
            row = {"effect_id": name, "once": once, "bot": "steward", "lane": "!a:x", "kind": "send", "state": "sent"}
            await connection.execute(outbox.insert(), row | {"created_at": now[0]})
    assert await thinning.thin() == 0, "all of it is new"
    now[0] += KEPT_S + DAY
    await box.add([receive(sent("$new", now[0]))])
    assert await thinning.thin() == 4
    async with store.reading() as connection:
        assert set(await connection.scalars(sa.select(inbox.c.event_id))) == {"$b", "$waits", "$new"}
        assert list(await connection.scalars(sa.select(outbox.c.effect_id))) == ["welcome"]
    # Synapse delivers again what it has delivered long ago, out of a transaction that it never struck out.
    await box.add([receive(sent("$a0", 1e9))])
    async with store.reading() as connection:
        assert "$a0" not in set(await connection.scalars(sa.select(inbox.c.event_id)))


async def test_nothing_is_thinned_before_every_room_is_read(store: Store) -> None:
    """After a month off, what was missed is as old as what would be thinned."""
    now = [1e9]
    box, thinning = Inbox(store, lambda: now[0]), Thinning(store, Inbox(store), now=lambda: now[0])
    await _state(store, rooms_due=False)
    await box.add([receive(sent(f"${number}", now[0])) for number in range(3)], "one")
    async with store.writing() as connection:
        await connection.execute(inbox.update().values(state="handled"))
    now[0] += 2 * KEPT_S
    for values, is_marked in (({"rooms_due": True}, False), ({"rooms_due": False}, True)):
        await _state(store, **values)
        async with store.writing() as connection:
            await connection.execute(room.update().values(catch_up_since=1 if is_marked else None))
        assert await thinning.thin() == 0
        async with store.reading() as connection:
            assert await connection.scalar(sa.select(progress.c.thinned_until)) == 0
    async with store.writing() as connection:
        await connection.execute(room.update().values(catch_up_since=None))
    assert await thinning.thin() == 2
