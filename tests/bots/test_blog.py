"""The index of blogs on real databases: what events change in it, who finds what, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.policy.creation import POLICY_TYPE
from bots.blog.blog import READ, SWEEP, Blog
from bots.blog.listing import PAGE, Asked, listed
from bots.blog.tables import edit, post, tag
from bots.kernel.bot import Context, Job, Unknown
from bots.kernel.effects import Effect, Schedule
from bots.kernel.events import Event
from bots.kernel.posts import PostFacts
from bots.kernel.store import Store
from bots.steward import Steward
from tests.bots.support import ADA, SERVER, STEWARD, BotsProcess, Homeserver, message, write_config
from tests.support.databases import postgresql
from tests.support.patience import until
from tests.support.server import free_ports

BLOG, OTHER = f"!blog:{SERVER}", f"!other:{SERVER}"
Json = dict[str, Any]


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[Store]:
    if kind == "sqlite":
        store = Store(f"sqlite:///{folder}/bots.db")
        await store.open()
        yield store
        await store.close()
        return
    with postgresql() as address:
        store = Store(address)
        await store.open()
        yield store
        await store.close()


class Here:
    """The steward with the blog, over a store, and what the module would say of posts."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.bot = Steward(parts=[Blog("https://portal.x")])
        self.posts: dict[str, PostFacts] = {}
        self.now = 1000

    def has(self, event_id: str, body: str, room: str = BLOG, *edits: str) -> None:
        """Has the module say this of a post from now on."""
        before = self.posts.get(event_id)
        self.now += 1
        sent_at = self.now if before is None else before.sent_at
        self.posts[event_id] = PostFacts(room, event_id, ADA, sent_at, None, {"msgtype": "m.text", "body": body}, edits)

    async def event(self, event_id: str, content: Mapping[str, Any], room: str = BLOG, **more: Any) -> list[Schedule]:
        """Has the bot have an event, and does what it asks for; the jobs that it asked for."""
        event = Event(event_id, room, more.pop("type", "m.room.message"), more.pop("sender", ADA), content, **more)
        if self.bot.needs(event, STEWARD) is None:
            return []

        def handle(connection: sa.Connection) -> list[Effect]:
            return list(self.bot.handle(event, Context(STEWARD, now=1.0, occasion=event_id, connection=connection)))

        jobs = [one for one in await self.store.write(handle) if isinstance(one, Schedule)]
        for job in jobs:
            await self.run(job)
        return jobs

    async def run(self, job: Schedule) -> None:
        found = self.posts.get(str(job.arguments.get("event_id")), Unknown())

        def run(connection: sa.Connection) -> None:
            context = Context(STEWARD, post=found, now=1.0, occasion=job.name, connection=connection)
            assert self.bot.run(Job(job.name, 1.0, job.arguments), context) == ()

        await self.store.write(run)

    async def redact(self, target: str, sender: str = ADA, room: str = BLOG) -> None:
        self.posts.pop(target, None)
        content = {"redacts": target}
        await self.event(f"$r{target}", content, room, type="m.room.redaction", sender=sender)

    async def policy(self, room: str, content: Json) -> None:
        event = Event("$s", room, POLICY_TYPE, STEWARD, content, state_key="")
        assert self.bot.needs(event, STEWARD) is not None
        await self.store.write(lambda connection: self.bot.handle(event, Context(STEWARD, connection=connection)))

    async def find(self, since: Mapping[str, int] | None = None, **asked: Any) -> list[str]:
        found = await self.store.read(
            lambda connection: listed(connection, {BLOG: 0, OTHER: 0} if since is None else since, Asked(**asked))
        )
        return [row.event_id for row in found.rows]

    async def count(self, *tables: sa.Table) -> list[int]:
        def read(connection: sa.Connection) -> list[int]:
            return [connection.scalar(sa.select(sa.func.count()).select_from(one)) or 0 for one in tables]

        return await self.store.read(read)


def changed(target: str, body: str) -> Json:
    relation = {"rel_type": "m.replace", "event_id": target}
    new = {"msgtype": "m.text", "body": body}
    return {**new, "m.new_content": new, "m.relates_to": relation}


def said(body: str) -> Json:
    return {"msgtype": "m.text", "body": body}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
async def test_the_index_follows_what_the_module_says(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        here = Here(store)
        here.has("$1", "# Tide tables\n\nHashing images #tides")
        assert [job.name for job in await here.event("$1", said("# Tide tables"))] == [f"{READ}$1"]
        assert await here.find() == await here.find(query="image hashes") == await here.find(tag="TIDES") == ["$1"]
        assert not await here.find(query="lobster") and not await here.find(tag="lobster")
        assert await here.find(query="#Tides") == await here.find(query="image #tides") == ["$1"]
        assert not await here.find(query="#image"), "a word is no tag"
        assert not await here.find(query="lobster #tides")
        # Beginnings of words; and where nothing has them, words of which one letter differs.
        assert await here.find(query="hash ima") == await here.find(query="hashin tabels") == ["$1"]
        assert await here.find(query="mages") == ["$1"] and not await here.find(query="i ash")
        assert not await here.find(query='"hashing imagse"') and not await here.find(query="maggs")
        # What is no post, wherever it stands; and what looks like one where there is no blog.
        for number, body in enumerate(("Tide tables", "#tides", "well\n# Tides", "!help")):
            assert await here.event(f"$no{number}", said(body)) == []
        await here.event("$elsewhere", said("# Tide tables"), "!group:x")
        assert await here.find() == ["$1"] and await here.count(post, tag) == [1, 1]
        # An edit is a version; one that is taken back is none.
        here.has("$1", "# Ebb tables\n\n#ebb", BLOG, "$e1")
        await here.event("$e1", changed("$1", "# Ebb tables"))
        assert (
            await here.find(tag="ebb") == ["$1"]
            and not await here.find(query="tide")
            and not await here.find(tag="tides")
        )
        here.has("$1", "# Tide tables\n\nHashing images #tides")
        await here.redact("$e1")
        assert await here.find(query="tide") == ["$1"] and await here.count(edit) == [0]
        # A message that gets a heading by an edit becomes a post, and one that loses it is none any more.
        here.has("$2", "# Two\n\n#two", BLOG, "$e2")
        await here.event("$e2", changed("$2", "# Two"))
        assert await here.find() == ["$2", "$1"]
        here.has("$2", "Two", BLOG, "$e2", "$e3")
        await here.event("$e3", changed("$2", "Two"))
        assert await here.find() == ["$1"]
        # Again and in any order, it is the same.
        await here.event("$1", said("# Tide tables"))
        await here.event("$1", said("# Tide tables"))
        assert await here.find() == ["$1"] and await here.count(post, tag) == [1, 1]
        # A redaction in another room is none of this post, one in the steward's own name is.
        await here.event("$r", {"redacts": "$1"}, OTHER, type="m.room.redaction")
        assert await here.find() == ["$1"]
        await here.redact("$1", STEWARD)
        assert await here.find() == [] and await here.count(post, tag, edit) == [0, 0, 0]
        # A group that is no blog any more has no posts.
        for number in range(3):
            here.has(f"$p{number}", f"# Post {number}\n\n#post", BLOG if number else OTHER)
            await here.event(f"$p{number}", said("# Post"), BLOG if number else OTHER)
        policy = {"kind": "open", "purpose": "discussion"}
        for room, purpose in ((BLOG, "discussion"), (OTHER, "blog")):
            await here.policy(room, {**policy, "purpose": purpose})
        assert await here.find() == ["$p0"] and await here.count(post, tag) == [1, 1]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
async def test_whole_words_are_found_before_beginnings_and_titles_before_texts(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path) as store:
        here = Here(store)
        bodies = ("# Light\n\nx", "# Lightship\n\nx", "# Old\n\nA light", "# New\n\nA lightship", "# Lihgt\n\nx")
        for number, body in enumerate(bodies):
            here.has(f"${number}", body)
            await here.event(f"${number}", said(body))
        assert await here.find(query="light") == ["$0", "$1", "$2", "$3"]
        assert await here.find(query="ligth") == ["$0", "$2"], "nothing has that: a letter wrong, as a whole word"
        assert await here.find(query="lihgt") == ["$4"], "what is there is meant"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.full)])
async def test_what_somebody_does_not_read_changes_nothing_that_they_find(kind: str, tmp_path: Path) -> None:
    """Matching, order, totals, tags and pages are the same bytes, whatever stands elsewhere or stood before (P2)."""
    async with opened(kind, tmp_path) as store:
        here = Here(store)
        for number in range(2 * PAGE):
            here.has(f"${number}", f"# Post {number}\n\nharbour lights #shared #t{number % 3}x")
            await here.event(f"${number}", said("# Post"))
        since = {BLOG: 1000 + PAGE}  # in the middle of the posts
        asked = [
            Asked(),
            Asked(page=2),
            Asked(query="lights"),
            Asked(query='"harbour lights"'),
            Asked(query="post 3"),
            Asked(tag="shared"),
            Asked(tag="secret"),
            Asked(author=ADA),
            Asked(group=OTHER),
            Asked(query="secret lights"),
            Asked(query="secre ligh"),
            Asked(query="sceret lihgts"),
            Asked(query="harbuor ligths"),
        ]

        async def answers() -> list[object]:
            return [await store.read(lambda connection, one=one: listed(connection, since, one)) for one in asked]  # type: ignore[misc]

        before = await answers()
        assert [len(one.rows) for one in before][:3] == [PAGE, 1, PAGE]  # type: ignore[attr-defined]
        for number in range(3 * PAGE):
            here.has(f"$o{number}", f"# Lights {number}\n\nharbour lights secret #shared #secret", OTHER)
            await here.event(f"$o{number}", said("# Lights"), OTHER)
        assert await answers() == before
        assert await here.find({}) == [] and await here.find({"!nothing:x": 0}) == []


async def test_a_post_that_is_gone_leaves_no_word_in_the_file(tmp_path: Path) -> None:
    async with opened("sqlite", tmp_path) as store:
        here = Here(store)
        here.has("$1", "# Quicksilver\n\nquicksand #quickly")
        await here.event("$1", said("# Quicksilver"))

        async def words() -> bytes:
            def read(connection: sa.Connection) -> bytes:
                tables = ("blog_words_data", "blog_words_content", "blog_post", "blog_tag")
                rows = (row for one in tables for row in connection.execute(sa.text(f"SELECT * FROM {one}")))  # noqa: S608
                return b" ".join(one if isinstance(one, bytes) else str(one).encode() for row in rows for one in row)

            return await store.read(read)

        assert b"quick" in await words()
        await here.redact("$1")
        await here.run(Schedule(SWEEP, 1.0))
        left = await words()
        assert b"quick" not in left and b"Quick" not in left


@pytest.mark.full
async def test_kill_9_loses_and_doubles_no_post(tmp_path: Path) -> None:
    """Killed again and again while posts come and are taken back: at the end the index is what the module says."""
    port, dice = free_ports(1)[0], random.Random(11)  # noqa: S311 - no secret
    async with Homeserver() as homeserver:
        process = BotsProcess(write_config(tmp_path, homeserver.url, port))
        await process.start()
        try:
            for number in range(30):
                event_id = f"$post{number}"
                content = said(f"# Post {number}\n\n#tag{number}x")
                facts = {"room_id": BLOG, "event_id": event_id, "sender": ADA, "sent_at": number, "content": content}
                homeserver.posts[event_id] = {**facts, "revised_at": None, "edits": []}
                events = [message(event_id, content["body"], room=BLOG)]
                if number % 3 == 0:
                    homeserver.posts.pop(event_id)
                    redaction = {"type": "m.room.redaction", "content": {"redacts": event_id}}
                    events.append({**message(f"$gone{number}", room=BLOG), **redaction})
                assert (await process.push(f"t{number}", *events))[0] == 200
                if number % 6 == 5:
                    await asyncio.sleep(dice.uniform(0.0, 0.2))
                    process.end()
                    await process.start()
            store = Store(f"sqlite:///{tmp_path}/bots.db")
            await store.open()
            wanted = sorted(homeserver.posts)
            await until(lambda: _is(store, wanted))
            await store.close()
        finally:
            process.end()


async def _is(store: Store, wanted: list[str]) -> bool:
    def read(connection: sa.Connection) -> bool:
        known = sorted(connection.scalars(sa.select(post.c.event_id)).all())
        tags = connection.scalar(sa.select(sa.func.count()).select_from(tag))
        words = connection.scalar(sa.text("SELECT count(*) FROM blog_words"))
        return known == wanted and tags == words == len(wanted)

    return await store.read(read)
