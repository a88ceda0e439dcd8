"""What is read once for many digests: nothing is missing from it, nothing stays in it, and it does not grow."""

from __future__ import annotations

import sqlalchemy as sa

from bots.blog.tables import post
from bots.digest.facts import KEPT_S, SETTLES_S
from bots.digest.recent import HOLDS_S, Recent
from bots.digest.tables import digest_message
from bots.kernel.store import Store
from tests.bots.support import Json

NOW = 1_800_000_000.0
BUOYS, PILOTS = "!buoys:x", "!pilots:x"


def row(event_id: str, at: float, room: str = BUOYS, **more: object) -> Json:
    about = {"event_id": event_id, "room_id": room, "sender": "@ben:x", "at": int(at * 1000), "arrived": int(at * 1000)}
    return {**about, "thread": None, "is_file": False, **more}


async def add(store: Store, *rows: Json) -> None:
    await store.write(lambda one: one.execute(digest_message.insert(), rows))


async def told(recent: Recent, store: Store, until: float, now: float, *rooms: str) -> list[list[str]]:
    """The ids of the main conversation of each group."""
    found = await store.read(lambda one: recent.of(one, rooms or (BUOYS,), until, now))
    return [[one.event_id for talk in there.talks.values() for one in talk.messages] for there in found.values()]


async def test_whoever_is_due_later_is_told_of_what_was_written_since(store: Store) -> None:
    recent = Recent()
    await add(store, row("$old", NOW - KEPT_S), row("$1", NOW - 5))
    until = NOW - SETTLES_S
    assert await told(recent, store, until, NOW) == [["$1"]]
    await add(store, row("$2", NOW - 1))
    assert await told(recent, store, until, NOW + 3) == [["$1"]], "the same moment is read once"
    assert await told(recent, store, until + 2, NOW + 3) == [["$1", "$2"]], (
        "and another anew, once all there is committed"
    )
    assert await told(recent, store, until + 2, NOW + 1) == [["$1", "$2"]], "a clock that was set back is no reason"


async def test_what_was_taken_back_is_held_for_half_a_minute_at_most(store: Store) -> None:
    recent = Recent()
    await add(store, row("$1", NOW - 5), row("$2", NOW - 4))
    assert await told(recent, store, NOW - SETTLES_S, NOW) == [["$1", "$2"]]
    await store.write(lambda one: one.execute(digest_message.delete().where(digest_message.c.event_id == "$1")))
    assert await told(recent, store, NOW - SETTLES_S, NOW + HOLDS_S) == [["$2"]]
    await store.write(lambda one: one.execute(sa.delete(digest_message)))
    recent.forget()
    assert await told(recent, store, NOW - SETTLES_S, NOW + HOLDS_S) == [[]]


async def test_posts_and_files_stand_apart(store: Store) -> None:
    about = {"room_id": BUOYS, "author": "@ben:x", "title": "T"}
    await store.write(
        lambda one: one.execute(post.insert().values(event_id="$post", sent_at=int(NOW - 9) * 1000, **about))
    )
    await add(store, row("$post", NOW - 9), row("$file", NOW - 8, is_file=True), row("$talk", NOW - 7, thread="$post"))
    found = (await store.read(lambda one: Recent().of(one, [BUOYS, PILOTS], NOW, NOW)))[BUOYS]
    assert [one.event_id for one in found.posts] == ["$post"] and [one.event_id for one in found.files] == ["$file"]
    assert {key: [one.event_id for one in talk.messages] for key, talk in found.talks.items()} == {
        None: ["$file"],
        "$post": ["$talk"],
    }
    assert found.talks[None].last == {"@ben:x": int((NOW - 8) * 1000)}


async def test_a_large_community_is_read_in_parts(store: Store) -> None:
    recent, rooms = Recent(most=3), [f"!{number}:x" for number in range(4)]
    await add(store, *(row(f"${room}{number}", NOW - 5, room) for room in rooms for number in range(2)))
    for room in rooms:
        assert len((await told(recent, store, NOW, NOW, room))[0]) == 2
    assert list(recent._held) == rooms[-1:], "those asked for last"
    assert [len(one) for one in await told(recent, store, NOW, NOW, *rooms)] == [2] * 4, "whoever is in all has all"
