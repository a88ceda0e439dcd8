"""The directory's search on the real databases: what is found, what is not, and that both find the same."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from belisha.directory.fields import FIELDS, Visibility
from belisha.directory.values import RANKED, Answer, Asker, Facets, Profile
from bench.community import people
from bench.community_words import SYNONYMS
from bench.judgements import QUERIES
from bots.directory import search
from bots.directory.index_tables import deletion, groups, posting, tag, vocabulary
from bots.kernel.store import Store
from tests.support.databases import postgresql

pytestmark = pytest.mark.more

NOW = 1.8e9
STRANGER = Asker("@stranger:x", "elsewhere")
HOSTILE = (
    '"',
    "'",
    "\\",
    "a OR",
    "NEAR(a b)",
    "{expertise} : a",
    "hash* *",
    "a & | ! <-> b",
    "' || (SELECT 1) || '",
    ":words %s $1 ?",
    "\0a",
    "\ud800",
    "🙂",
    "-a +b ^c",
    '"a" "" "b',
    "а" * 500,
    "a " * 500,
    "%_%",
    "_",
    "画像",
    "AND",
    "NOT",
)


def profile(
    number: int,
    *,
    name: str = "",
    organisation: str = "harbour",
    see: dict[str, Visibility] | None = None,
    **fields: Any,
) -> Profile:
    return Profile(
        f"@m{number}:x", name or f"Person{number}", organisation, organisation.title(), "charity", fields, see or {}
    )


@pytest.fixture
async def there(store: Store) -> AsyncIterator[Callable[..., Any]]:
    """Runs a function of `search` on an empty SQLite database."""

    async def run(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return await store.write(lambda connection: function(connection, *arguments, **named))

    yield run


def found(answer: Answer) -> list[str]:
    return [hit.user_id for hit in answer.hits]


async def test_words_prefixes_phrases_typos_and_synonyms(there: Callable[..., Any]) -> None:
    await there(search.add_synonyms, ["OSINT", "open-source intelligence"])
    await there(search.index, profile(1, expertise=("image hashing",)), NOW)
    await there(search.index, profile(2, expertise=("hashing passwords", "image search")), NOW)
    await there(search.index, profile(3, interests=("OSINT",)), NOW)
    await there(search.index, profile(4, about=("I do open source intelligence.",)), NOW)

    async def ask(query: str) -> Answer:
        return await there(search.search, query, STRANGER, NOW)

    assert found(await ask("image hashing")) == ["@m1:x", "@m2:x"]
    some = await ask("image passwords")
    assert (found(some), some.full, some.total) == (["@m2:x", "@m1:x"], 1, 2), "who has all of it comes first"
    assert ((await ask("image nobody")).full, (await ask("image")).full) == (0, 2)
    assert found(await ask('"image hashing"')) == ["@m1:x"]
    assert found(await ask("imag")) == ["@m1:x", "@m2:x"]
    assert found(await ask("passw*")) == ["@m2:x"]
    typo = await ask("image hashnig")
    assert found(typo) == ["@m1:x", "@m2:x"]
    assert typo.corrected == {"hashnig": "hashing"}
    assert found(await ask("open source intelligence")) == ["@m4:x", "@m3:x"] or found(
        await ask("open source intelligence")
    ) == ["@m3:x", "@m4:x"]
    answer = await ask("osint")
    assert set(found(answer)) == {"@m3:x", "@m4:x"}
    assert {str(reason) for hit in answer.hits for reason in hit.reasons} == {
        "interests: OSINT",
        "about: I do open source intelligence. (means the same as osint)",
    }
    assert found(await ask("person3")) == ["@m3:x"]
    assert found(await ask("nothing-of-the-kind")) == []


async def test_an_empty_query_lists_everybody_else_the_freshest_first(there: Callable[..., Any]) -> None:
    for number in range(25):
        await there(search.index, profile(number, organisation="a" if number % 2 else "b"), NOW + number)
    first = await there(search.search, "", Asker("@m24:x", "a"), NOW + 30)
    assert (first.total, first.more) == (24, False)
    assert found(first)[:2] == ["@m23:x", "@m22:x"]
    assert found(await there(search.search, " ", Asker("@m24:x", "a"), NOW + 30, page=2)) == [
        f"@m{number}:x" for number in (3, 2, 1, 0)
    ]
    assert found(await there(search.search, "", Asker("@m24:x", "a"), NOW + 30, page=9)) == []
    assert first.counts["organisation"] == {"a": 12, "b": 12}


async def test_facets_narrow_down_and_count_what_is_left(there: Callable[..., Any]) -> None:
    for number in range(6):
        await there(
            search.index,
            profile(
                number,
                organisation="ab"[number % 2],
                interests=("OSINT",) if number < 4 else ("Osint", "tea"),
                availability=("limited" if number < 2 else "not now",),
            ),
            NOW,
        )
    everybody = await there(search.search, "osint", STRANGER, NOW)
    assert everybody.counts == {
        "organisation": {"a": 3, "b": 3},
        "category": {"charity": 6},
        "availability": {"limited": 2, "not now": 4},
        "interest": {"OSINT": 6, "tea": 2},
    }
    for facets, members in (
        (Facets(organisation="a"), {0, 2, 4}),
        (Facets(availability="limited"), {0, 1}),
        (Facets(interest="TEA"), {4, 5}),
        (Facets(organisation="b", availability="not now", category="charity"), {3, 5}),
        (Facets(interest="' OR 1=1"), set()),
        (Facets(organisation="\0\ud800", interest="\ud800"), set()),
    ):
        answer = await there(search.search, "osint", STRANGER, NOW, facets)
        assert set(found(answer)) == {f"@m{number}:x" for number in members}, facets
        assert answer.total == sum(answer.counts["organisation"].values()) == len(members)


async def test_more_than_can_be_ranked_are_said_to_be_more(there: Callable[..., Any]) -> None:
    many = [(profile(number, interests=("osint",)), NOW + number) for number in range(RANKED + 20)]
    many.insert(3, (profile(9999, expertise=("osint",)), NOW - 9))
    await there(search.rebuild, many)
    answer = await there(search.search, "osint", STRANGER, NOW + 500)
    assert answer.more
    assert answer.total == RANKED == sum(answer.counts["category"].values())
    assert found(answer)[0] == "@m9999:x", "whose expertise it is comes first, however old"


async def test_what_is_for_groups_is_found_by_those_who_share_one_now(there: Callable[..., Any]) -> None:
    secret = {"expertise": Visibility.GROUPS, "availability": Visibility.GROUPS, "about": Visibility.NOBODY}
    await there(
        search.index,
        profile(
            1, see=secret, expertise=("zebra tracking",), interests=("tea",), availability=("limited",), about=("yak",)
        ),
        NOW,
    )
    sharing = Asker("@friend:x", "elsewhere", frozenset({"@m1:x"}))
    assert found(await there(search.search, "zebra", sharing, NOW)) == ["@m1:x"]
    assert found(await there(search.search, "zebra tea", sharing, NOW)) == ["@m1:x"], "one word of each visibility"
    assert found(await there(search.search, "tea", sharing, NOW, Facets(availability="limited"))) == ["@m1:x"]
    assert (await there(search.search, "tea", sharing, NOW)).counts["availability"] == {"limited": 1}
    assert [hit.user_id for hit in await there(search.match, "zebra", sharing, NOW)] == ["@m1:x"]
    for asker in (STRANGER, Asker("@other:x", "x", frozenset({"@m2:x"}))):
        for query in ("zebra", "zebr", "zebar", "zebra tea", '"zebra tracking"'):
            answer = await there(search.search, query, asker, NOW)
            assert not answer.corrected
            assert "zebra" not in repr(answer)
        assert found(await there(search.search, "zebra", asker, NOW)) == []
        assert found(await there(search.search, "tea", asker, NOW, Facets(availability="limited"))) == []
        assert not await there(search.match, "zebra", asker, NOW)
    assert found(await there(search.search, "yak", sharing, NOW)) == [], "nobody is nobody"
    assert await there(search.suggest, "expertise", "z") == []


async def test_members_who_must_not_be_found_are_not(there: Callable[..., Any]) -> None:
    for number in (1, 2):
        see = {"interests": Visibility.GROUPS}
        await there(search.index, profile(number, see=see, expertise=("osint",), interests=("tea",)), NOW)
    absent = Asker("@a:x", "x", frozenset({"@m1:x", "@m2:x"}), absent=frozenset({"@m1:x"}))
    for query in ("osint", "tea", ""):
        answer = await there(search.search, query, absent, NOW)
        assert found(answer) == ["@m2:x"]
        assert answer.total == answer.counts["category"]["charity"] == 1
    await there(search.drop, "@m2:x")
    await there(search.drop, "@m2:x")
    assert found(await there(search.search, "osint", STRANGER, NOW)) == ["@m1:x"]
    assert found(await there(search.search, "tea", Asker("@a:x", "x", frozenset({"@m2:x"})), NOW)) == []
    await there(search.drop, "@m1:x")
    await there(search.sweep)
    for table in (posting, vocabulary, deletion, tag, groups):
        assert (
            await there(lambda connection, of: connection.scalar(sa.select(sa.func.count()).select_from(of)), table)
            == 0
        )


async def test_a_changed_profile_is_found_by_its_new_words_alone(there: Callable[..., Any]) -> None:
    await there(search.index, profile(1, expertise=("zebras",), interests=("tea",)), NOW)
    await there(search.index, profile(2, expertise=("zebras",)), NOW)
    await there(search.index, profile(1, expertise=("yaks",), interests=("tea",)), NOW + 1)
    assert found(await there(search.search, "zebra", STRANGER, NOW)) == ["@m2:x"]
    assert found(await there(search.search, "yaks tea", STRANGER, NOW)) == ["@m1:x"]
    assert await there(search.suggest, "expertise", "") == ["yaks", "zebras"]


async def test_erased_words_stand_in_no_row(there: Callable[..., Any], store: Store, tmp_path: Path) -> None:
    for number in range(50):
        await there(search.index, profile(number, expertise=("osint",)), NOW)
    await there(search.index, profile(99, expertise=("quagmirology",)), NOW)
    await there(search.drop, "@m99:x")
    await there(search.sweep)
    await store.close()
    with sqlite3.connect(tmp_path / "bots.db") as connection:
        assert "osint" in "".join(connection.iterdump())
        assert "quagmir" not in "".join(connection.iterdump())


async def test_suggestions_are_the_most_used_tags(there: Callable[..., Any]) -> None:
    for number, tags in enumerate([("OSINT",), ("osint",), ("OSINT", "Oscillation"), ("tea",)]):
        await there(search.index, profile(number, expertise=tags), NOW)
    assert await there(search.suggest, "expertise", "OS") == ["OSINT", "Oscillation"]
    assert await there(search.suggest, "expertise", "os", 1) == ["OSINT"]
    assert await there(search.suggest, "interests", "os") == []
    with pytest.raises(ValueError, match="no tags"):
        await there(search.suggest, "about", "x")


async def test_synonyms_are_kept(there: Callable[..., Any]) -> None:
    await there(search.add_synonyms, ["CSAM", "abuse material"])
    await there(search.add_synonyms, ["OSINT", "open sources"])
    await there(search.add_synonyms, ["abuse materials", "known\u202e images"])
    assert await there(search.synonyms) == [("CSAM", "abuse material", "known images"), ("OSINT", "open sources")]
    for terms in (["one"], ["One", "one"], ["x", "!!"], ["x", "one two three four five six seven"], ["x", "y" * 99]):
        with pytest.raises(ValueError, match=r"\.$"):
            await there(search.add_synonyms, terms)
    with pytest.raises(ValueError, match="At most"):
        await there(search.add_synonyms, [f"term{number}" for number in range(50)])
    assert await there(search.remove_synonym, "abuse material")
    assert not await there(search.remove_synonym, "abuse material")
    assert await there(search.remove_synonym, "osint")
    assert await there(search.synonyms) == [("CSAM", "known images")]


async def test_challenges_find_expertise_elsewhere_first(there: Callable[..., Any]) -> None:
    await there(search.add_synonyms, ["grooming detection", "online grooming"])
    await there(search.index, profile(1, organisation="home", expertise=("grooming detection",)), NOW)
    await there(search.index, profile(2, organisation="other", expertise=("online grooming", "tea")), NOW)
    await there(search.index, profile(3, organisation="other", interests=("grooming detection",)), NOW)
    await there(search.index, profile(4, organisation="home", challenges=("grooming detection",)), NOW)
    asker = Asker("@m4:x", "home")
    hits = await there(search.match, "Grooming detection", asker, NOW)
    assert [(hit.user_id, [str(reason) for reason in hit.reasons]) for hit in hits] == [
        ("@m2:x", ["expertise: online grooming (means the same as grooming detection)"]),
        ("@m1:x", ["expertise: grooming detection"]),
    ]
    assert [hit.user_id for hit in await there(search.match, "tea ceremonies", asker, NOW)] == ["@m2:x"]
    assert await there(search.match, "🙂", asker, NOW) == ()
    assert await there(search.match, "x", asker, NOW, 0) == []


def _community(connection: sa.Connection) -> None:
    """A community, put together by single changes: some profiles more than once, some hidden, some taken out."""
    for terms in SYNONYMS:
        search.add_synonyms(connection, terms)
    members = list(people(60))
    for person in [*members, *members[::7]]:
        see = {name: list(Visibility)[(person.number + place) % 5 % 3] for place, name in enumerate(FIELDS)}
        search.index(connection, _profile(person, see), NOW - person.age_days * 86400)
    for person in members[::11]:
        search.drop(connection, person.user_id)


def _profile(person: Any, see: dict[str, Visibility]) -> Profile:
    return Profile(person.user_id, person.name, *person.organisation, person.fields, see)


def _everything(connection: sa.Connection) -> list[str]:
    """All that can be asked, by a stranger and by somebody who shares groups."""
    shares = frozenset(f"@m{number}:belisha.localhost" for number in range(0, 60, 2))
    said: list[str] = []
    for asker in (Asker("@m1:belisha.localhost", "northbridge"), Asker("@a:x", "x", shares)):
        for query in ("", *(query.text for query in QUERIES[::4]), *HOSTILE, "im", "gro*", '"image hashing" osint'):
            facets = [Facets(), Facets(category="charity")] if len(query) % 3 else [Facets(interest="OSINT")]
            said += [repr(search.search(connection, query, asker, NOW, one)) for one in facets]
            said.append(repr(search.match(connection, query, asker, NOW)))
    return said + [repr(search.suggest(connection, "expertise", text)) for text in ("", "o", "ima", *HOSTILE)]


async def test_both_databases_find_the_same(store: Store) -> None:
    with postgresql() as address:
        other = Store(address)
        await other.open()
        for one in (store, other):
            await one.write(_community)
        here, there = await store.read(_everything), await other.read(_everything)
        rebuilt = await other.write(_rebuilt)
        await other.close()
    assert sum("Hit(" in answer for answer in here) > 80
    assert here == there
    assert here == rebuilt
    assert here == await store.write(_rebuilt)


def _rebuilt(connection: sa.Connection) -> list[str]:
    """The same community, made anew out of the profiles as they are in the end."""
    members = [person for person in people(60) if person.number % 11]
    again = {person.number for person in list(people(60))[::7]}
    ordered: Sequence[Any] = sorted(members, key=lambda person: (person.number in again, person.number))
    profiles = [
        (
            _profile(person, {n: list(Visibility)[(person.number + place) % 5 % 3] for place, n in enumerate(FIELDS)}),
            NOW - person.age_days * 86400,
        )
        for person in ordered
    ]
    search.rebuild(connection, profiles)
    return _everything(connection)


async def test_both_databases_find_the_same_of_what_many_know(store: Store) -> None:
    """Experts are enough, or too few, or more than enough; and so are all that match."""
    old = 400  # after these nobody's expertise is tea
    many = [
        (
            profile(
                number,
                expertise=("osint",) if number % 4 else ("image hashing", *(["tea"] if number < old else [])),
                interests=("tea",),
            ),
            NOW - 2000 + number,
        )
        for number in range(800)
    ]

    def answers(connection: sa.Connection) -> list[Answer]:
        for number in range(5):  # numbers have gaps
            search.index(connection, profile(number, expertise=("osint", "osint news")), NOW)
        asker = Asker("@m799:x", "x", absent=frozenset({"@m798:x"}))
        queries = ("osint", "tea", "osint tea", "tea image", "osint hashing", "news", '"image hashing"')
        return [search.search(connection, query, asker, NOW, page=page) for query in queries for page in (1, 5)]

    with postgresql() as address:
        other = Store(address)
        await other.open()
        for one in (store, other):
            await one.write(lambda connection: search.rebuild(connection, many))
        here, there = await store.write(answers), await other.write(answers)
        await other.close()
    assert here == there
    assert [answer.more for answer in here].count(True) >= 6
    assert not any("@m798:x" in repr(answer) for answer in here)


async def test_hostile_queries_get_an_answer(there: Callable[..., Any]) -> None:
    await there(search.index, profile(1, expertise=HOSTILE[:20], about=(" ".join(HOSTILE).replace("\ud800", ""),)), NOW)
    for query in HOSTILE:
        answer = await there(search.search, query, Asker("@a:x", "x", frozenset({"@m1:x"})), NOW)
        assert answer.hits or answer.said or not answer.total, query
    said = await there(search.search, "🙂 !", STRANGER, NOW)
    assert said.said.startswith("There is no word in that")
    assert (await there(search.search, "a b " * 300, STRANGER, NOW)).said.startswith("That is long")


def test_an_answer_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Answer().total = 3  # type: ignore[misc]  # that is the test
