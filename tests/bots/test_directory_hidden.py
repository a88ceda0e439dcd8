"""What somebody hides changes no byte of what others are told, whatever they ask (P2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from belisha.directory.fields import FIELDS, Visibility
from belisha.directory.values import Asker, Facets, Profile
from bots.directory import search
from bots.kernel.migrations.upgrade import upgrade
from bots.kernel.store import _as_sqlite_should

NOW = 1.8e9
WORDS = ("image", "hashing", "hashnig", "osint", "open", "source", "tea", "zebra", "hash", "zebras")
MEMBERS = 4
Fields = Mapping[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """One database for all examples, each of which is rolled back."""
    engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('directory') / 'bots.db'}")
    _as_sqlite_should(engine, "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        upgrade(connection)
        search.add_synonyms(connection, ["osint", "open source"])
    yield engine
    engine.dispose()


_tags = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join), max_size=3).map(tuple)
_fields = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, _tags))
_members = st.lists(_fields, min_size=MEMBERS, max_size=MEMBERS)
_seen = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(list(Visibility)) for name in FIELDS}),
    min_size=MEMBERS,
    max_size=MEMBERS,
)
_queries = st.lists(
    st.lists(st.sampled_from((*WORDS, "zeb", "imgae", '"image hashing"', "member1")), max_size=3).map(" ".join),
    min_size=1,
    max_size=4,
)


def _profile(number: int, fields: Fields, see: Mapping[str, Visibility]) -> Profile:
    return Profile(f"@m{number}:x", f"Member{number}", "harbour", "Harbour", "charity", fields, see)


def _shown(fields: Fields, see: Mapping[str, Visibility], *, sharing: bool) -> Fields:
    """What is left of a profile for one who shares a group with its owner, or does not."""
    may = {Visibility.COMMUNITY, Visibility.GROUPS} if sharing else {Visibility.COMMUNITY}
    return {name: tags for name, tags in fields.items() if see[name] in may}


def _told(connection: sa.Connection, asker: Asker, queries: list[str]) -> list[str]:
    """All that an asker is told, as text."""
    told = []
    for query in queries:
        told.append(repr(search.search(connection, query, asker, NOW)))
        told.append(repr(search.search(connection, query, asker, NOW, Facets(interest="tea"))))
        told.append(repr(search.search(connection, query, asker, NOW, Facets(availability="tea"), 2)))
        told.append(repr(search.match(connection, query, asker, NOW)))
        told.append(repr([search.suggest(connection, name, query) for name, field in FIELDS.items() if field.tags]))
    return told


@settings(max_examples=60)
@given(members=_members, see=_seen, queries=_queries, shares=st.sets(st.integers(0, MEMBERS - 1)))
def test_hidden_fields_change_nothing(
    database: sa.Engine, members: list[Fields], see: list[Any], queries: list[str], shares: set[int]
) -> None:
    """A community with hidden fields and one in which nobody ever filled them in: the asker cannot tell which it is.

    In the first, hidden fields are written last, one by one, so that freshness would tell too.
    """
    asker = Asker("@asker:x", "x", frozenset(f"@m{number}:x" for number in shares))
    seen = [_shown(members[number], see[number], sharing=number in shares) for number in range(MEMBERS)]
    with database.connect() as connection:
        for number, fields in enumerate(seen):
            search.index(connection, _profile(number, fields, see[number]), NOW - number)
        without = _told(connection, asker, queries)
        for number, fields in enumerate(seen):
            for name in members[number].keys() - fields.keys():
                more = {**fields, name: members[number][name]}
                search.index(connection, _profile(number, more, see[number]), NOW - 0.5)
            search.index(connection, _profile(number, members[number], see[number]), NOW - 0.5)
        assert _told(connection, asker, queries) == without
        connection.rollback()


@settings(max_examples=20)
@given(members=_members, see=_seen, queries=_queries, left=st.integers(0, MEMBERS - 1))
def test_who_is_dropped_was_never_there(
    database: sa.Engine, members: list[Fields], see: list[Any], queries: list[str], left: int
) -> None:
    asker = Asker("@asker:x", "x", frozenset(f"@m{number}:x" for number in range(MEMBERS)))
    profiles = [_profile(number, members[number], see[number]) for number in range(MEMBERS)]
    told = []
    for with_them in (True, False):
        with database.connect() as connection:
            for number, profile in enumerate(profiles):
                if with_them or number != left:
                    search.index(connection, profile, NOW - number)
            if with_them:
                search.drop(connection, profiles[left].user_id)
            told.append(_told(connection, asker, queries))
            connection.rollback()
    assert told[0] == told[1]
    assert not any(f"@m{left}:x" in text for text in told[0])


def test_the_property_would_notice(database: sa.Engine) -> None:
    """The same word, once hidden and once not: what is told differs where it may."""
    asker = Asker("@asker:x", "x")
    with database.connect() as connection:
        search.index(connection, _profile(1, {"expertise": ("zebra",)}, {"expertise": Visibility.GROUPS}), NOW)
        hidden = _told(connection, asker, ["zebra"])
        search.index(connection, _profile(1, {"expertise": ("zebra",)}, {"expertise": Visibility.COMMUNITY}), NOW)
        assert _told(connection, asker, ["zebra"]) != hidden
        connection.rollback()


def _work(connection: sa.Connection, asker: Asker, queries: list[str]) -> int:
    """How many steps SQLite takes for all that an asker is told: the time follows from them, and they do not vary."""
    steps = 0
    _told(connection, asker, queries)  # what is prepared once

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    raw: Any = connection.connection.driver_connection
    raw.set_progress_handler(step, 1)
    try:
        _told(connection, asker, queries)
    finally:
        raw.set_progress_handler(None, 0)
    return steps


@pytest.mark.parametrize("shares", [frozenset[str](), frozenset({"@m1:x", "@m2:x"})], ids=["stranger", "of a group"])
def test_hidden_fields_are_no_work_for_who_may_not_read_them(database: sa.Engine, shares: frozenset[str]) -> None:
    """So nobody learns of them by the time that an answer takes."""
    asker = Asker("@asker:x", "x", shares)
    queries = ["zebra", "image hashing", "zeb", "hashnig", "open source zebra", '"image hashing"', ""]
    public = {"expertise": ("image hashing", "osint"), "interests": ("zebra", "tea")}
    seen = dict.fromkeys(FIELDS, Visibility.COMMUNITY)
    with database.connect() as connection:
        for number in range(40):
            search.index(connection, _profile(number, public, seen), NOW - number)
        before = _work(connection, asker, queries)
        assert before > 1000 and _work(connection, asker, queries) == before
        see = {**seen, "challenges": Visibility.GROUPS}
        more = {**public, "challenges": tuple(f"zebra image hashing {one}" for one in range(50))}
        for number in range(5, 40):
            search.index(connection, _profile(number, more, see), NOW)
        assert _work(connection, asker, queries) == before
        search.index(connection, _profile(1, more, see), NOW)
        search.index(connection, _profile(3, more, seen), NOW)
        assert _work(connection, asker, queries) != before, "what may be read is work"
        connection.rollback()
