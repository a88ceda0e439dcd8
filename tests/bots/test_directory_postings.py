"""The directory's postings: they say of each word what the documents say, slice by slice, and phrases are so."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from belisha.directory.values import RANKED, Asker, Facets, Profile
from bots.directory import candidates, postings, search
from bots.directory.dialects import PostgreSQL
from bots.directory.index_tables import community, posting, tag, unmerged
from bots.kernel.direct import Rows, Statement
from bots.kernel.migrations.upgrade import configuration, upgrade
from bots.kernel.store import Store

NOW = 1.8e9
STRANGER = Asker("@stranger:x", "elsewhere")


def profile(number: int, *expertise: str, interests: tuple[str, ...] = ()) -> Profile:
    fields = {"expertise": expertise, "interests": interests}
    return Profile(f"@m{number}:x", f"Person{number}", "harbour", "Harbour", "charity", fields)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of four numbers, so that a few documents are in several."""
    monkeypatch.setattr(postings, "SLICE", 4)
    monkeypatch.setattr(candidates, "SLICE", 4)


def _said(connection: sa.Connection) -> dict[str, tuple[set[int], set[int]]]:
    """What the postings say: of each key the documents that have it, and those whose expertise has it."""
    keys = set(connection.scalars(sa.select(posting.c.key)))
    there = postings.read(connection, keys)
    found: dict[str, tuple[set[int], set[int]]] = {}
    for key in keys:
        both = [
            {
                place * postings.SLICE + bit
                for place in there.slices
                for bit in range(postings.SLICE)
                if there.bits(place, key, expertise=expertise) >> bit & 1
            }
            for expertise in (False, True)
        ]
        found[key] = (both[0], both[1])
    return found


def _so(connection: sa.Connection) -> dict[str, tuple[set[int], set[int]]]:
    """What the documents say."""
    found: defaultdict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for row in connection.execute(sa.select(community)).mappings():
        for key, expertise in postings.keys_of(row).items():
            found[key][0].add(row["number"])
            if expertise:
                found[key][1].add(row["number"])
    return dict(found)


@pytest.mark.usefixtures("small")
async def test_postings_follow_every_change(store: Store) -> None:
    draw = random.Random(3)  # noqa: S311 - the same each time
    words = ("image", "hash", "osint", "tea", "zebra")

    def tags() -> tuple[str, ...]:
        return tuple(" ".join(draw.sample(words, draw.randint(1, 3))) for _ in range(draw.randint(0, 3)))

    def told(connection: sa.Connection) -> list[str]:
        facets = [Facets(), Facets(interest="tea"), Facets(category="charity")]
        asked = ("", "osint", "image hash", '"hash image tea"', "zeb", "person3", "tea zebra nobody")
        said = [repr(search.search(connection, one, STRANGER, NOW, by)) for one in asked for by in facets]
        return said + [repr(search.match(connection, one, STRANGER, NOW)) for one in asked]

    def change(connection: sa.Connection) -> None:
        for turn in range(60):
            number = draw.randrange(8)
            if draw.random() < 0.25:
                search.drop(connection, f"@m{number}:x")
            else:
                search.index(connection, profile(number, *tags(), interests=tags()), NOW)
            if turn % 4 == 0:
                before = told(connection)
                while search.sweep(connection, 2):
                    assert told(connection) == before, "half merged, too"
                assert told(connection) == before, "merged or not, the same is found"
                assert _said(connection) == _so(connection)
        assert max(connection.scalars(sa.select(posting.c.slice))) > 5
        kept = [(profile(number, "image hash", interests=tags()), NOW) for number in range(8)]
        search.rebuild(connection, kept)
        assert _said(connection) == _so(connection)
        for number in range(8):
            search.drop(connection, f"@m{number}:x")
        search.sweep(connection)
        assert connection.execute(sa.select(posting)).all() == connection.execute(sa.select(unmerged)).all() == []

    await store.write(change)


async def test_many_changes_are_merged_by_the_last_of_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come within a minute, few are ever read one by one."""
    monkeypatch.setattr(postings, "MOST_MERGED", 5)

    def change(connection: sa.Connection) -> None:
        for number in range(23):
            search.index(connection, profile(number, "osint"), NOW + number)
            newest = connection.scalar(sa.select(sa.func.max(community.c.number)))
            assert newest is not None and newest - postings.merged(connection) < 5
        assert search.search(connection, "osint", STRANGER, NOW + 99).total == 23

    await store.write(change)


@pytest.mark.usefixtures("small")
async def test_the_freshest_of_several_slices_come_first(store: Store) -> None:
    def ask(connection: sa.Connection) -> list[str]:
        search.rebuild(connection, [(profile(number, "osint"), NOW + number) for number in range(11)])
        return [hit.user_id for hit in search.search(connection, "osint", STRANGER, NOW + 99).hits]

    assert await store.write(ask) == [f"@m{number}:x" for number in reversed(range(11))]


async def test_words_of_a_phrase_that_stand_apart_are_none(store: Store) -> None:
    """However many have each two of its words next to each other, and not all three, those who have it are found."""
    apart = [(profile(number, "tor hidden", "hidden services"), NOW + number) for number in range(5 * RANKED)]
    have = [(profile(number, "Tor hidden services"), NOW - 9) for number in (9001, 9002)]
    hosts = (profile(9003, "hosting", interests=("tor hidden services",)), NOW - 9)

    def ask(connection: sa.Connection) -> None:
        search.rebuild(connection, [*have, hosts, *apart])
        answer = search.search(connection, '"tor hidden services"', STRANGER, NOW)
        assert {hit.user_id for hit in answer.hits} == {"@m9001:x", "@m9002:x", "@m9003:x"}
        assert (answer.total, answer.more) == (3, False)
        search.add_synonyms(connection, ["darknet", "tor hidden services"])
        assert len(search.search(connection, "darknet", STRANGER, NOW).hits) == 3
        assert len(search.match(connection, "darknet", STRANGER, NOW)) == 2, "an interest is no expertise"

    await store.write(ask)


async def test_postings_that_are_read_one_after_the_other_are_of_one_moment(store: Store) -> None:
    """What a merging in between has changed is read anew with what is read then."""

    def ask(connection: sa.Connection) -> None:
        search.rebuild(connection, [(profile(1, "image"), NOW)])
        earlier = postings.read(connection, {"imag"})
        both = earlier.with_more(connection, {"imag", "osint"})
        assert both.bits(0, "imag") and not both.bits(0, "osint") and both.merged == earlier.merged
        assert both.with_more(connection, {"osint"}) is both
        search.index(connection, profile(1, "osint"), NOW)
        search.sweep(connection)
        later = earlier.with_more(connection, {"osint"})
        assert later.merged > earlier.merged and later.bits(0, "osint") and not later.bits(0, "imag")

    await store.write(ask)


async def test_an_older_database_gets_its_postings(tmp_path: Path) -> None:
    """Out of the documents that are there, the same that a change would make."""
    url = f"sqlite:///{tmp_path / 'bots.db'}"
    engine = sa.create_engine(url)
    made = Store(f"sqlite:///{tmp_path / 'new.db'}")
    await made.open()
    some = [
        (profile(1, "image hashing", "画像", interests=("OSINT", "open source intelligence")), NOW),
        (profile(2, "grooming detection"), NOW),
    ]
    await made.write(lambda connection: search.rebuild(connection, some))
    rows, wanted = await made.read(
        lambda connection: (connection.execute(sa.select(community)).all(), _said(connection))
    )
    await made.close()
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0025")
        connection.execute(community.insert(), [row._asdict() for row in rows])
    with engine.begin() as connection:
        upgrade(connection)
        assert _said(connection) == wanted == _so(connection)
        assert not sa.inspect(connection).has_table("directory_words")
    engine.dispose()


async def test_what_means_the_same_or_begins_so_costs_no_statement_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their postings are read by the statement that looks them up; of a longer term they are read once it is known."""
    # Of three letters, since other rare words are looked for as misspellings.
    profiles = [profile(1, "IRC"), profile(2, "ice tea", "zoo"), profile(3, "red box sea")]
    asked = 0
    rows = Statement.rows

    def counted(self: Statement, connection: sa.Connection, values: Mapping[str, Any]) -> Rows:
        nonlocal asked
        asked += 1
        return rows(self, connection, values)

    monkeypatch.setattr(Statement, "rows", counted)

    def ask(connection: sa.Connection) -> None:
        nonlocal asked
        search.rebuild(connection, [(one, NOW) for one in profiles])
        search.add_synonyms(connection, ["irc", "ice tea"])
        search.add_synonyms(connection, ["vpn", "red box sea"])
        for typed, found, statements in (
            ("zoo", {"@m2:x"}, 2),
            ("irc", {"@m1:x", "@m2:x"}, 2),
            ("ice tea", {"@m1:x", "@m2:x"}, 2),
            ("zo", {"@m2:x"}, 2),
            ("vpn", {"@m3:x"}, 3),
        ):
            asked = 0
            answer = search.search(connection, typed, STRANGER, NOW)
            assert ({hit.user_id for hit in answer.hits}, asked) == (found, statements), typed

    await store.write(ask)


async def test_a_change_asks_the_database_no_more_often_than_it_has_to(store: Store) -> None:
    """Each statement of it is a journey, while which everybody else who changes a profile waits."""
    shared = [profile(number, "tea", "dogs", "ice cream") for number in range(3)]

    def asked(connection: sa.Connection) -> tuple[int, list[str]]:
        search.rebuild(connection, [(one, NOW) for one in shared])
        told = list[str]()

        def tell(*given: Any) -> None:
            told.append(given[2])

        sa.event.listen(connection, "before_cursor_execute", tell)
        search.index(connection, profile(0, "tea", "ice cream", "zebras"), NOW)
        sa.event.remove(connection, "before_cursor_execute", tell)
        tags = connection.execute(sa.select(tag.c.label, tag.c.members).order_by(tag.c.label)).all()
        return len(told), [f"{label} {members}" for label, members in tags]

    # On PostgreSQL one more for its turn, and one fewer for what is put in place of the other.
    assert await store.write(asked) == (9, ["dogs 2", "ice cream 3", "tea 3", "zebras 1"])


def test_what_is_asked_for_is_in_the_order_of_its_index() -> None:
    """PostgreSQL takes a third more for 200 ids in any order."""
    words = PostgreSQL()
    assert words.many({"@zoe:x", "@ana:x", "@Ben:x", "@émile:x"}) == "\x1f".join(
        ["@Ben:x", "@ana:x", "@zoe:x", "@émile:x"]
    )
    assert words.numbers([3, 1, 2]) == [1, 2, 3]


def test_an_id_that_is_none_is_not_read_as_two() -> None:
    assert PostgreSQL().many(["@ana:x", "@mallory:x\x1f@ben:x"]) == "@ana:x"
